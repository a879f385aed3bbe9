"""Chains under load, mined on the wall clock."""
