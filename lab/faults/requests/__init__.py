"""Faults on the way between the relayer and its endpoints."""
