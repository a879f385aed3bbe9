"""Reads one chain's new logs, and proves that they belong to the chain that the head stands on.

One call when nothing moved or the next block holds no transaction, two when it does, else four and one for each block
with logs.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.relayer.memory.records import Head, Mark
from lab.relayer.reading.headers import RawLog, parse_head, parse_log
from lab.rpc import Rpc, RpcFailure, RpcMalformed, RpcRefused

RANGE_BLOCKS_MAX = 5000


class ChainMoved(RpcFailure):
    """The chain changed under the scan: nothing was learnt, the next poll tries again."""

    definite = True


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan found. `ancestor`: everything known above that number is orphaned; None without a reorg.

    `marks` are the blocks to remember, ascending, the head last. `logs` are in chain order.
    """

    head: Head
    ancestor: int | None
    marks: tuple[Mark, ...]
    logs: tuple[RawLog, ...]


def scan(rpc: Rpc, contract: str, trail: list[Mark], start_block: int) -> tuple[Head, Scan | None]:
    """The head, and everything since the end of the trail: None when the head is still there. Raises an RpcFailure."""
    head = _head(rpc)
    number, known, _ = trail[-1] if trail else (start_block - 1, "", 0)
    if head.hash == known:
        return head, None
    ancestor: int | None = None
    follows = not trail or (head.number == number + 1 and head.parent == known)
    if not follows and (head.number <= number or _hash_at(rpc, number) != known):
        ancestor = number = _common_ancestor(rpc, trail, head, start_block)
    if head.number == number + 1:
        logs = () if head.empty else _logs_of_block(rpc, contract, head)
        return head, Scan(head, ancestor, (_mark(head),), logs)
    logs, marks = _logs_of_range(rpc, contract, number + 1, head)
    if _hash_at(rpc, head.number) != head.hash:
        raise ChainMoved("eth_getLogs", f"expected block {head.number} to stay {head.hash} during the scan, it changed")
    return head, Scan(head, ancestor, marks, logs)


def _mark(head: Head) -> Mark:
    return head.number, head.hash, head.timestamp


def _head(rpc: Rpc) -> Head:
    return parse_head("eth_getBlockByNumber", rpc.block("latest"))


def _hash_at(rpc: Rpc, number: int) -> str | None:
    block = rpc.block(number)
    return parse_head("eth_getBlockByNumber", block).hash if block is not None else None


def _common_ancestor(rpc: Rpc, trail: list[Mark], head: Head, start_block: int) -> int:
    """The newest remembered block that is still canonical; the block before the start when none is."""
    for number, known, _ in reversed(trail):
        if number <= head.number and (known == head.hash if number == head.number else _hash_at(rpc, number) == known):
            return number
    return start_block - 1


def _logs_of_block(rpc: Rpc, contract: str, head: Head) -> tuple[RawLog, ...]:
    """Asked by hash, so no other block can answer."""
    answer = rpc.call("eth_getLogs", {"address": contract, "blockHash": head.hash})
    if not isinstance(answer, list):
        raise RpcMalformed("eth_getLogs", f"expected a list of logs, got {str(answer)[:80]!r}")
    logs = sorted((parse_log(log, contract) for log in answer), key=lambda log: log.index)
    for log in logs:
        if log.hash != head.hash:
            raise ChainMoved("eth_getLogs", f"expected logs of block {head.hash}, got one of {log.hash}")
    return tuple(logs)


def logs_between(rpc: Rpc, contract: str, first: int, end: int) -> list[RawLog]:
    """The logs of these blocks in order, asked for in as many parts as the node wants. Raises an RpcFailure."""
    logs: list[RawLog] = []
    width, start = min(RANGE_BLOCKS_MAX, end - first + 1), first
    while start <= end:
        last = min(start + width - 1, end)
        try:
            answer = rpc.logs(contract, start, last)
        except RpcRefused as refused:
            if width == 1 or not _too_wide(refused):
                raise
            width = -(-width // 2)
            continue
        parsed = [parse_log(log, contract) for log in answer]
        for log in parsed:
            if not start <= log.number <= last:
                raise RpcMalformed("eth_getLogs", f"expected logs of blocks {start} to {last}, got one of {log.number}")
        logs += parsed
        start = last + 1
    return sorted(logs, key=lambda log: (log.number, log.index))


def _logs_of_range(rpc: Rpc, contract: str, first: int, head: Head) -> tuple[tuple[RawLog, ...], tuple[Mark, ...]]:
    logs = logs_between(rpc, contract, first, head.number)
    marks: dict[int, Mark] = {}
    for log in logs:
        if log.number not in marks:
            block = head if log.number == head.number else parse_head("eth_getBlockByNumber", rpc.block(log.number))
            marks[log.number] = _mark(block)
        if log.hash != marks[log.number][1]:
            raise ChainMoved("eth_getLogs", f"expected block {log.number} as {marks[log.number][1]}, got {log.hash}")
    marks[head.number] = _mark(head)
    return tuple(logs), tuple(marks[number] for number in sorted(marks))


def _too_wide(refused: RpcRefused) -> bool:
    """Whether a provider wants a narrower range, or fewer results, and not just fewer requests."""
    words = refused.reason.lower()
    return any(word in words for word in ("range", "more than", "too many results", "too large", "response size"))
