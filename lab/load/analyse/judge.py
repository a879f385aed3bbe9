"""Judges a run's figures by the criteria, and the generator by its own account. Pure: figures in, verdicts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lab.load.analyse.statistics import percentile, percentile_interval
from lab.load.prepare.capacity import Ceiling
from lab.load.profile.criteria import Criteria
from lab.model.statistics.binomial import upper_bound

# A flow needs some blocks on both chains after its last arrival, however fast the relayer is.
FLOW_TAIL_S = 20.0


class Outcome(StrEnum):
    """MET and MISSED need figures; the rest say why there is no verdict on the system."""

    MET = "MET"
    MISSED = "MISSED"
    INFEASIBLE = "INFEASIBLE"
    UNKNOWN = "UNKNOWN"
    NOT_MEASURED = "NOT MEASURED"


class RunOutcome(StrEnum):
    """The whole run. INVALID: the generator, not the system, is what was measured."""

    PASS = "PASS"
    FAIL = "FAIL"
    INVALID = "INVALID"
    INFEASIBLE = "INFEASIBLE"
    UNKNOWN = "UNKNOWN"
    INTERRUPTED = "INTERRUPTED"


EXIT_CODES = {
    RunOutcome.PASS: 0,
    RunOutcome.FAIL: 1,
    RunOutcome.INVALID: 3,
    RunOutcome.INFEASIBLE: 3,
    RunOutcome.UNKNOWN: 3,
    RunOutcome.INTERRUPTED: 130,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One criterion: its figure with an interval, its threshold, how many observations, and why."""

    criterion: str
    rows: tuple[str, ...]
    outcome: Outcome
    figure: float | None
    unit: str
    threshold: float | None
    n: int
    reason: str
    low: float | None = None
    high: float | None = None
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """All verdicts, the generator's audit, and the whole."""

    outcome: RunOutcome
    verdicts: tuple[Verdict, ...]
    invalid: tuple[str, ...]
    unexplained: tuple[str, ...]
    bottleneck: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is judged. Sums are over all chains; `cross_chain_ms` and `inclusion_ms` in ascending order."""

    criteria: Criteria
    schedule_s: float
    offered_tps: float
    tps: float
    tps_low: float
    tps_high: float
    offered: int
    dropped: int
    held: int
    sent: int
    succeeded: int
    flows: bool
    cross_chain_ms: Sequence[float]
    flows_open: int
    inclusion_ms: Sequence[float]
    lateness_p99_ms: float | None
    tick_lag_p99_ms: float | None
    ceilings: Mapping[str, Ceiling]
    offered_by_chain: Mapping[str, float]
    costs: Mapping[str, Mapping[str, Any]]
    uptime: Mapping[str, float]
    samples: int
    unexplained: Sequence[str]
    interrupted: bool
    node_cores: float | None = None
    generator_cores: float | None = None
    behind_s: float = 0.0
    flows_behind_s: float = 0.0
    generator_problems: Sequence[str] = field(default=())
    problems: Sequence[str] = field(default=())


def judge(facts: Facts) -> Judged:
    """Every criterion that is set."""
    verdicts = [
        verdict
        for verdict in (
            _throughput(facts),
            _failures(facts),
            _cross_chain(facts),
            _cost(facts),
            _uptime(facts),
            _inclusion(facts),
        )
        if verdict is not None
    ]
    invalid = audit(facts)
    return Judged(
        _whole(facts, verdicts, invalid), tuple(verdicts), tuple(invalid), tuple(facts.unexplained), bottleneck(facts)
    )


def audit(facts: Facts) -> list[str]:
    """Why this run says nothing of the system; empty when the generator kept its schedule."""
    criteria, found = facts.criteria, []
    # What waited for a free connection or a dead node is the system's doing.
    by_system = facts.held > 0.01 * max(1, facts.offered)
    limit = criteria.lateness_p99_ms_max
    if facts.tick_lag_p99_ms is not None and facts.tick_lag_p99_ms > limit:
        found.append(
            f"the generator woke up {facts.tick_lag_p99_ms:.0f} ms late at p99 (at most {limit} ms): its machine is "
            "too busy; lower the rate, give it more cores, or run it on another host"
        )
    elif facts.lateness_p99_ms is not None and facts.lateness_p99_ms > limit and not by_system:
        found.append(f"arrivals were sent {facts.lateness_p99_ms:.0f} ms late at p99 (at most {limit} ms)")
    if facts.dropped > criteria.dropped_share_max * facts.offered and not by_system:
        found.append(f"{facts.dropped:,} of {facts.offered:,} arrivals were never sent")
    return [*found, *facts.generator_problems]


def bottleneck(facts: Facts) -> str:
    """What kept the rate from rising: gas ceiling, generator, relayer, node; or nothing did."""
    over = [c for name, c in facts.ceilings.items() if facts.offered_by_chain.get(name, 0) > c.tps]
    if over:
        return "gas ceiling"
    if audit(facts):
        return "generator"
    if facts.flows_behind_s > max(FLOW_TAIL_S, 0.3 * facts.schedule_s) or facts.flows_open:
        return "relayer"
    slow = facts.behind_s > max(2.0, 0.05 * facts.schedule_s) or facts.held > 0.01 * max(1, facts.offered)
    return "node" if slow else "none reached"


def _throughput(facts: Facts) -> Verdict | None:
    wanted = facts.criteria.throughput_tps_min
    if wanted is None:
        return None

    def verdict(outcome: Outcome, reason: str) -> Verdict:
        return Verdict(
            "throughput",
            ("TEC-04", "LOAD-01"),
            outcome,
            facts.tps,
            "successes/s",
            wanted,
            facts.succeeded,
            reason,
            facts.tps_low,
            facts.tps_high,
        )

    ceiling = sum(c.tps for c in facts.ceilings.values())
    if ceiling < wanted:
        told = "; ".join(str(c) for c in facts.ceilings.values())
        return verdict(Outcome.INFEASIBLE, f"{wanted:,.0f} a second do not fit into the blocks. {told}")
    seconds = facts.criteria.throughput_over_ms / 1000
    if facts.tps >= wanted and facts.schedule_s >= seconds:
        return verdict(Outcome.MET, f"mined and successful, over {facts.schedule_s:g} s")
    if facts.schedule_s < seconds:
        return verdict(Outcome.UNKNOWN, f"shown over {facts.schedule_s:g} s, {seconds:g} s are asked for")
    if facts.offered_tps < wanted:
        return verdict(Outcome.UNKNOWN, f"only {facts.offered_tps:,.0f} a second were offered")
    return verdict(Outcome.MISSED, f"{facts.offered_tps:,.0f} a second were offered")


def _failures(facts: Facts) -> Verdict | None:
    limit = facts.criteria.failure_share_max
    if limit is None:
        return None
    failed = facts.sent - facts.succeeded
    if not facts.sent:
        return Verdict("failures", ("TEC-06",), Outcome.UNKNOWN, None, "share", limit, 0, "nothing was sent")
    share, upper = failed / facts.sent, upper_bound(failed, facts.sent)
    outcome = Outcome.MET if upper < limit else Outcome.MISSED if share >= limit else Outcome.UNKNOWN
    reason = f"{failed:,} of {facts.sent:,} sent did not succeed; upper bound at 95%: {upper:.4%}"
    return Verdict("failures", ("TEC-06",), outcome, share, "share", limit, facts.sent, reason, 0.0, upper)


def _cross_chain(facts: Facts) -> Verdict | None:
    limit = facts.criteria.cross_chain_ms_max
    if limit is None:
        return None
    percent = facts.criteria.cross_chain_percentile
    name, rows, unit = "cross-chain latency", ("TEC-02",), f"ms at p{percent:g}"
    if not facts.flows:
        return Verdict(name, rows, Outcome.NOT_MEASURED, None, unit, limit, 0, "this profile has no flows")
    if not facts.cross_chain_ms:
        return Verdict(name, rows, Outcome.MISSED, None, unit, limit, 0, "no flow reached EXECUTED on its destination")
    figure = percentile(facts.cross_chain_ms, percent)
    low, high = percentile_interval(facts.cross_chain_ms, percent)
    done = len(facts.cross_chain_ms)
    open_share = facts.flows_open / (done + facts.flows_open)
    # A flow that never ended counts as longer than any limit.
    met = high <= limit and open_share < 1 - percent / 100 + 1e-9
    outcome = Outcome.MET if met else Outcome.MISSED if figure > limit or open_share >= 0.01 else Outcome.UNKNOWN
    reason = (
        f"origin inclusion to EXECUTED on the destination; worst {facts.cross_chain_ms[-1]:,.0f} ms; "
        f"{facts.flows_open:,} of {done + facts.flows_open:,} flows did not end"
    )
    return Verdict(name, rows, outcome, figure, unit, limit, done, reason, low, high)


def _cost(facts: Facts) -> Verdict | None:
    limit = facts.criteria.cost_usd_max
    if limit is None:
        return None
    scenario = facts.criteria.cost_scenario
    if not facts.costs:
        return Verdict("cost", ("TEC-03",), Outcome.UNKNOWN, None, "USD", limit, 0, "no gas was measured")
    usd = {name: cost["usd"][scenario] for name, cost in facts.costs.items() if scenario in cost["usd"]}
    unpriced = [name for name in facts.costs if name not in usd]
    if not usd:
        return Verdict("cost", ("TEC-03",), Outcome.UNKNOWN, None, "USD", limit, 0, f"no {scenario} price is known")
    dearest = max(usd, key=lambda name: usd[name])
    outcome = Outcome.MISSED if usd[dearest] >= limit else Outcome.UNKNOWN if unpriced else Outcome.MET
    spread = facts.costs[dearest]["usd"]
    gap = f"; no {scenario} price is known of {', '.join(unpriced)}" if unpriced else ""
    return Verdict(
        "cost",
        ("TEC-03",),
        outcome,
        usd[dearest],
        f"USD a call, {scenario} prices",
        limit,
        facts.succeeded,
        f"dearest network {dearest}; break-even gas price there "
        f"{facts.costs[dearest]['break_even_gas_price_gwei']:,.3f} gwei{gap}",
        spread.get("low"),
        spread.get("high"),
        tuple(facts.costs[dearest]["sources"]),
    )


def _uptime(facts: Facts) -> Verdict | None:
    limit = facts.criteria.uptime_share_min
    if limit is None:
        return None
    if not facts.uptime:
        return Verdict("uptime", (), Outcome.UNKNOWN, None, "share", limit, 0, "no sample was taken")
    worst = min(facts.uptime, key=lambda name: facts.uptime[name])
    outcome = Outcome.MET if facts.uptime[worst] >= limit else Outcome.MISSED
    told = ", ".join(f"{name} {share:.2%}" for name, share in facts.uptime.items())
    return Verdict("uptime", (), outcome, facts.uptime[worst], "share of samples", limit, facts.samples, told)


def _inclusion(facts: Facts) -> Verdict | None:
    limit = facts.criteria.inclusion_ms_max
    if limit is None:
        return None
    percent = facts.criteria.inclusion_percentile
    unit = f"ms at p{percent:g}"
    if not facts.inclusion_ms:
        return Verdict("inclusion latency", ("LOAD-05",), Outcome.UNKNOWN, None, unit, limit, 0, "nothing was mined")
    figure = percentile(facts.inclusion_ms, percent)
    low, high = percentile_interval(facts.inclusion_ms, percent)
    slowest = max(c.block_time_ms for c in facts.ceilings.values())
    if figure > limit and limit < slowest * percent / 100:
        outcome, reason = Outcome.INFEASIBLE, f"a block comes every {slowest / 1000:g} s only"
    else:
        outcome = Outcome.MET if high <= limit else Outcome.MISSED
        reason = "from the intended time to the observed block"
    return Verdict(
        "inclusion latency", ("LOAD-05",), outcome, figure, unit, limit, len(facts.inclusion_ms), reason, low, high
    )


def _whole(facts: Facts, verdicts: Sequence[Verdict], invalid: Sequence[str]) -> RunOutcome:
    if facts.unexplained:
        return RunOutcome.FAIL
    if facts.interrupted:
        return RunOutcome.INTERRUPTED
    if invalid:
        return RunOutcome.INVALID
    over = any(facts.offered_by_chain.get(name, 0) > c.tps for name, c in facts.ceilings.items())
    outcomes = {verdict.outcome for verdict in verdicts}
    if over or Outcome.INFEASIBLE in outcomes:
        return RunOutcome.INFEASIBLE
    if Outcome.MISSED in outcomes:
        return RunOutcome.FAIL
    return RunOutcome.UNKNOWN if Outcome.UNKNOWN in outcomes or facts.problems else RunOutcome.PASS
