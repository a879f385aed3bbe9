"""What all tests find: the broken contracts, as their patches have them now."""

from __future__ import annotations

from lab.broken import CONTRACTS, read_bugs, write_contracts


def pytest_sessionstart() -> None:
    """Before anything is collected, for some tests name these contracts in their parameters."""
    write_contracts(read_bugs(), CONTRACTS / "broken")
