"""Monitoring of a run: the collector at a simulated rhythm, over a connection that asks nodes for little."""
