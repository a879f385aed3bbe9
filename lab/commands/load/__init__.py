"""`lab load`."""
