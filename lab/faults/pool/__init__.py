"""Faults of the transaction pool."""
