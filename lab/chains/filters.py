"""Filters of logs that guests keep at a node: what they are told first.

Anvil's first answer to `eth_getFilterChanges` holds the logs from `fromBlock` on. Go-ethereum's holds what came since
the filter was made, whatever its `fromBlock` (eth/filters/filter_system.go: such filters subscribe to new logs alone);
who wants the others asks `eth_getLogs`, or `eth_getFilterLogs`.
"""

from __future__ import annotations

from typing import Any

FILTERS_MAX = 10_000


class Filters:
    """The filters of one node that were made and not yet asked, with the head's number at that moment."""

    def __init__(self) -> None:
        self._made: dict[str, int] = {}

    def made(self, filter_id: Any, head: int) -> None:
        """Remember a filter; of too many that nobody asked the oldest is forgotten."""
        if isinstance(filter_id, str):
            self._made[filter_id] = head
            if len(self._made) > FILTERS_MAX:
                del self._made[next(iter(self._made))]

    def news(self, filter_id: Any, changes: Any) -> Any:
        """The changes of a filter, without what was there before it."""
        head = self._made.pop(filter_id, None) if isinstance(filter_id, str) else None
        if head is None or not isinstance(changes, list):
            return changes
        return [change for change in changes if not isinstance(change, dict) or int(change["blockNumber"], 16) > head]
