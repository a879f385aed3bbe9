"""Metrics, computed from hand-written histories."""
