"""The figures of a whole run brought into the form in which they are judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from lab.load.analyse.cost import Cost
from lab.load.analyse.figures import ChainFigures, ChainRun, Throughput, inclusions
from lab.load.analyse.flows import FlowFigures
from lab.load.analyse.judged import Facts
from lab.load.analyse.resources import Resources
from lab.load.analyse.statistics import ascending
from lab.load.analyse.worker_reports import GeneratorFigures
from lab.load.prepare.context import Context
from lab.load.record.frozen import Frozen
from lab.load.record.plan import Plan
from lab.load.record.worker_report import Start
from lab.model.statistics.percentile import percentile


class Totals(Frozen):
    """Sums over all chains; processor time in microseconds a transaction, None where it was not measured."""

    offered: int
    dropped: int
    sent: int
    accepted: int
    refused: int
    lost: int
    mined: int
    succeeded: int
    reverted: int
    left_in_pool: int
    in_flight: int
    unexplained_count: int
    tps: float = Field(serialization_alias="tps_tps")
    low_tps: float = Field(serialization_alias="tps_low")
    high_tps: float = Field(serialization_alias="tps_high")
    node_cpu_us_per_transaction: float | None
    generator_cpu_us_per_transaction: float | None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended. `problems` says what went wrong with the system.

    `lost` says what left nothing to judge: workers of the generator that died, a clock of the machine's that was set.
    """

    interrupted: bool = False
    problems: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a run, before they are judged."""

    runs: Mapping[str, ChainRun]
    chains: dict[str, ChainFigures]
    flows: FlowFigures | None
    generator: GeneratorFigures
    resources: Resources
    costs: dict[str, Cost]
    totals: Totals


def totals_of(chains: Mapping[str, ChainFigures], generator: GeneratorFigures, used: Resources) -> Totals:
    """Sums over the chains."""
    names = [name for name, field in Totals.model_fields.items() if field.annotation is int]
    sums = {name: sum(getattr(chain.ledger, name) for chain in chains.values()) for name in names}
    tps = {
        name: round(sum(getattr(chain.throughput, name) for chain in chains.values()), 2)
        for name in ("tps", "low_tps", "high_tps")
    }
    node_cpu_s = sum(chain.cpu_seconds for chain in used.chains.values())
    mined, sent = sums["mined"], sums["sent"]
    return Totals(
        **sums,
        **tps,
        node_cpu_us_per_transaction=round(node_cpu_s / mined * 1e6, 1) if mined and node_cpu_s else None,
        generator_cpu_us_per_transaction=round(generator.cpu_seconds / sent * 1e6, 1) if sent else None,
    )


def throughput_of(totals: Totals, flows: FlowFigures | None) -> tuple[Throughput, int, str]:
    """What succeeded a second, of how many, in what unit: calls, or flows, each once, when it was executed.

    Where there are both, a flow counts as one and a buffered transaction as one.
    """
    calls = Throughput(tps=totals.tps, low_tps=totals.low_tps, high_tps=totals.high_tps, seconds=0)
    if flows is None:
        return calls, totals.succeeded, "successes/s"
    executed, others = flows.throughput, totals.succeeded - flows.calls
    if not others:
        return executed, len(flows.latencies_ms), "flows executed/s"
    share = others / max(1, totals.succeeded)
    both = {name: getattr(executed, name) + share * getattr(calls, name) for name in ("tps", "low_tps", "high_tps")}
    done = len(flows.latencies_ms) + others
    return Throughput(**both, seconds=executed.seconds), done, "successes/s, a flow once"


def facts_of(context: Context, plan: Plan, start: Start, figures: Figures, ending: Ending) -> Facts:
    """What is judged."""
    schedule, totals, flows, generator = plan.whole_schedule(), figures.totals, figures.flows, figures.generator
    runs = figures.runs.values()
    once = [run.sent.rows[run.sent.rows["attempts"] == 1] for run in runs]
    late_us = ascending(np.concatenate([np.zeros(0), *(rows["sent_us"] - rows["intended_us"] for rows in once)]))
    last_end_at = flows.last_end_at if flows is not None else None
    throughput, done, unit = throughput_of(totals, flows)
    # An arrival of a flow is two calls, and one flow.
    calls_an_arrival = totals.offered / max(1, generator.arrivals) if flows is None else 1.0
    return Facts(
        criteria=context.profile.criteria,
        schedule_s=plan.seconds,
        offered_tps=schedule.arrivals / plan.seconds * calls_an_arrival,
        tps=throughput.tps,
        tps_low=throughput.low_tps,
        tps_high=throughput.high_tps,
        tps_unit=unit,
        tps_n=done,
        steady=context.profile.steady,
        offered=totals.offered,
        dropped=totals.dropped,
        held=generator.held,
        sent=totals.sent,
        succeeded=totals.succeeded,
        flows=flows is not None,
        cross_chain_ms=flows.latencies_ms if flows else (),
        flows_open=flows.open if flows else 0,
        flow_drift=None if flows is None else (flows.first, flows.last),
        flow_slack_ms=flows.slack_s * 1000 if flows else 0.0,
        inclusion_ms=ascending(np.concatenate([np.zeros(0), *(inclusions(run, start.starts_at).ms for run in runs)])),
        lateness_p99_ms=percentile(late_us, 99) / 1000 if late_us else None,
        tick_lag_p99_ms=generator.tick_lag_ms.p99,
        ceilings={name: chain.ceiling_of(name) for name, chain in context.chains.items()},
        offered_by_chain=plan.peak_tps_by_chain(),
        costs=figures.costs,
        uptime=figures.resources.uptime(),
        samples=figures.resources.samples,
        unexplained=[f"{name}: {what}" for name, run in figures.runs.items() for what in run.ledger.unexplained],
        interrupted=ending.interrupted,
        behind_s=max((chain.throughput.behind_s for chain in figures.chains.values()), default=0.0),
        flows_behind_s=max(0.0, last_end_at - start.starts_at - plan.seconds) if last_end_at is not None else 0.0,
        generator_problems=tuple(_generator_problems(start, generator, ending)),
        lost=ending.lost,
        problems=ending.problems,
        mostly_reverted=totals.mined > 2 * totals.succeeded,
        reverts=tuple(_reverts(context, figures)),
    )


def _reverts(context: Context, figures: Figures) -> Iterator[str]:
    contract = context.made_of.contract
    for name, run in figures.runs.items():
        if (why := run.onchain.why_reverted) is not None:
            yield f"on {name} {contract.name if contract is not None else 'the contract'} reverts: {why}"


def _generator_problems(start: Start, generator: GeneratorFigures, ending: Ending) -> Iterator[str]:
    yield from start.contradictions
    if not (generator.finished or ending.interrupted or ending.problems or ending.lost):
        yield "the generator did not end its schedule"
