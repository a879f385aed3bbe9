"""Faults of how a chain makes its blocks."""
