"""Judges a run's figures by the criteria, and the generator by its own reports. Pure: figures in, verdicts out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from lab.load.analyse.flow_criteria import cross_chain, flow_queue
from lab.load.analyse.judged import CriterionResult, Facts
from lab.load.analyse.statistics import percentile_interval
from lab.load.profile.criteria import CHECKLIST
from lab.model.outcome import Outcome
from lab.model.statistics.binomial import upper_bound
from lab.model.statistics.percentile import percentile

# A flow needs some blocks on both chains after its last arrival, however fast the relayer is.
FLOW_TAIL_S = 20.0


class RunOutcome(StrEnum):
    """The whole run. INVALID: the generator, not the system, is what was measured."""

    PASS = "PASS"
    FAIL = "FAIL"
    INVALID = "INVALID"
    INFEASIBLE = "INFEASIBLE"
    UNKNOWN = "UNKNOWN"
    INTERRUPTED = "INTERRUPTED"


EXIT_CODES = dict.fromkeys(RunOutcome, 3) | {RunOutcome.PASS: 0, RunOutcome.FAIL: 1, RunOutcome.INTERRUPTED: 130}


@dataclass(frozen=True, slots=True)
class Judged:
    """All results, the generator's audit, and the whole. `complete`: nothing of the measurement was lost.

    `verdicts` are by the profile's criteria, `of_rows` by the release checklist's own: a profile that asks for less
    passes no row, one that asks for more fails none. So is the generator: `invalid` is by the profile's limits,
    `invalid_for_rows` by the checklist's.
    """

    outcome: RunOutcome
    verdicts: tuple[CriterionResult, ...]
    invalid: tuple[str, ...]
    unexplained: tuple[str, ...]
    bottleneck: str
    complete: bool = True
    of_rows: tuple[CriterionResult, ...] = ()
    invalid_for_rows: tuple[str, ...] = ()


def judge(facts: Facts) -> Judged:
    """Every criterion that is set."""
    for_rows = replace(facts, criteria=CHECKLIST)
    results, invalid = _results(facts), tuple(audit(facts))
    outcome = _whole(facts, {result.outcome for result in results}, invalid)
    return Judged(
        outcome,
        results,
        invalid,
        tuple(facts.unexplained),
        bottleneck(facts),
        complete=not facts.lost,
        of_rows=_results(for_rows),
        invalid_for_rows=tuple(audit(for_rows)),
    )


def _results(facts: Facts) -> tuple[CriterionResult, ...]:
    makers = (_throughput, _failures, cross_chain, flow_queue, _cost, _uptime, _inclusion)
    return tuple(_proven(result) for make in makers if (result := make(facts)) is not None)


def audit(facts: Facts) -> list[str]:
    """Why this run says nothing of the system; empty when the generator kept its schedule."""
    criteria, reasons = facts.criteria, list(facts.lost)
    limit = criteria.lateness_p99_ms_max
    if facts.tick_lag_p99_ms is not None and facts.tick_lag_p99_ms > limit:
        reasons.append(
            f"the generator woke up {facts.tick_lag_p99_ms:.0f} ms late at p99 (at most {limit} ms): its machine is "
            "too busy; lower the rate, give it more cores, or run it on another host"
        )
    elif facts.lateness_p99_ms is not None and facts.lateness_p99_ms > limit and not facts.held_by_system:
        reasons.append(f"arrivals were sent {facts.lateness_p99_ms:.0f} ms late at p99 (at most {limit} ms)")
    if facts.dropped > criteria.dropped_share_max * facts.offered and not facts.held_by_system:
        reasons.append(f"{facts.dropped:,} of {facts.offered:,} arrivals were never sent")
    return [*reasons, *facts.generator_problems]


def bottleneck(facts: Facts) -> str:
    """What kept the rate from rising: the contract, gas ceiling, generator, relayer, node; or nothing did."""
    if facts.mostly_reverted:
        return "contract"
    if facts.over_ceiling:
        return "gas ceiling"
    if audit(facts):
        return "generator"
    if facts.flows_behind_s > max(FLOW_TAIL_S, 0.3 * facts.schedule_s) or facts.flows_open:
        return "relayer"
    if facts.behind_s > max(2.0, 0.05 * facts.schedule_s) or facts.held_by_system:
        return "node"
    # What was buffered was mined in time: flows that queue up all the same wait between the relayer's calls.
    queue = flow_queue(facts)
    return "relayer" if queue is not None and queue.outcome is Outcome.NOT_MET else "none reached"


def _throughput(facts: Facts) -> CriterionResult | None:
    expected = facts.criteria.throughput_tps_min
    if expected is None:
        return None
    seconds = facts.criteria.throughput_over_ms / 1000
    ceilings = facts.ceilings.values()
    if sum(ceiling.tps for ceiling in ceilings) < expected:
        fits = "; ".join(map(str, ceilings))
        outcome, reason = Outcome.INFEASIBLE, f"{expected:,.0f} a second do not fit into the blocks. {fits}"
    elif facts.schedule_s < seconds:
        outcome, reason = Outcome.UNKNOWN, f"measured over {facts.schedule_s:g} s, at least {seconds:g} s are required"
    elif facts.tps >= expected:
        what = "executed on their destination" if facts.flows else "mined and successful"
        outcome, reason = Outcome.MET, f"{what}, over {facts.schedule_s:g} s"
    elif facts.offered_tps < expected:
        outcome, reason = Outcome.UNKNOWN, f"only {facts.offered_tps:,.0f} a second were offered"
    else:
        outcome, reason = Outcome.NOT_MET, f"{facts.offered_tps:,.0f} a second were offered"
    ends, n = (facts.tps_low, facts.tps_high), facts.succeeded if facts.tps_n is None else facts.tps_n
    rows = () if facts.flows else ("TEC-04", "LOAD-01")
    return CriterionResult("throughput", rows, outcome, facts.tps, facts.tps_unit, expected, n, reason, *ends)


def _failures(facts: Facts) -> CriterionResult | None:
    limit = facts.criteria.failure_share_max
    if limit is None:
        return None
    nothing = CriterionResult("failures", ("TEC-06",), Outcome.UNKNOWN, None, "share", limit, 0, "nothing was sent")
    if not facts.sent:
        return nothing
    failed = facts.sent - facts.succeeded
    share, upper = failed / facts.sent, upper_bound(failed, facts.sent)
    return replace(
        nothing,
        outcome=Outcome.MET if upper < limit else Outcome.NOT_MET if share >= limit else Outcome.UNKNOWN,
        figure=share,
        n=facts.sent,
        reason="; ".join(
            (
                f"{failed:,} of {facts.sent:,} sent did not succeed",
                *(facts.reverts if failed else ()),
                f"upper bound at 95%: {upper:.4%}",
            )
        ),
        low=0.0,
        high=upper,
    )


def _cost(facts: Facts) -> CriterionResult | None:
    limit, scenario = facts.criteria.cost_usd_max, facts.criteria.cost_scenario
    if limit is None:
        return None
    nothing = CriterionResult("cost", ("TEC-03",), Outcome.UNKNOWN, None, "USD", limit, 0, "no gas was measured")
    if not facts.costs or not facts.succeeded:
        return nothing
    usd = {name: cost.usd[scenario] for name, cost in facts.costs.items() if scenario in cost.usd}
    unpriced = [name for name in facts.costs if name not in usd]
    if not usd:
        return replace(nothing, reason=f"no {scenario} price is known")
    dearest = max(usd, key=lambda name: usd[name])
    cost = facts.costs[dearest]
    gap = f"; no {scenario} price is known of {', '.join(unpriced)}" if unpriced else ""
    return replace(
        nothing,
        outcome=Outcome.NOT_MET if usd[dearest] >= limit else Outcome.UNKNOWN if unpriced else Outcome.MET,
        figure=usd[dearest],
        unit=f"USD a call, {scenario} prices",
        n=facts.succeeded,
        reason=f"dearest network {dearest}; break-even gas price there {cost.break_even_gas_price_gwei:,.3f} gwei{gap}",
        low=cost.usd.get("low"),
        high=cost.usd.get("high"),
        assumptions=cost.sources,
    )


def _uptime(facts: Facts) -> CriterionResult | None:
    limit = facts.criteria.uptime_share_min
    if limit is None:
        return None
    if not facts.uptime:
        return CriterionResult("uptime", (), Outcome.UNKNOWN, None, "share", limit, 0, "no sample was taken")
    worst = min(facts.uptime.values())
    outcome = Outcome.MET if worst >= limit else Outcome.NOT_MET
    reason = ", ".join(f"{name} {share:.2%}" for name, share in facts.uptime.items())
    return CriterionResult("uptime", (), outcome, worst, "share of samples", limit, facts.samples, reason)


def _inclusion(facts: Facts) -> CriterionResult | None:
    limit, percent = facts.criteria.inclusion_ms_max, facts.criteria.inclusion_percentile
    if limit is None:
        return None
    name, unit, latencies = "inclusion latency", f"ms at p{percent:g}", facts.inclusion_ms
    if not latencies:
        return CriterionResult(name, ("LOAD-05",), Outcome.UNKNOWN, None, unit, limit, 0, "nothing was mined")
    figure = percentile(latencies, percent)
    low, high = percentile_interval(latencies, percent)
    slowest = max(c.block_time_ms for c in facts.ceilings.values())
    if figure > limit and limit < slowest * percent / 100:
        outcome, reason = Outcome.INFEASIBLE, f"a block comes every {slowest / 1000:g} s only"
    else:
        outcome = Outcome.MET if high <= limit else Outcome.NOT_MET
        reason = "from the intended time to the observed block"
    return CriterionResult(name, ("LOAD-05",), outcome, figure, unit, limit, len(latencies), reason, low, high)


def _proven(result: CriterionResult) -> CriterionResult:
    """Nothing is met by no observation."""
    if result.outcome is not Outcome.MET or result.n:
        return result
    return replace(result, outcome=Outcome.UNKNOWN, reason=f"nothing was observed; {result.reason}")


def _whole(facts: Facts, outcomes: set[Outcome], invalid: Sequence[str]) -> RunOutcome:
    # What a lost worker sent is in no ledger: neither its balance nor any figure says anything of the system.
    if facts.unexplained and not facts.lost:
        return RunOutcome.FAIL
    if facts.interrupted:
        return RunOutcome.INTERRUPTED
    if invalid:
        return RunOutcome.INVALID
    if facts.over_ceiling or Outcome.INFEASIBLE in outcomes:
        return RunOutcome.INFEASIBLE
    if Outcome.NOT_MET in outcomes:
        return RunOutcome.FAIL
    proven = Outcome.MET in outcomes and Outcome.UNKNOWN not in outcomes and not facts.problems
    return RunOutcome.PASS if proven else RunOutcome.UNKNOWN
