"""From ledger, blocks and samples to figures: throughput, latencies, drift, gas, resources. Judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lab.load.analyse.onchain import OnchainResult
from lab.load.analyse.statistics import percentile, summary
from lab.load.analyse.uptime import probe
from lab.load.drive.observer import SeenBlock
from lab.traffic.ledger import Book, Ledger, Sent

US = 1_000_000
SEAL_S = 0.25


@dataclass(frozen=True, slots=True)
class ChainRun:
    """All that is known of one chain after a run."""

    name: str
    block_time_ms: int
    ledger: Ledger
    truth: OnchainResult
    entries: list[tuple[Sent, bytes]]


def throughput(
    succeeded: int, schedule_s: float, starts_at: float, blocks: Sequence[SeenBlock], block_s: float
) -> dict[str, Any]:
    """Successes a second: over the schedule, or over the time that the chain took for them where that was longer.

    The last transaction waits for its block however fast everything is, and that block has to be made and seen: a block
    time and a half are not held against a chain. The lower end of the interval leaves the half out, the upper end takes
    the last block as early as it can have been there.
    """
    own = [block for block in blocks if block.hashes]
    if not own or not succeeded:
        return {"tps": 0.0, "low": 0.0, "high": 0.0, "seconds": schedule_s, "behind_s": 0.0}
    last = own[-1]
    took_s = last.seen_at - starts_at - block_s
    allowed_s = max(SEAL_S, block_s / 2)
    behind_s = took_s - schedule_s if took_s - schedule_s > allowed_s else 0.0
    seconds = schedule_s + behind_s
    return {
        "tps": round(succeeded / seconds, 2),
        "low": round(succeeded / max(schedule_s, took_s), 2),
        "high": round(succeeded / max(schedule_s, seconds - min(last.bound_s, block_s)), 2),
        "seconds": round(seconds, 3),
        "behind_s": round(behind_s, 3),
    }


def inclusions(run: ChainRun, starts_at: float) -> list[tuple[float, float, int]]:
    """(milliseconds from the intended time to the observed block, error bound, intended time in us) of what was mined.

    A block that was not seen as it came has no observed time, and is left out.
    """
    place = {bytes.fromhex(h[2:]): block for block in run.truth.blocks for h in block.hashes}
    found = []
    for entry, tx_hash in run.entries:
        block = place.get(tx_hash)
        if block is not None and block.bound_s != float("inf"):
            milliseconds = (block.seen_at - starts_at) * 1000 - entry.intended_us / 1000
            found.append((milliseconds, block.bound_s * 1000, entry.intended_us))
    return found


def chain_figures(run: ChainRun, starts_at: float, schedule_s: float) -> dict[str, Any]:
    """One chain's figures."""
    lateness = [(entry.sent_us - entry.intended_us) / 1000 for entry, _ in run.entries]
    acceptance = [(e.accepted_us - e.intended_us) / 1000 for e, _ in run.entries if e.accepted_us is not None]
    included = inclusions(run, starts_at)
    inclusion, bounds = [ms for ms, _, _ in included], [bound for _, bound, _ in included]
    by_second: dict[int, list[float]] = {}
    for milliseconds, _, intended_us in included:
        by_second.setdefault(intended_us // US, []).append(milliseconds)
    own_hashes = {tx_hash for _, tx_hash in run.entries}
    blocks = [b for b in run.truth.blocks if b.hashes and any(bytes.fromhex(h[2:]) in own_hashes for h in b.hashes)]
    return {
        "ledger": run.ledger.to_json(),
        "throughput": throughput(run.ledger.succeeded, schedule_s, starts_at, blocks, run.block_time_ms / 1000),
        "lateness_ms": summary(lateness),
        "acceptance_ms": summary(acceptance),
        "inclusion_ms": summary(inclusion) | {"bound_ms": summary(bounds)},
        "gas": gas(run.truth, own_hashes),
        "drift": drift(run, starts_at, schedule_s, by_second),
        "events": {**run.truth.events, "buffered_ids": run.truth.buffered_ids, "duplicates": run.truth.duplicate_ids},
        "receipts_sampled": len(run.truth.sampled_gas),
        "receipts_contradicting": run.truth.sample_mismatches,
    }


def gas(truth: OnchainResult, own: set[bytes]) -> dict[str, Any]:
    """Gas per transaction, from whole blocks that hold nothing but this run's transactions, and of sampled receipts."""
    pure = [b for b in truth.blocks if b.hashes and all(bytes.fromhex(h[2:]) in own for h in b.hashes)]
    count = sum(len(block.hashes) for block in pure)
    used = sum(block.gas_used for block in pure)
    sampled = truth.sampled_gas
    return {
        "transactions": count,
        "per_transaction": round(used / count, 1) if count else None,
        "sampled_min": min(sampled) if sampled else None,
        "sampled_max": max(sampled) if sampled else None,
        "fullest_block_share": round(max((b.gas_used / b.gas_limit for b in truth.blocks), default=0.0), 4),
        "base_fee_gwei_first": truth.blocks[0].base_fee / 1e9 if truth.blocks else None,
        "base_fee_gwei_max": max((b.base_fee for b in truth.blocks), default=0) / 1e9,
    }


def outage(run: ChainRun, book: Book, starts_at: float, begin: float, end: float) -> dict[str, Any]:
    """What a span without answers cost: arrivals that were due in it, dropped ones, and the slowest of the rest."""
    first, last = (begin - starts_at) * US, (end - starts_at) * US
    legs = {entry.leg for entry, _ in run.entries}
    dropped = sum(first <= at <= last for leg in legs for at in book.dropped.get(leg, ()))
    # What was accepted just before may be lost with the pool: a second before the span counts to it.
    touched = [ms for ms, _, intended_us in inclusions(run, starts_at) if first - US <= intended_us <= last]
    return {
        "chain": run.name,
        "at_s": round(begin - starts_at, 2),
        "seconds": round(end - begin, 2),
        "arrivals": len(touched) + dropped,
        "dropped": dropped,
        "sent_again": sum(e.attempts > 1 for e, _ in run.entries if e.intended_us <= last),
        "inclusion_ms_max": round(max(touched, default=0.0), 1),
    }


def drift(run: ChainRun, starts_at: float, schedule_s: float, by_second: dict[int, list[float]]) -> dict[str, Any]:
    """The first fifth against the last: successes a second, median inclusion, gas a transaction."""
    fifth = schedule_s / 5
    found: dict[str, Any] = {}
    for name, begin in (("first", 0.0), ("last", schedule_s - fifth)):
        latencies = sorted(x for s, values in by_second.items() if begin <= s < begin + fifth for x in values)
        within = [b for b in run.truth.blocks if b.hashes and begin <= b.seen_at - starts_at < begin + fifth]
        count = sum(len(block.hashes) for block in within)
        # From one block to another: a fifth that cuts through a block's time would count it half.
        good = sum(bytes.fromhex(h[2:]) in run.truth.succeeded for b in within[1:] for h in b.hashes)
        span = within[-1].seen_at - within[0].seen_at if len(within) > 1 else 0.0
        found[name] = {
            "tps": round(good / span, 2) if span else None,
            "inclusion_p50_ms": round(percentile(latencies, 50), 1) if latencies else None,
            "gas_per_transaction": round(sum(b.gas_used for b in within) / count, 1) if count else None,
        }
    return found


def series(runs: Sequence[ChainRun], book: Book, starts_at: float) -> dict[str, list[dict[str, Any]]]:
    """By second of the run, for each chain: offered, mined, succeeded, inclusion percentiles, gas share, base fee."""
    found = {}
    for run in runs:
        place = {bytes.fromhex(h[2:]): block for block in run.truth.blocks for h in block.hashes}
        seconds: dict[int, dict[str, Any]] = {}
        latencies: dict[int, list[float]] = {}

        def at(second: int, seconds: dict[int, dict[str, Any]] = seconds) -> dict[str, Any]:
            return seconds.setdefault(second, {"t": second, "offered": 0, "mined": 0, "succeeded": 0})

        for entry, tx_hash in run.entries:
            at(entry.intended_us // US)["offered"] += 1
            block = place.get(tx_hash)
            if block is not None:
                milliseconds = (block.seen_at - starts_at) * 1000 - entry.intended_us / 1000
                latencies.setdefault(entry.intended_us // US, []).append(milliseconds)
        for leg, times in book.dropped.items():
            if leg in {entry.leg for entry, _ in run.entries[:1]}:
                for intended_us in times:
                    at(intended_us // US)["offered"] += 1
        for block in run.truth.blocks:
            second = int(block.seen_at - starts_at)
            if second < 0:
                continue
            row = at(second)
            row["mined"] += len(block.hashes)
            row["succeeded"] += sum(bytes.fromhex(h[2:]) in run.truth.succeeded for h in block.hashes)
            row["gas_share"] = max(row.get("gas_share", 0.0), round(block.gas_used / block.gas_limit, 4))
            row["base_fee_gwei"] = round(block.base_fee / 1e9, 6)
        for second, values in latencies.items():
            ordered = sorted(values)
            at(second).update({f"inclusion_p{p}": round(percentile(ordered, p), 1) for p in (50, 95, 99)})
        found[run.name] = [seconds[second] for second in sorted(seconds)]
    return found


def resources(samples: Sequence[dict[str, Any]], starts_at: float, ends_at: float) -> dict[str, Any]:
    """Processor share (of one core) and memory over the run, the share of samples in which each one lived, probes."""
    during = [sample for sample in samples if starts_at <= sample["at"] <= ends_at]
    found: dict[str, Any] = {"samples": len(during), "probes": probe(during).to_json(), "chains": {}, "processes": {}}
    for kind, alive in (("chains", "answers"), ("processes", "alive")):
        for name in sorted({name for sample in during for name in sample[kind]}):
            rows = [(sample["at"], sample[kind][name]) for sample in during if name in sample[kind]]
            found[kind][name] = _usage(rows) | {
                "uptime_share": round(sum(bool(row[alive]) for _, row in rows) / len(rows), 4)
            }
    if during:
        found["host_cpu_percent"] = round(sum(s["host_cpu_percent"] for s in during) / len(during), 1)
        found["load_average"] = summary([s["load_average"] for s in during])
    return found


def _usage(rows: Sequence[tuple[float, dict[str, Any]]]) -> dict[str, Any]:
    cpu = [(at, row["cpu_s"]) for at, row in rows if row.get("cpu_s") is not None]
    memory = [row["rss"] for _, row in rows if row.get("rss")]
    # A restart begins at 0 again: only rises count.
    used = sum(max(0.0, b[1] - a[1]) for a, b in pairwise(cpu))
    span = cpu[-1][0] - cpu[0][0] if len(cpu) > 1 else 0.0
    return {
        "cpu_seconds": round(used, 3),
        "cpu_cores": round(used / span, 3) if span else None,
        "rss_first": memory[0] if memory else None,
        "rss_last": memory[-1] if memory else None,
        "rss_max": max(memory) if memory else None,
    }
