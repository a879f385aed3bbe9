"""Faults of the nodes themselves."""
