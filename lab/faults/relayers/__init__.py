"""Faults of the relayer."""
