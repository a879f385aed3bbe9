"""A whole recorded run, ready to be judged: canonical blocks apart from orphaned ones, and when each block appeared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from lab.model.record_parts.contract_read import ContractRead
from lab.model.record_parts.fault_effects import FaultEffects
from lab.model.records import (
    AnyRecord,
    Block,
    EmptyBlocks,
    FaultMark,
    FinalRead,
    Header,
    Leg,
    Operation,
    Record,
    Reorg,
    StoreRead,
    Tx,
)

P = ParamSpec("P")
R = TypeVar("R")


class History:
    """A whole run, ready to be judged: canonical blocks apart from orphaned ones, times of every block.

    Raises ValueError if the records do not start with a header.
    """

    def __init__(self, records: Iterable[AnyRecord]) -> None:
        lines = list(records)
        if not lines or not isinstance(lines[0], Header):
            raise ValueError("a history starts with its header line")
        self.header: Header = lines[0]
        self.records: list[AnyRecord] = sorted(lines, key=lambda record: (record.t_ms, record.seq))
        self._kinds: dict[type[Record], list[Any]] = {}
        self._spans: dict[str, list[Block | EmptyBlocks]] = {name: [] for name in self.header.chains}
        self.orphans: list[Block] = []
        self.reorgs: list[Reorg] = []
        # What was worked out of it: see `kept_with_history`.
        self.derived: dict[tuple[object, ...], Any] = {}
        for record in sorted(lines, key=lambda record: record.seq):
            if isinstance(record, (Block, EmptyBlocks)):
                self._spans[record.chain].append(record)
            elif isinstance(record, Reorg):
                self.reorgs.append(record)
                self._cut(record.chain, record.ancestor)

    def _cut(self, chain: str, ancestor: int) -> None:
        kept: list[Block | EmptyBlocks] = []
        for span in self._spans[chain]:
            if isinstance(span, Block):
                if span.number <= ancestor:
                    kept.append(span)
                else:
                    self.orphans.append(span)
            elif span.last <= ancestor:
                kept.append(span)
            elif span.first <= ancestor:
                # The line holds only the times of its two ends: the new end's lie between them.
                seconds = span.last_timestamp - span.first_timestamp
                share = (ancestor - span.first, span.last - span.first)
                cut = {
                    "last": ancestor,
                    "t_ms": _appeared(span, ancestor),
                    "last_timestamp": span.first_timestamp + seconds * share[0] // share[1],
                }
                kept.append(span.model_copy(update=cut))
        self._spans[chain] = kept

    def spans(self, chain: str) -> list[Block | EmptyBlocks]:
        """The canonical chain, ascending, empty blocks as runs.

        A run cut by a reorg keeps its last hash; its last times are interpolated.
        """
        return self._spans[chain]

    def blocks(self, chain: str) -> list[Block]:
        """The canonical blocks that hold transactions, ascending."""
        return [span for span in self._spans[chain] if isinstance(span, Block)]

    def of(self, kind: type[Record]) -> list[Any]:
        """All records of one kind, by time."""
        if kind not in self._kinds:
            self._kinds[kind] = [record for record in self.records if isinstance(record, kind)]
        return list(self._kinds[kind])

    def injected(self) -> list[tuple[FaultMark, FaultEffects, int | None]]:
        """Every fault's first mark, what it disturbs, and when it was healed; None if it lasted to the end."""
        marks: list[FaultMark] = self.of(FaultMark)
        healed: dict[str, int] = {}
        ends: dict[int, int | None] = {}
        # From the end: of each fault the earliest time of what comes later.
        for mark in sorted(marks, key=lambda mark: mark.seq, reverse=True):
            ends[mark.seq] = healed.get(mark.id)
            if mark.phase == "heal":
                healed[mark.id] = min(mark.t_ms, healed.get(mark.id, mark.t_ms))
        return [(mark, mark.effects, ends[mark.seq]) for mark in marks if mark.effects is not None]

    def transactions(self, chain: str) -> list[tuple[Block, Tx]]:
        """Canonical transactions with their block, in chain order."""
        return [(block, tx) for block in self.blocks(chain) for tx in block.txs]

    def final(self, chain: str) -> FinalRead | None:
        """The last final read of a chain, if there is one."""
        reads: list[FinalRead] = [read for read in self.of(FinalRead) if read.chain == chain]
        return reads[-1] if reads else None

    def contract(self, chain: str) -> ContractRead | None:
        """What is particular about a chain's contract; None where it is as the header says."""
        reads: list[ContractRead] = self.of(ContractRead)
        return next((read for read in reads if read.chain == chain), None)

    @property
    def expires(self) -> bool:
        """Whether expired transactions end in a state of their own: by a capability, or as the storage shows."""
        finals: list[FinalRead] = self.of(FinalRead)
        stored = (transaction.state for final in finals for transaction in final.transactions)
        return "expiry" in self.header.capabilities or "EXPIRED" in stored

    def store(self, chain: str) -> StoreRead | None:
        """What the relayer's store held of a chain at the end, if the lab could read one."""
        reads: list[StoreRead] = [read for read in self.of(StoreRead) if read.chain == chain]
        return reads[-1] if reads else None

    def head_at(self, chain: str, t_ms: int) -> int:
        """The highest block number that had appeared on the chain by `t_ms`, orphaned blocks included; -1 for none.

        Inside a run of empty blocks the number is interpolated by the block time, exact to one block.
        """
        best = -1
        for record in self.records:
            if isinstance(record, Block) and record.chain == chain and record.t_ms <= t_ms:
                best = max(best, record.number)
            elif isinstance(record, EmptyBlocks) and record.chain == chain and record.first_t_ms <= t_ms:
                if record.t_ms <= t_ms:
                    best = max(best, record.last)
                else:
                    share = (t_ms - record.first_t_ms) / max(1, record.t_ms - record.first_t_ms)
                    best = max(best, record.first + int(share * (record.last - record.first)))
        return best

    def final_since(self, chain: str, block: Block) -> int | None:
        """The earliest `t_ms` at which `block` was final by the chain's policy; None if it never was in this run.

        Where finality came with a block inside a run of empty ones, the time is interpolated.
        """
        facts = self.header.chains[chain]
        finality = facts.finality
        if finality.seconds is not None:
            since = (block.timestamp - self.header.genesis_time) * 1000 + int(finality.seconds * 1000)
            since = max(since, block.t_ms)
            return since if since <= self.end_ms else None
        depth = finality.blocks if finality.blocks is not None else facts.tag_depth_blocks
        if depth is None:
            return None
        if depth == 0:
            return block.t_ms
        height = block.number + depth
        return min((_appeared(span, height) for span in self.reaching(chain, block, height)), default=None)

    def reaching(self, chain: str, block: Block, number: int) -> list[Block | EmptyBlocks]:
        """The lines after `block`'s own with which its chain's head reached `number`, orphaned ones included.

        Lines before it hold what a reorg has replaced, at the same heights.
        """
        return [
            record
            for record in self.records
            if isinstance(record, (Block, EmptyBlocks))
            and (record.chain, record.seq > block.seq) == (chain, True)
            and (record.number if isinstance(record, Block) else record.last) >= number
        ]

    @cached_property
    def end_ms(self) -> int:
        """When the run ended: the latest time in any line."""
        ends = [record.end_ms for record in self.records if isinstance(record, Operation)]
        return max([record.t_ms for record in self.records] + ends)

    def leg(self, name: str) -> Leg | None:
        """The declared leg of that name (`flow.leg`)."""
        return next((leg for leg in self.header.legs if leg.name == name), None)

    def chain_of_rollup(self, rollup: str) -> str | None:
        """The chain that a rollup address stands for; None for an address of no chain."""
        return next((name for name, facts in self.header.chains.items() if facts.rollup == rollup), None)


def kept_with_history(function: Callable[Concatenate[History, P], R]) -> Callable[Concatenate[History, P], R]:
    """What a function makes of a history is worked out once, and goes when the history goes: neither ever changes."""

    @wraps(function)
    def kept(history: History, /, *args: P.args, **named: P.kwargs) -> R:
        key = (function, *args, *sorted(named.items()))
        if key not in history.derived:
            history.derived[key] = function(history, *args, **named)
        result: R = history.derived[key]
        return result

    return kept


def _appeared(span: Block | EmptyBlocks, number: int) -> int:
    """When a line's first block at `number` or above appeared; interpolated inside a run, exact to one block."""
    if isinstance(span, Block) or number <= span.first:
        return span.t_ms if isinstance(span, Block) else span.first_t_ms
    return span.first_t_ms + (span.t_ms - span.first_t_ms) * (number - span.first) // (span.last - span.first)
