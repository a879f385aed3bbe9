"""What the report holds: frozen records that every later room fills in or reads. Their dump is `readiness.json`."""
