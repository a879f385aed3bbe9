"""Vyper sources: the compiler they want, what they import, and where an execution ended."""
