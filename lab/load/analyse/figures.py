"""From ledger and blocks to the figures of a chain: throughput, latencies, drift, gas, outages. Judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lab.load.analyse.onchain import OnchainResult
from lab.load.analyse.statistics import Summary, ascending
from lab.load.drive.observer import SeenBlock
from lab.load.record.frozen import Frozen
from lab.model.statistics.percentile import percentile
from lab.traffic.book import Book, Sent
from lab.traffic.hashes import Flags, Integers, positions
from lab.traffic.ledger import Ledger

US = 1_000_000
SEAL_S = 0.25


@dataclass(frozen=True, slots=True)
class ChainRun:
    """All that is known of one chain after a run.

    `sent` is what was signed and sent, `at` where each stands among the chain's transactions, or -1.
    """

    name: str
    block_time_ms: int
    ledger: Ledger
    onchain: OnchainResult
    sent: Sent
    at: Integers

    @classmethod
    def of(cls, name: str, block_time_ms: int, ledger: Ledger, onchain: OnchainResult, sent: Sent) -> ChainRun:
        """With the place of each."""
        return cls(name, block_time_ms, ledger, onchain, sent, positions(sent.hashes, onchain.hashes))

    def own(self) -> Flags:
        """Which of the chain's transactions are this run's."""
        flags = np.zeros(len(self.onchain.hashes), bool)
        flags[self.at[self.at >= 0]] = True
        return flags

    def succeeded(self) -> Flags:
        """Which of those that were sent did."""
        flags: Flags = np.append(self.onchain.succeeded, False)[self.at]
        return flags

    def own_counts(self) -> list[int]:
        """How many of this run's transactions are in each block."""
        counts: list[int] = np.bincount(self.onchain.block_of[self.own()], minlength=len(self.onchain.blocks)).tolist()
        return counts


@dataclass(frozen=True, slots=True)
class Inclusions:
    """What was mined in a block that was seen as it came; others have no observed time.

    `ms` from the intended time to the observed block, `bound_ms` how far off that may be, `intended_us`: columns.
    """

    ms: npt.NDArray[np.float64]
    bound_ms: npt.NDArray[np.float64]
    intended_us: Integers


class Throughput(Frozen):
    """Successes a second with an interval, over so many seconds; `behind_s` is what the chain took beyond them."""

    tps: float = 0.0
    low_tps: float = Field(default=0.0, serialization_alias="low")
    high_tps: float = Field(default=0.0, serialization_alias="high")
    seconds: float
    behind_s: float = 0.0


class Inclusion(Summary):
    """Milliseconds from the intended time to the observed block, and how far off the observation may be."""

    bound_ms: Summary


class Gas(Frozen):
    """Of this run's own calls. Prices in gwei; None where nothing was measured."""

    transactions: int
    per_transaction: float | None
    sampled_min: int | None
    sampled_max: int | None
    fullest_block_share: float
    base_fee_gwei_first: float | None
    base_fee_gwei_max: float


class Fifth(Frozen):
    """One end of a run; None where too little fell into it."""

    tps: float | None
    inclusion_p50_ms: float | None
    gas_per_transaction: float | None


class Drift(Frozen):
    """The first fifth of the schedule against the last."""

    first: Fifth
    last: Fifth

    @property
    def gas_share(self) -> float | None:
        """By how much gas a transaction changed."""
        first, last = self.first.gas_per_transaction, self.last.gas_per_transaction
        return abs(last - first) / first if first and last else None


class Events(Frozen):
    """Events of the contract by name, distinct buffered ids, and ids that came twice."""

    by_name: dict[str, int]
    buffered_ids: int = 0
    duplicates: int = 0

    def to_json(self) -> dict[str, Any]:
        """The names beside the counts, as the file has them."""
        return {**self.by_name, "buffered_ids": self.buffered_ids, "duplicates": self.duplicates}


@dataclass(frozen=True, slots=True)
class ChainFigures:
    """One chain's figures."""

    ledger: Ledger
    throughput: Throughput
    lateness_ms: Summary
    acceptance_ms: Summary
    inclusion_ms: Inclusion
    gas: Gas
    drift: Drift
    events: Events
    receipts_sampled: int
    receipts_contradicting: int

    def to_json(self) -> dict[str, Any]:
        """As load.json has it."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value if isinstance(value, int) else value.to_json() for name, value in values.items()}


class Outage(Frozen):
    """A span in which a chain did not answer, and what it cost."""

    chain: str
    at_s: float
    seconds: float
    arrivals: int
    dropped: int
    sent_again: int
    inclusion_ms_max: float


def throughput(
    succeeded: int, schedule_s: float, starts_at: float, blocks: Sequence[SeenBlock], block_s: float
) -> Throughput:
    """Successes a second: over the schedule, or over the time that the chain took for them where that was longer.

    The last transaction waits for its block however fast everything is, and that block has to be made and seen: a block
    time and a half are not held against a chain. The lower end of the interval leaves the half out, the upper end takes
    the last block as early as it can have been there.
    """
    own = [block for block in blocks if block.hashes]
    if not own or not succeeded:
        return Throughput(seconds=schedule_s)
    last = own[-1]
    took_s = last.seen_at - starts_at - block_s
    allowed_s = max(SEAL_S, block_s / 2)
    behind_s = took_s - schedule_s if took_s - schedule_s > allowed_s else 0.0
    seconds = schedule_s + behind_s
    return Throughput(
        tps=round(succeeded / seconds, 2),
        low_tps=round(succeeded / max(schedule_s, took_s), 2),
        high_tps=round(succeeded / max(schedule_s, seconds - min(last.bound_s, block_s)), 2),
        seconds=round(seconds, 3),
        behind_s=round(behind_s, 3),
    )


def inclusions(run: ChainRun, starts_at: float) -> Inclusions:
    """How long what was sent took to be mined."""
    seen_ms = np.array([(block.seen_at - starts_at) * 1000 for block in run.onchain.blocks])
    bounds_ms = np.array([block.bound_s * 1000 for block in run.onchain.blocks])
    mined = run.at >= 0
    block, intended_us = run.onchain.block_of[run.at[mined]], run.sent.rows["intended_us"][mined]
    observed = np.isfinite(bounds_ms[block])
    block, intended_us = block[observed], intended_us[observed]
    return Inclusions(seen_ms[block] - intended_us / 1000, bounds_ms[block], intended_us)


def chain_figures(run: ChainRun, starts_at: float, schedule_s: float) -> ChainFigures:
    """One chain's figures."""
    included, rows = inclusions(run, starts_at), run.sent.rows
    blocks = [block for block, own in zip(run.onchain.blocks, run.own_counts(), strict=True) if own]
    answered = rows[run.sent.accepted()]
    return ChainFigures(
        ledger=run.ledger,
        throughput=throughput(run.ledger.succeeded, schedule_s, starts_at, blocks, run.block_time_ms / 1000),
        lateness_ms=Summary.of((rows["sent_us"] - rows["intended_us"]) / 1000),
        acceptance_ms=Summary.of((answered["accepted_us"] - answered["intended_us"]) / 1000),
        inclusion_ms=Inclusion.of(included.ms, bound_ms=Summary.of(included.bound_ms)),
        gas=gas(run),
        drift=drift(run, starts_at, schedule_s, included),
        events=Events(
            by_name=run.onchain.events,
            buffered_ids=run.onchain.distinct_ids,
            duplicates=run.onchain.duplicate_ids,
        ),
        receipts_sampled=len(run.onchain.sampled_gas),
        receipts_contradicting=run.onchain.sample_mismatches,
    )


def gas(run: ChainRun) -> Gas:
    """Gas per transaction, from whole blocks that hold nothing but this run's transactions, and of sampled receipts."""
    blocks = run.onchain.blocks
    pure = [block for block, own in zip(blocks, run.own_counts(), strict=True) if block.count == own > 0]
    count = sum(block.count for block in pure)
    sampled = run.onchain.sampled_gas
    return Gas(
        transactions=count,
        per_transaction=round(sum(block.gas_used for block in pure) / count, 1) if count else None,
        sampled_min=min(sampled, default=None),
        sampled_max=max(sampled, default=None),
        fullest_block_share=round(max((b.gas_used / b.gas_limit for b in blocks), default=0.0), 4),
        base_fee_gwei_first=blocks[0].base_fee / 1e9 if blocks else None,
        base_fee_gwei_max=max((block.base_fee for block in blocks), default=0) / 1e9,
    )


def outage(run: ChainRun, book: Book, starts_at: float, begin: float, end: float) -> Outage:
    """What a span without answers cost: arrivals that were due in it, dropped ones, and the slowest of the rest."""
    first, last, rows = (begin - starts_at) * US, (end - starts_at) * US, run.sent.rows
    dropped_us = book.dropped_us(set(rows["leg"].tolist()))
    dropped = int(((first <= dropped_us) & (dropped_us <= last)).sum())
    # What was accepted just before may be lost with the pool: a second before the span counts to it.
    included = inclusions(run, starts_at)
    touched = included.ms[(first - US <= included.intended_us) & (included.intended_us <= last)]
    return Outage(
        chain=run.name,
        at_s=round(begin - starts_at, 2),
        seconds=round(end - begin, 2),
        arrivals=len(touched) + dropped,
        dropped=dropped,
        sent_again=int(((rows["attempts"] > 1) & (rows["intended_us"] <= last)).sum()),
        inclusion_ms_max=round(float(touched.max(initial=0.0)), 1),
    )


def drift(run: ChainRun, starts_at: float, schedule_s: float, included: Inclusions) -> Drift:
    """The first fifth against the last: successes a second, median inclusion, gas a transaction."""
    fifth_s, due_s = schedule_s / 5, included.intended_us // US

    def part(begin: float) -> Fifth:
        end = begin + fifth_s
        latencies = ascending(included.ms[(begin <= due_s) & (due_s < end)])
        counted = zip(run.onchain.blocks, run.onchain.succeeded_in, strict=True)
        within = [(b, good) for b, good in counted if b.count and begin <= b.seen_at - starts_at < end]
        count = sum(block.count for block, _ in within)
        # From one block to another: a fifth that cuts through a block's time would count it half.
        good = sum(good for _, good in within[1:])
        span_s = within[-1][0].seen_at - within[0][0].seen_at if len(within) > 1 else 0.0
        return Fifth(
            tps=round(good / span_s, 2) if span_s else None,
            inclusion_p50_ms=round(percentile(latencies, 50), 1) if latencies else None,
            gas_per_transaction=round(sum(b.gas_used for b, _ in within) / count, 1) if count else None,
        )

    return Drift(first=part(0.0), last=part(schedule_s - fifth_s))
