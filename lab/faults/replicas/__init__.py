"""Faults of the endpoints: what they answer is old, partial or another's."""
