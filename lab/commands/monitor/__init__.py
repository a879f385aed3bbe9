"""`lab monitor`."""
