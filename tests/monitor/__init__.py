"""Monitoring as processes: the exporter, Prometheus, Alertmanager."""
