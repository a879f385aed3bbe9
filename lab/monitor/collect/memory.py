"""What is remembered of one chain between polls and restarts: position, blocks not final yet, counters, two books.

Events are counted when their block is final, so a reorg takes nothing back; calls are counted once by transaction hash,
as soon as they are seen, for an attempt is one on an orphaned block, too. The book of the head follows every block, the
book of the final chain is what it is built from again after a reorg.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from lab.model.chain.prices import prices
from lab.monitor.collect.facts import REASONS, BlockFacts, Book, CallFact, Entry
from lab.monitor.metrics import Distribution

TRAIL_MAX, SEEN_MAX, UNFINAL_MAX = 256, 4_000, 5_000
Mark = tuple[int, str]
Reached = tuple[str, str, Entry]


@dataclass
class ChainMemory:
    """State of one chain; everything in it can be written as JSON. `trail` are final blocks, `unfinal` those above."""

    network: str
    trail: list[Mark] = field(default_factory=list)
    unfinal: list[BlockFacts] = field(default_factory=list)
    final_book: Book = field(default_factory=Book)
    head_book: Book = field(default_factory=Book)
    events: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    calls: dict[str, list[int]] = field(default_factory=dict)
    unauthorized: dict[str, int] = field(default_factory=dict)
    cost_wei: dict[str, int] = field(default_factory=dict)
    seen_calls: dict[str, None] = field(default_factory=dict)
    counted_txs: dict[str, None] = field(default_factory=dict)
    observed: dict[str, None] = field(default_factory=dict)
    stages: dict[str, Distribution] = field(default_factory=dict)
    reorgs: int = 0
    violations: int = 0
    unread: int = 0
    transactions_max: int | None = None
    code_hash: str | None = None
    addresses: dict[str, None] = field(default_factory=dict)

    @property
    def tip(self) -> Mark | None:
        """The newest block known, None before the first."""
        if self.unfinal:
            return self.unfinal[-1].number, self.unfinal[-1].hash
        return self.trail[-1] if self.trail else None

    def marks(self) -> list[Mark]:
        """All blocks remembered, ascending."""
        return [*self.trail, *((block.number, block.hash) for block in self.unfinal)]

    def add(self, block: BlockFacts) -> tuple[list[CallFact], list[Reached]]:
        """Go on by one block: the calls seen for the first time, and the stages that transactions reached first."""
        self.unfinal.append(block)
        new_calls = [call for call in block.calls if call.tx not in self.seen_calls]
        for call in new_calls:
            self._count_call(call)
            if call.granted is not None:
                self.addresses.setdefault(call.granted)
        _bound(self.seen_calls, SEEN_MAX)
        for event in block.events:
            if event.event == "OperatorAdded" and event.tx_id is None and event.origin is not None:
                self.addresses.setdefault(event.origin)
        reached = [step for step in self.head_book.apply(block) if f"{step[0]} {step[1]}" not in self.observed]
        self.observed.update(dict.fromkeys(f"{stage} {tx_id}" for stage, tx_id, _ in reached))
        _bound(self.observed, SEEN_MAX)
        return new_calls, reached

    def _count_call(self, call: CallFact) -> None:
        self.seen_calls[call.tx] = None
        self.calls.setdefault(call.function, [0, 0])[0 if call.ok else 1] += 1
        self.cost_wei[call.function] = self.cost_wei.get(call.function, 0) + call.cost_wei
        if call.unauthorized:
            self.unauthorized[call.function] = self.unauthorized.get(call.function, 0) + 1

    def finalize(self, number: int) -> list[BlockFacts]:
        """Count the blocks up to `number` for good, and return them."""
        final = [block for block in self.unfinal if block.number <= number]
        # A bound of memory before one of faithfulness: what is that deep is taken for final.
        final += self.unfinal[len(final) : max(len(final), len(self.unfinal) - UNFINAL_MAX)]
        self.unfinal = self.unfinal[len(final) :]
        for block in final:
            self.final_book.apply(block)
            self.trail.append((block.number, block.hash))
            fresh = [event for event in block.events if event.tx not in self.counted_txs]
            for event in fresh:
                self.events[event.event] = self.events.get(event.event, 0) + 1
                if event.event == "TransactionFailed":
                    reason = event.reason or "other"
                    self.failed[reason] = self.failed.get(reason, 0) + 1
            self.counted_txs.update(dict.fromkeys(event.tx for event in fresh))
        _bound(self.counted_txs, SEEN_MAX)
        del self.trail[:-TRAIL_MAX]
        return final

    def roll_back(self, ancestor: int) -> None:
        """All blocks above `ancestor` are orphaned."""
        self.reorgs += 1
        if self.trail and self.trail[-1][0] > ancestor:
            self.violations += 1
            self.trail = [mark for mark in self.trail if mark[0] <= ancestor]
        self.unfinal = [block for block in self.unfinal if block.number <= ancestor]
        self.head_book = copy.deepcopy(self.final_book)
        for block in self.unfinal:
            self.head_book.apply(block)

    def close_executed(self, tx_id: str) -> None:
        """The contract says that a transaction is executed, and no block read shows it: its time stays unknown."""
        for book in (self.final_book, self.head_book):
            if tx_id in book.open:
                book.close(tx_id, "EXECUTED", None)

    def observe(self, stage: str, seconds: float) -> None:
        """A transaction took so long to reach a stage."""
        self.stages[stage] = self.stage(stage).observe("leg_stage_seconds", seconds)

    def stage(self, stage: str) -> Distribution:
        """How long transactions took to reach a stage."""
        return self.stages.get(stage) or Distribution.empty("leg_stage_seconds")

    def token_usd(self) -> float | None:
        """What one of the network's token is worth; None without a dated price."""
        table = prices()
        network = table.networks.get(self.network)
        return table.tokens[network.token].usd if network is not None else None


def reason_label(reason: str | None) -> str:
    """The label of a TransactionFailed reason: a contract may say anything."""
    return REASONS.get(reason or "", "other")


def _bound(seen: dict[str, None], most: int) -> None:
    while len(seen) > most:
        seen.pop(next(iter(seen)))
