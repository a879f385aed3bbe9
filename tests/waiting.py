"""Waiting for another process or thread, for as long as the busiest machine may take."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 600.0


def eventually(condition: Callable[[], bool], what: str | Callable[[], str], poll_s: float = 0.01) -> None:
    """Wait until the condition holds. `what` was expected; where it is called, it is all that is said."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        late = time.monotonic() >= deadline
        assert not late, f"expected {what}; it did not happen" if isinstance(what, str) else what()
        time.sleep(poll_s)
