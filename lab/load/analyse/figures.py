"""From ledger and blocks to the figures of a chain: throughput, latencies, drift, gas, outages. Judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from lab.load.analyse.onchain import OnchainResult
from lab.load.analyse.statistics import Summary
from lab.load.drive.observer import SeenBlock
from lab.load.record.frozen import Frozen
from lab.model.statistics.percentile import percentile
from lab.traffic.ledger import Book, Ledger, Sent

US = 1_000_000
SEAL_S = 0.25


@dataclass(frozen=True, slots=True)
class ChainRun:
    """All that is known of one chain after a run. `entries` pairs what was sent with its hash."""

    name: str
    block_time_ms: int
    ledger: Ledger
    onchain: OnchainResult
    entries: list[tuple[Sent, bytes]]

    def blocks_by_hash(self) -> dict[bytes, SeenBlock]:
        """The block of every transaction."""
        return {tx_hash: block for block in self.onchain.blocks for tx_hash in block.tx_hashes()}


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


def inclusions(run: ChainRun, starts_at: float) -> list[tuple[float, float, int]]:
    """(milliseconds from the intended time to the observed block, error bound, intended time in us) of what was mined.

    A block that was not seen as it came has no observed time, and is left out.
    """
    blocks = run.blocks_by_hash()
    observed = []
    for entry, tx_hash in run.entries:
        block = blocks.get(tx_hash)
        if block is not None and block.bound_s != float("inf"):
            milliseconds = (block.seen_at - starts_at) * 1000 - entry.intended_us / 1000
            observed.append((milliseconds, block.bound_s * 1000, entry.intended_us))
    return observed


def chain_figures(run: ChainRun, starts_at: float, schedule_s: float) -> ChainFigures:
    """One chain's figures."""
    included = inclusions(run, starts_at)
    by_second: dict[int, list[float]] = {}
    for milliseconds, _, intended_us in included:
        by_second.setdefault(intended_us // US, []).append(milliseconds)
    own = {tx_hash for _, tx_hash in run.entries}
    blocks = [block for block in run.onchain.blocks if not own.isdisjoint(block.tx_hashes())]
    bounds = Summary.of([bound for _, bound, _ in included])
    accepted = [(e.accepted_us - e.intended_us) / 1000 for e, _ in run.entries if e.accepted_us is not None]
    return ChainFigures(
        ledger=run.ledger,
        throughput=throughput(run.ledger.succeeded, schedule_s, starts_at, blocks, run.block_time_ms / 1000),
        lateness_ms=Summary.of([(entry.sent_us - entry.intended_us) / 1000 for entry, _ in run.entries]),
        acceptance_ms=Summary.of(accepted),
        inclusion_ms=Inclusion.of([milliseconds for milliseconds, _, _ in included], bound_ms=bounds),
        gas=gas(run.onchain, own),
        drift=drift(run, starts_at, schedule_s, by_second),
        events=Events(
            by_name=run.onchain.events, buffered_ids=run.onchain.buffered_ids, duplicates=run.onchain.duplicate_ids
        ),
        receipts_sampled=len(run.onchain.sampled_gas),
        receipts_contradicting=run.onchain.sample_mismatches,
    )


def gas(onchain: OnchainResult, own: set[bytes]) -> Gas:
    """Gas per transaction, from whole blocks that hold nothing but this run's transactions, and of sampled receipts."""
    pure = [block for block in onchain.blocks if block.hashes and own.issuperset(block.tx_hashes())]
    count = sum(len(block.hashes) for block in pure)
    sampled = onchain.sampled_gas
    return Gas(
        transactions=count,
        per_transaction=round(sum(block.gas_used for block in pure) / count, 1) if count else None,
        sampled_min=min(sampled, default=None),
        sampled_max=max(sampled, default=None),
        fullest_block_share=round(max((b.gas_used / b.gas_limit for b in onchain.blocks), default=0.0), 4),
        base_fee_gwei_first=onchain.blocks[0].base_fee / 1e9 if onchain.blocks else None,
        base_fee_gwei_max=max((block.base_fee for block in onchain.blocks), default=0) / 1e9,
    )


def outage(run: ChainRun, book: Book, starts_at: float, begin: float, end: float) -> Outage:
    """What a span without answers cost: arrivals that were due in it, dropped ones, and the slowest of the rest."""
    first, last = (begin - starts_at) * US, (end - starts_at) * US
    legs = {entry.leg for entry, _ in run.entries}
    dropped = sum(first <= at <= last for leg in legs for at in book.dropped.get(leg, ()))
    # What was accepted just before may be lost with the pool: a second before the span counts to it.
    touched = [ms for ms, _, intended_us in inclusions(run, starts_at) if first - US <= intended_us <= last]
    return Outage(
        chain=run.name,
        at_s=round(begin - starts_at, 2),
        seconds=round(end - begin, 2),
        arrivals=len(touched) + dropped,
        dropped=dropped,
        sent_again=sum(e.attempts > 1 for e, _ in run.entries if e.intended_us <= last),
        inclusion_ms_max=round(max(touched, default=0.0), 1),
    )


def drift(run: ChainRun, starts_at: float, schedule_s: float, by_second: dict[int, list[float]]) -> Drift:
    """The first fifth against the last: successes a second, median inclusion, gas a transaction."""
    fifth_s = schedule_s / 5

    def part(begin: float) -> Fifth:
        end = begin + fifth_s
        latencies = sorted(x for second, values in by_second.items() if begin <= second < end for x in values)
        within = [b for b in run.onchain.blocks if b.hashes and begin <= b.seen_at - starts_at < end]
        count = sum(len(block.hashes) for block in within)
        # From one block to another: a fifth that cuts through a block's time would count it half.
        good = sum(tx_hash in run.onchain.succeeded for block in within[1:] for tx_hash in block.tx_hashes())
        span_s = within[-1].seen_at - within[0].seen_at if len(within) > 1 else 0.0
        return Fifth(
            tps=round(good / span_s, 2) if span_s else None,
            inclusion_p50_ms=round(percentile(latencies, 50), 1) if latencies else None,
            gas_per_transaction=round(sum(b.gas_used for b in within) / count, 1) if count else None,
        )

    return Drift(first=part(0.0), last=part(schedule_s - fifth_s))
