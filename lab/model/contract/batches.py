"""The documented batch entry points: each does for a list what a single function does for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

BATCHES: dict[str, str] = {
    "buffer_batch": "buffer_transaction",
    "resolve_batch": "resolve_dependency",
    "execute_batch": "mark_executed",
}


def requests_of(function: str, args: Sequence[Any]) -> Sequence[Sequence[Any]]:
    """The documented arguments of each transaction that a call buffers, alone or in a batch."""
    if function == "buffer_transaction":
        return [args]
    return args[0] if function == "buffer_batch" and args else []


def ids_of(args: Sequence[Any]) -> list[str]:
    """The transactions that a call is about, from its first argument."""
    first = args[0] if args else None
    if isinstance(first, list):
        return [part if isinstance(part, str) else part[0] for part in first]
    return [first] if isinstance(first, str) and len(first) == 66 else []
