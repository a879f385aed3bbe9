"""What a load run says about rows of the readiness checklist: `rows.json`, read later by the readiness report.

A row is PASS only where its own proof was made. What a synthetic network shows is a figure, never a pass of a criterion
that speaks of networks: such rows stay UNKNOWN, and say what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from lab.load.analyse.judge import RunOutcome
from lab.load.analyse.judged import CriterionResult
from lab.load.analyse.reconcile import Result
from lab.load.prepare.capacity import MAIN_NETWORKS
from lab.load.profile.criteria import CHECKLIST
from lab.load.profile.shapes import Soak
from lab.model.outcome import Outcome
from lab.networks import load_network

CEILINGS = "Ceilings of the networks at this contract's gas, calls a second"
DOCUMENTED_GAS = 190_000
FLAT_SHARE = 0.02
MANY_BUFFERED = 100_000
EVENTS_MIN = 1_000
# Whatever limits on its generator a profile sets, looser or tighter ones.
INVALID_BY_CHECKLIST = "by the checklist's own limits the run is INVALID"
ABOUT_TIME = ("LOAD-05", "TEC-02", "TEC-04")
WORDS = {Outcome.MET: "LAB PASS", Outcome.NOT_MET: "FAIL", Outcome.INFEASIBLE: "INFEASIBLE"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its verdict, the figure with its interval, of how many observations, and why."""

    row: str
    verdict: str
    figure: float | str
    unit: str
    reason: str
    interval: tuple[float, float] | None = None
    n: int | None = None
    failures: int | None = None
    evidence: tuple[str, ...] = ("load.json", "report.html")
    assumptions: tuple[str, ...] = ()

    def unknown(self, reason: str) -> Row:
        """The same without a verdict, for a reason that goes before its own."""
        return replace(self, verdict="UNKNOWN", reason=f"{reason}: {self.reason}")


def rows_of(result: Result) -> list[Row]:
    """One entry for each row that this run can say something about."""
    return [distrusted(row, result) for make in ROWS if (row := make(result)) is not None]


def distrusted(row: Row, result: Result) -> Row:
    """A run that was cut short proves nothing, one whose generator was late nothing about time; a failure stays one.

    Nor does one that lost a worker of its generator, or whose machine's clock was set, in either direction; and nothing
    passes by no observation.
    """
    outcome, judged = result.judged.outcome, result.judged
    if row.verdict == "INFEASIBLE":
        return row
    if not judged.complete:
        return row.unknown(judged.invalid[0])
    if judged.unexplained:
        return replace(row, verdict="FAIL", reason=f"the ledger does not balance: {judged.unexplained[0]}")
    late = judged.invalid_for_rows if row.row in ABOUT_TIME else ()
    if row.verdict == "FAIL":
        return row.unknown(f"{INVALID_BY_CHECKLIST}, {late[0]}") if late else row
    if outcome is RunOutcome.INTERRUPTED:
        return row.unknown(f"the run is {outcome}")
    if late:
        return row.unknown(f"{INVALID_BY_CHECKLIST}, {late[0]}")
    return row if row.n or "PASS" not in row.verdict else row.unknown("nothing was observed")


def load_01(result: Result) -> Row:
    """Transactions that succeeded, and those that did not."""
    succeeded, failed = result.totals.succeeded, result.totals.sent - result.totals.succeeded
    verdict = "FAIL" if failed else "PASS" if succeeded >= 100 else "UNKNOWN"
    reason = f"{succeeded:,} mined and successful, {failed:,} of those sent were not"
    return Row("LOAD-01", verdict, succeeded, "transactions", reason, n=result.totals.sent, failures=failed)


def load_02(result: Result) -> Row:
    """Several operators at once."""
    operators = min(result.context.operators.values())
    conflicts = sum(n for reason, n in result.generator.refusals.items() if "nonce" in reason)
    lost = result.totals.lost + result.totals.refused
    verdict = "UNKNOWN" if operators < 2 or not result.totals.sent else "FAIL" if conflicts or lost else "PASS"
    reason = f"{operators} operators on each chain, {conflicts} nonce conflicts, {lost} transactions lost"
    return Row("LOAD-02", verdict, operators, "operators at once", reason, n=result.totals.sent, failures=lost)


def load_03(result: Result) -> Row | None:
    """Gas that stays the same while more is buffered."""
    drift, succeeded = _gas_drift(result), result.totals.succeeded
    if drift is None or result.flows is not None:
        return None
    verdict = "FAIL" if drift > FLAT_SHARE else "PASS" if succeeded >= 1_000 else "UNKNOWN"
    reason = f"gas a call in the last fifth against the first, over {succeeded:,} buffered"
    return Row("LOAD-03", verdict, round(drift, 5), "gas drift, share", reason, n=succeeded)


def load_04(result: Result) -> Row | None:
    """Gas of a call against the documented figure."""
    measured = [chain.gas for chain in result.chains.values() if chain.gas.per_transaction]
    if not measured or result.flows is not None:
        return None
    worst = max(measured, key=lambda gas: gas.per_transaction or 0)
    figure = worst.per_transaction or 0.0
    sampled = (worst.sampled_min, worst.sampled_max)
    return Row(
        "LOAD-04",
        "PASS" if figure <= DOCUMENTED_GAS else "FAIL",
        figure,
        "gas per buffer_transaction",
        f"{figure:,.0f} gas a call, {figure / DOCUMENTED_GAS - 1:+.0%} against the documented {DOCUMENTED_GAS:,}",
        interval=_interval(*sampled),
        n=worst.transactions,
        assumptions=(f"documented figure: {DOCUMENTED_GAS:,} gas",),
    )


def load_05(result: Result) -> Row | None:
    """Inclusion below a second."""
    reasons, verdicts, worst = [], [], 0.0
    for name, chain in result.chains.items():
        p95_ms, block_ms = chain.inclusion_ms.p95, result.context.chains[name].block_time_ms
        if p95_ms is None:
            continue
        worst = max(worst, p95_ms)
        limit = ""
        if result.context.chains[name].synthetic:
            verdicts.append("UNKNOWN")
            limit = " on a synthetic network, which shows the software and no network"
        elif block_ms >= 1_000:
            verdicts.append("INFEASIBLE")
            limit = f": a block comes every {block_ms / 1000:g} s, so below a second is infeasible"
        else:
            verdicts.append("LAB PASS" if p95_ms < 1_000 else "FAIL")
        reasons.append(f"{name} p95 {p95_ms:,.0f} ms{limit}")
    if not reasons:
        return None
    verdict = next(v for v in ("FAIL", "INFEASIBLE", "UNKNOWN", "LAB PASS") if v in verdicts)
    assumed = ("from the intended send time to the observed block",)
    return Row("LOAD-05", verdict, worst, "ms at p95", "; ".join(reasons), n=result.totals.mined, assumptions=assumed)


def tec_01(result: Result) -> Row | None:
    """Uptime of the whole system, a node restart included."""
    uptime, shape = result.resources.probes, result.context.profile.shape
    planned = isinstance(shape, Soak) and shape.restart_at_ms is not None
    judged = uptime.judge(fault_planned=planned, fault_seen=planned and bool(result.outages))
    if judged is None:
        return None
    return Row(
        "TEC-01",
        judged[0],
        round(uptime.percent, 4),
        "%",
        judged[1],
        uptime.interval,
        uptime.probes,
        uptime.failures,
        assumptions=uptime.assumptions,
    )


def tec_02(result: Result) -> Row | None:
    """Latency of whole flows."""
    row = _criterion(result, "cross-chain latency", "TEC-02", unit="s", factor=0.001)
    if row is None:
        return None
    row, percent = _of_networks(row, result), CHECKLIST.cross_chain_percentile
    return replace(row, reason=f"at p{percent:g}, {row.reason}", assumptions=_finality(result))


def _finality(result: Result) -> tuple[str, ...]:
    """After how long each network of the run was final, and how long the main networks take that are not in it."""
    used = {chain.network for chain in result.context.chains.values() if not chain.synthetic}
    policies = {name: load_network(name).finality for name in MAIN_NETWORKS}
    missing = [f"{name} (final after {policies[name]})" for name in MAIN_NETWORKS if name not in used]
    final = tuple(f"{name} is final after {policies[name]}" for name in MAIN_NETWORKS if name in used)
    return (*final, f"says nothing of {', '.join(missing)}") if missing else final


def tec_03(result: Result) -> Row | None:
    """Cost of a call: below the threshold it says nothing of a transaction's whole life, above it enough."""
    row = _criterion(result, "cost", "TEC-03")
    proven = row is None or row.verdict in ("FAIL", "INFEASIBLE", "UNKNOWN")
    return row if row is None or proven else row.unknown("the cost of one call, not of a whole life")


def tec_04(result: Result) -> Row | None:
    """Throughput, beside what the networks can carry."""
    row = _criterion(result, "throughput", "TEC-04", unit="tx/s")
    if row is None or result.flows is not None:
        return None
    sides = ", ".join(
        f"{c.network} {c.gas_limit // max(1, c.gas_per_call) * 1000 / c.block_time_ms:,.0f}"
        for c in result.network_ceilings
    )
    row, plan = _of_networks(row, result), result.plan
    # As planned: a run that was cut short asked for no less.
    offered = max(plan.whole_schedule().arrivals, result.totals.offered) / plan.seconds
    enough = sum(ceiling.tps for ceiling in result.network_ceilings)
    if row.verdict == "INFEASIBLE" and offered < (CHECKLIST.throughput_tps_min or 0) <= enough:
        row = row.unknown(f"only {offered:,.0f} a second were offered, on a part of the networks")
    return replace(row, reason=f"{row.reason}. {CEILINGS}: {sides}")


def tec_06(result: Result) -> Row | None:
    """The share of transactions that failed."""
    row = _criterion(result, "failures", "TEC-06", unit="%", factor=100)
    return None if row is None else replace(row, failures=result.totals.sent - result.totals.succeeded)


def str_04(result: Result) -> Row | None:
    """Many buffered transactions on one chain."""
    most, drift = max((chain.ledger.succeeded for chain in result.chains.values()), default=0), _gas_drift(result)
    if result.flows is not None or drift is None:
        return None
    memory = max((usage.rss_bytes_max or 0 for usage in result.resources.chains.values()), default=0)
    verdict = "UNKNOWN" if most < MANY_BUFFERED else "PASS" if drift <= FLAT_SHARE else "FAIL"
    reason = f"{most:,} of {MANY_BUFFERED:,}; gas drift {drift:.2%}; node memory {memory >> 20:,} MiB at most"
    return Row("STR-04", verdict, most, "buffered transactions on one chain", reason, n=most)


def str_05(result: Result) -> Row:
    """Many events, each one once."""
    events = sum(sum(chain.events.by_name.values()) for chain in result.chains.values())
    duplicates = sum(chain.events.duplicates for chain in result.chains.values())
    contradicting = sum(chain.receipts_contradicting for chain in result.chains.values())
    verdict = "FAIL" if duplicates or contradicting else "PASS" if events >= EVENTS_MIN else "UNKNOWN"
    reason = (
        f"{events:,} events, each success with its own, {duplicates} twice, {contradicting} receipts that contradict"
    )
    return Row("STR-05", verdict, events, "events", reason, n=events, failures=duplicates)


def _gas_drift(result: Result) -> float | None:
    drifts = [share for chain in result.chains.values() if (share := chain.drift.gas_share) is not None]
    return max(drifts, default=None)


def _criterion(result: Result, criterion: str, row: str, *, unit: str | None = None, factor: float = 1) -> Row | None:
    """A criterion as a row, in the unit of the checklist's own target."""
    judged = next((one for one in result.judged.of_rows if one.criterion == criterion), None)
    if judged is None or judged.outcome is Outcome.NOT_MEASURED:
        return None
    return Row(
        row,
        WORDS.get(judged.outcome, "UNKNOWN"),
        "" if judged.figure is None else round(judged.figure * factor, 6),
        unit or judged.unit,
        judged.reason,
        _scaled_interval(judged, factor),
        judged.n,
        assumptions=judged.assumptions,
    )


def _of_networks(row: Row, result: Result) -> Row:
    """On synthetic networks a MET proves nothing."""
    synthetic = [name for name, chain in result.context.chains.items() if chain.synthetic]
    if not synthetic or row.verdict == "INFEASIBLE":
        return row
    reason = f"{row.reason}; on the synthetic {', '.join(synthetic)}, which shows the software and no network"
    return replace(row, verdict="UNKNOWN", reason=reason)


def _scaled_interval(judged: CriterionResult, factor: float) -> tuple[float, float] | None:
    ends = _interval(judged.low, judged.high)
    return None if ends is None else (round(ends[0] * factor, 6), round(ends[1] * factor, 6))


def _interval(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)


ROWS: tuple[Callable[[Result], Row | None], ...] = (
    load_01,
    load_02,
    load_03,
    load_04,
    load_05,
    tec_01,
    tec_02,
    tec_03,
    tec_04,
    tec_06,
    str_04,
    str_05,
)
