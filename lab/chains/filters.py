"""Filters of logs that guests keep at a node: what they are told, and what they are told back after a reorg.

Anvil's first answer to `eth_getFilterChanges` holds the logs from `fromBlock` on. Go-ethereum's holds what came since
the filter was made, whatever its `fromBlock` (eth/filters/filter_system.go: such filters subscribe to new logs alone);
who wants the others asks `eth_getLogs`, or `eth_getFilterLogs`.

Anvil says nothing of a reorg. Go-ethereum sends the logs of the blocks that it takes back once more, with `removed:
true`, in the order of the old branch, before those of the new one (core/blockchain.go: `reorg`; RemovedLogsEvent in
filter_system.go), also to a filter that was made after those blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.rpc import Rpc, RpcRefused

FILTERS_MAX = 10_000


@dataclass
class _Filter:
    """One filter. `begins` is the head's number when it was made; `waiting` is what its owner did not fetch yet.

    `ancestor` is the block before the lowest that a reorg took back since its owner last asked.
    """

    criteria: Mapping[str, Any]
    begins: int
    waiting: list[Any] = field(default_factory=list)
    ancestor: int | None = None

    def news(self, changes: Any) -> list[Any]:
        """The changes that came since it was made."""
        return [change for change in _logs(changes) if _number(change) > self.begins]

    def fetched(self, changes: Any) -> list[Any]:
        """All that its owner is told now: what waits comes after the changes of the blocks before it."""
        news, waiting, ancestor = self.news(changes), self.waiting, self.ancestor
        self.waiting, self.ancestor = [], None
        if ancestor is None:
            return news
        taken_back = {log["blockHash"] for log in waiting if log.get("removed")}
        before = [log for log in news if _number(log) <= ancestor or log["blockHash"] in taken_back]
        return before + waiting + [log for log in news if log not in before]


class Filters:
    """The filters of logs at one node. Under the real clock the proxy's thread asks while the lab's makes a reorg."""

    def __init__(self) -> None:
        self._made: dict[str, _Filter] = {}

    def made(self, filter_id: Any, criteria: Any, head: int) -> None:
        """Remember a filter; of too many the oldest is forgotten."""
        if isinstance(filter_id, str):
            self._made[filter_id] = _Filter(criteria if isinstance(criteria, Mapping) else {}, head)
            if len(self._made) > FILTERS_MAX:
                del self._made[next(iter(self._made))]

    def news(self, filter_id: Any, changes: Any) -> Any:
        """What the owner of a filter is told, given the node's own answer."""
        known = self._made.get(filter_id) if isinstance(filter_id, str) else None
        return changes if known is None or not isinstance(changes, list) else known.fetched(changes)

    def take_back(self, rpc: Rpc, ancestor: int) -> None:
        """Let each filter have what it was not asked for yet, and then the logs above `ancestor`, as removed ones.

        To be called while the node still has these blocks; a reorg that goes back too far is refused after it.
        """
        for filter_id, kept in list(self._made.items()):
            try:
                changes = rpc.call("eth_getFilterChanges", filter_id)
                logs = rpc.call("eth_getLogs", _above(kept.criteria, ancestor))
            except RpcRefused:
                # The node knows it no more: uninstalled, or made before the node was started again.
                self._made.pop(filter_id, None)
                continue
            removed = [log | {"removed": True} for log in _logs(logs) if _within(kept.criteria, log)]
            kept.waiting += [*kept.news(changes), *removed]
            kept.ancestor = ancestor if kept.ancestor is None else min(kept.ancestor, ancestor)
            # What was there before the filter was made is told again where it comes in other blocks.
            kept.begins = min(kept.begins, ancestor)


def _above(criteria: Mapping[str, Any], ancestor: int) -> dict[str, Any]:
    chosen = {key: criteria[key] for key in ("address", "topics") if criteria.get(key) is not None}
    return {**chosen, "fromBlock": hex(max(0, ancestor) + 1), "toBlock": "latest"}


def _within(criteria: Mapping[str, Any], log: Mapping[str, Any]) -> bool:
    """Whether a log is in the filter's own range; its ends may be tags, which go-ethereum takes for no limit."""
    first, last = (_height(criteria.get(key)) for key in ("fromBlock", "toBlock"))
    return (first is None or first <= _number(log)) and (last is None or _number(log) <= last)


def _height(end: Any) -> int | None:
    return int(end, 16) if isinstance(end, str) and end.startswith("0x") else None


def _logs(changes: Any) -> list[dict[str, Any]]:
    return [change for change in changes if isinstance(change, dict)] if isinstance(changes, list) else []


def _number(log: Mapping[str, Any]) -> int:
    return int(log["blockNumber"], 16)
