"""What all stretches of a long load come to: sums of their ledgers, drift of their figures, one outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.load.analyse.judge import EXIT_CODES, RunOutcome
from lab.load.analyse.reconcile import Result
from lab.load.long.record import LongRecord, Point, Stretch

MIB = 1 << 20
POINTS_MAX = 60
LEDGER = (
    *("offered", "dropped", "sent", "accepted", "refused", "lost", "mined", "succeeded", "reverted"),
    *("left_in_pool", "in_flight", "unexplained_count"),
)
ENDS = ("succeeded", "reverted", "refused", "lost", "left_in_pool", "in_flight")
# Which outcome the whole has, the gravest first.
GRAVITY = (
    RunOutcome.FAIL,
    RunOutcome.INVALID,
    RunOutcome.INFEASIBLE,
    RunOutcome.UNKNOWN,
    RunOutcome.INTERRUPTED,
    RunOutcome.PASS,
)


def stretch_of(result: Result, begun: Stretch) -> Stretch:
    """The line of a stretch that ended."""
    judged, totals = result.judged, result.totals
    interrupted = judged.outcome is RunOutcome.INTERRUPTED
    met = ("MET", "NOT MEASURED")
    missed = [f"{one.criterion}: {one.reason}" for one in judged.verdicts if str(one.outcome) not in met]
    return begun.model_copy(
        update={
            "state": "interrupted" if interrupted else "ended",
            "seconds": result.plan.seconds,
            "outcome": judged.outcome,
            "reasons": (*judged.invalid, *judged.unexplained[:5], *result.problems, *missed),
            "ledger": {name: getattr(totals, name) for name in LEDGER},
            "figures": dict(_figures(result)),
            "memory": _memory(result),
        }
    )


def _figures(result: Result) -> Iterator[tuple[str, float]]:
    for verdict in result.judged.verdicts:
        if verdict.figure is not None:
            yield verdict.criterion, round(verdict.figure, 4)
    gas = [chain.gas.per_transaction for chain in result.chains.values() if chain.gas.per_transaction]
    if gas:
        yield "gas per transaction", round(max(gas), 1)
    if (store := Path(result.plan.folder) / "relayer.sqlite").is_file():
        yield "relayer's store, MiB", round(store.stat().st_size / MIB, 3)


def _memory(result: Result) -> tuple[Point, ...]:
    samples = result.samples[:: max(1, len(result.samples) // POINTS_MAX)]
    return tuple(
        Point(
            at=round(sample.at, 1),
            memory_mib={
                name: round(part.rss_bytes / MIB, 1) for name, part in sample.parts().items() if part.rss_bytes
            },
        )
        for sample in samples
    )


@dataclass(frozen=True, slots=True)
class Whole:
    """All that is known of a long load, whether it is at its end or not."""

    record: LongRecord

    @property
    def ledger(self) -> Counter[str]:
        """Sums over the stretches that were reconciled, interrupted ones included."""
        total: Counter[str] = Counter()
        for line in self.record.lines:
            total.update(line.ledger)
        return total

    @property
    def balanced(self) -> bool:
        """Whether each arrival of the stretches is in exactly one end."""
        sums = self.ledger
        ends = sum(sums[name] for name in ENDS)
        balanced = sums["offered"] == sums["dropped"] + sums["sent"] and sums["sent"] == ends
        return balanced and not sums["unexplained_count"]

    @property
    def outcome(self) -> RunOutcome:
        """The gravest of the stretches; INTERRUPTED while some are left."""
        outcomes = {line.outcome for line in self.record.done.values()}
        if self.record.left:
            outcomes.add(RunOutcome.INTERRUPTED)
        return next(outcome for outcome in GRAVITY if outcome in outcomes)

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]

    @property
    def peaks(self) -> dict[str, tuple[float, float]]:
        """The most memory of each part in the first stretch and in the last one, in MiB."""
        done = [self.record.done[number] for number in sorted(self.record.done)]
        return {name: (_peak(done[0], name), _peak(done[-1], name)) for name in _parts(done[0])} if done else {}

    def lines(self) -> list[str]:
        """For people."""
        sums, order, record = self.ledger, self.record.order, self.record
        yes = "the ledger balances" if self.balanced else "THE LEDGER DOES NOT BALANCE"
        lines = [
            f"{self.outcome}  {len(record.done)} of {order.count} stretches, "
            f"{sum(line.seconds for line in record.done.values()):,.0f} of {order.seconds:,.0f} s of load",
            f"  {sums['offered']:,} offered, {sums['sent']:,} sent, {sums['mined']:,} mined, {sums['succeeded']:,} "
            f"succeeded, {sums['dropped']:,} dropped, {sums['unexplained_count']:,} unexplained: {yes}",
        ]
        lines += [
            f"  stretch {line.number} was cut off by the end of the lab and run again: what run {line.run} had sent "
            "is in no ledger"
            for line in record.cut_off
        ]
        lines += [
            f"  {name}: {first:,.0f} MiB in the first, {last:,.0f} MiB in the last"
            for name, (first, last) in self.peaks.items()
        ]
        lines += [
            f"  stretch {line.number}: {line.outcome}: {'; '.join(line.reasons[:3])}"
            for line in record.done.values()
            if line.outcome is not RunOutcome.PASS
        ]
        return lines


def _parts(stretch: Stretch) -> list[str]:
    return list(dict.fromkeys(name for point in stretch.memory for name in point.memory_mib))


def _peak(stretch: Stretch, name: str) -> float:
    return max((point.memory_mib.get(name, 0.0) for point in stretch.memory), default=0.0)
