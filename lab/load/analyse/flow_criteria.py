"""The criteria of flows: how long one takes from chain to chain, and whether they queue up."""

from __future__ import annotations

from dataclasses import replace

from lab.load.analyse.judged import CriterionResult, Facts
from lab.load.analyse.statistics import percentile_interval
from lab.model.outcome import Outcome
from lab.model.statistics.percentile import percentile

FLOWS_IN_A_FIFTH = 20


def cross_chain(facts: Facts) -> CriterionResult | None:
    """From the origin's block to EXECUTED on the destination, at the percentile that the criteria name."""
    limit, percent = facts.criteria.cross_chain_ms_max, facts.criteria.cross_chain_percentile
    if limit is None:
        return None
    unit, done = f"ms at p{percent:g}", len(facts.cross_chain_ms)
    nothing = CriterionResult("cross-chain latency", ("TEC-02",), Outcome.UNKNOWN, None, unit, limit, 0, "")
    if not facts.flows:
        return replace(nothing, outcome=Outcome.NOT_MEASURED, reason="this profile has no flows")
    if not done + facts.flows_open:
        return replace(nothing, reason="no flow was buffered on its origin")
    if not done:
        return replace(nothing, outcome=Outcome.NOT_MET, reason="no flow reached EXECUTED on its destination")
    figure = percentile(facts.cross_chain_ms, percent)
    low, high = percentile_interval(facts.cross_chain_ms, percent)
    open_share = facts.flows_open / (done + facts.flows_open)
    # A flow that never ended counts as longer than any limit.
    met = high <= limit and open_share < 1 - percent / 100 + 1e-9
    reason = (
        f"origin inclusion to EXECUTED on the destination; worst {facts.cross_chain_ms[-1]:,.0f} ms; "
        f"{facts.flows_open:,} of {done + facts.flows_open:,} flows did not end"
    )
    not_met = figure > limit or open_share >= 0.01
    outcome = Outcome.MET if met else Outcome.NOT_MET if not_met else Outcome.UNKNOWN
    return replace(nothing, outcome=outcome, figure=figure, n=done, reason=reason, low=low, high=high)


def flow_queue(facts: Facts) -> CriterionResult | None:
    """Whether flows took as long at the end as at the beginning: a queue that grows never held its rate."""
    limit, drift = facts.criteria.flow_growth_max, facts.flow_drift
    if limit is None or drift is None:
        return None
    (first, last), name, unit = drift, "flow queue", "times as long at the end"
    nothing = CriterionResult(name, (), Outcome.UNKNOWN, None, unit, limit, first.flows + last.flows, "")
    if not facts.steady:
        return replace(nothing, outcome=Outcome.NOT_MEASURED, reason="the rate of this shape changes by itself")
    if min(first.flows, last.flows) < FLOWS_IN_A_FIFTH:
        few = f"{first.flows} and {last.flows} flows in the first and the last fifth, {FLOWS_IN_A_FIFTH} are required"
        return replace(nothing, reason=few)
    if last.mostly_open or first.latency_p50_ms is None or last.latency_p50_ms is None:
        reason = f"{last.open:,} of the {last.flows:,} flows of the last fifth never ended: the queue grows"
        return replace(nothing, outcome=Outcome.NOT_MET, reason=reason)
    growth_ms = last.latency_p50_ms - first.latency_p50_ms
    figure = last.latency_p50_ms / max(1.0, first.latency_p50_ms)
    grows = figure > limit and growth_ms > facts.flow_slack_ms
    reason = (
        f"median {first.latency_p50_ms:,.0f} ms in the first fifth, {last.latency_p50_ms:,.0f} ms in the last"
        f"{': the queue grows, and a longer run would be slower still' if grows else ''}"
    )
    return replace(nothing, outcome=Outcome.NOT_MET if grows else Outcome.MET, figure=round(figure, 2), reason=reason)
