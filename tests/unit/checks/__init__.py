"""Checks, judged on hand-written histories."""
