"""The documented batch entry points: each does for a list what a single function does for one."""

from __future__ import annotations

BATCHES: dict[str, str] = {
    "buffer_batch": "buffer_transaction",
    "resolve_batch": "resolve_dependency",
    "execute_batch": "mark_executed",
}
