"""Figures for success criteria that scenario runs can honestly support: cross-chain time, cost, failure rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.html.figures import number, percent, usd
from lab.html.text import plural
from lab.model.chain.prices import LEVELS, Prices, prices
from lab.model.outcome import Outcome
from lab.model.statistics.binomial import decide, lower_bound, trials_needed, upper_bound
from lab.model.statistics.percentile import percentile
from lab.report.evidence.samples import CORE, Latency, Samples
from lab.report.records.criterion import Derived
from lab.report.records.measured import CostView, PairView

LATE_MS, LATE_SHARE = 30_000, 0.05
FAILED_SHARE = 0.01
DOLLAR = 1.0
WHERE = "recorded scenario runs without an acting fault, on the lab's own nodes"


def cross_chain(samples: Samples) -> tuple[Derived, tuple[PairView, ...]]:
    """TEC-02. Decided only when every pair is; one pair that is late for certain decides against."""
    pairs: dict[tuple[str, str, str], list[Latency]] = {}
    for latency in samples.latencies:
        pairs.setdefault((latency.origin, latency.target, latency.finality), []).append(latency)
    views = tuple(_pair(*key, latencies) for key, latencies in sorted(pairs.items()))
    if not views:
        other = " with its network's own finality" if samples.other_finality else ""
        return _nothing(f"no cross-chain execution{other} is recorded", samples, _more(59)), ()
    late = [view for view in views if view.state is Outcome.NOT_MET]
    open_pairs = [view for view in views if view.state is Outcome.UNKNOWN]
    worst = max(views, key=lambda view: view.p95_ms)
    state = Outcome.NOT_MET if late else Outcome.UNKNOWN if open_pairs else Outcome.MET
    needed = max((view.needed for view in open_pairs), default=0)
    low, high = worst.least_p95_ms / 1000, worst.p95_ms / 1000
    between = f"{high:.1f} s" if high - low < 0.1 else f"between {low:.1f} and {high:.1f} s"
    figure = f"slowest pair {worst.origin} to {worst.target}: p95 {between}"
    return (
        Derived(
            state=state,
            figure=figure,
            value=round(high, 3),
            low=round(low, 3),
            high=round(high, 3),
            interval="from what is known to be the system's own time, to all that passed" if high - low >= 0.1 else "",
            n=len(samples.latencies),
            needed=_more(needed, "execution", " of each open pair") if open_pairs and not late else "",
            reason=_why(views, late, open_pairs),
            assumptions=(*_finalities(samples, views), WHERE),
        ),
        views,
    )


def _finalities(samples: Samples, views: Sequence[PairView]) -> Iterator[str]:
    yield from sorted({f"{view.origin} is final after {view.finality}" for view in views})
    if samples.other_finality:
        yield f"{plural(samples.other_finality, 'execution')} of scenarios with a finality of their own left out"


def _why(views: Sequence[PairView], late: Sequence[PairView], open_pairs: Sequence[PairView]) -> str:
    known, total = sum(view.late + view.in_time for view in views), sum(view.n for view in views)
    reason = f"{plural(len(views), 'pair')} of networks, {known:,} of {total:,} executions known to be late or in time"
    if late:
        return f"late for certain: {', '.join(f'{view.origin} to {view.target}' for view in late[:3])}; {reason}"
    return f"too few executions to decide {len(open_pairs)} of {reason}" if open_pairs else reason


def _pair(origin: str, target: str, finality: str, latencies: Sequence[Latency]) -> PairView:
    late = sum(latency.least_ms > LATE_MS for latency in latencies)
    in_time = sum(latency.most_ms <= LATE_MS for latency in latencies)
    open_ones = len(latencies) - late - in_time
    # What is not known counts against whichever conclusion is drawn.
    if upper_bound(late + open_ones, len(latencies)) <= LATE_SHARE:
        state = Outcome.MET
    elif lower_bound(late, len(latencies)) > LATE_SHARE:
        state = Outcome.NOT_MET
    else:
        state = Outcome.UNKNOWN
    ordered = sorted(latency.most_ms for latency in latencies)
    least = sorted(latency.least_ms for latency in latencies)
    return PairView(
        origin=origin,
        target=target,
        finality=finality,
        n=len(latencies),
        late=late,
        in_time=in_time,
        least_ms=least[0],
        p50_ms=percentile(ordered, 50),
        p95_ms=percentile(ordered, 95),
        least_p95_ms=percentile(least, 95),
        max_ms=ordered[-1],
        state=state,
        needed=max(0, trials_needed(late, LATE_SHARE) - in_time - late) if state is Outcome.UNKNOWN else 0,
    )


def cost(samples: Samples) -> tuple[Derived, tuple[CostView, ...]]:
    """TEC-03. Every network that ran and has a price must stay below the limit."""
    table = prices()
    views = tuple(_cost_views(samples, table))
    priced = [view for view in views if table.decides in view.usd]
    if not priced:
        return _nothing("no transaction went all the way on a network with a price", samples), ()
    worst = max(priced, key=lambda view: view.usd[table.decides])
    above_at_peak = sorted(view.network for view in views if view.usd.get("high", 0.0) >= DOLLAR)
    peak = f"; at the published peak prices above the limit: {', '.join(above_at_peak)}" if above_at_peak else ""
    derived = Derived(
        state=Outcome.NOT_MET if worst.usd[table.decides] >= DOLLAR else Outcome.MET,
        figure=f"{worst.network} is the dearest: {usd(worst.usd[table.decides])}",
        value=round(worst.usd[table.decides], 6),
        n=sum(view.n for view in priced),
        reason=f"{plural(len(priced), 'network')} at {table.decides} prices{peak}",
        assumptions=tuple(_price_sources(table, priced)),
    )
    return derived, views


def _cost_views(samples: Samples, table: Prices) -> Iterator[CostView]:
    """A whole life of a transaction on each network that ran all of it and has a price."""
    for network, functions in sorted(samples.gas.items()):
        if network not in table.networks or any(not functions.get(name) for name in CORE):
            continue
        gas = sum(sum(functions[name]) / len(functions[name]) for name in CORE)
        typical = table.networks[network].at(table.decides)
        yield CostView(
            network=network,
            gas=round(gas),
            n=min(len(functions[name]) for name in CORE),
            usd={level: dollars for level in LEVELS if (dollars := table.usd(network, gas, level)) is not None},
            break_even_gwei=table.break_even_gwei(network, gas, DOLLAR) or 0.0,
            typical_gwei=typical.gwei if typical else 0.0,
        )


def _price_sources(table: Prices, priced: Sequence[CostView]) -> Iterator[str]:
    for name, token in table.tokens.items():
        yield f"1 {name} = ${token.usd:,} ({token.date}, {token.source})"
    for view in priced:
        price = table.networks[view.network].at(table.decides)
        if price is not None:
            yield f"{view.network}: {number(view.typical_gwei)} gwei ({price.date}, {price.source})"
    yield "gas as measured on the lab's nodes; the L1 part of Arbitrum's gas is only in its price"


def failures(samples: Samples) -> Derived:
    """TEC-06: transactions of the relayer that reverted, of all that it sent."""
    sent, failed = samples.relayer_sent, samples.relayer_failed
    if not sent:
        return _nothing("the relayer sent nothing", samples, _more(299, "transaction"))
    high = upper_bound(failed, sent)
    state = decide(failed, sent, FAILED_SHARE)
    more = trials_needed(failed, FAILED_SHARE) - sent
    return Derived(
        state=state,
        figure=f"{failed:,} of {sent:,} failed",
        value=round(100 * failed / sent, 4),
        low=round(100 * lower_bound(failed, sent), 4),
        high=round(100 * high, 4),
        interval=f"at most {percent(100 * high)} with 95% confidence",
        n=sent,
        needed=_more(more, "transaction", " without another failure") if state is Outcome.UNKNOWN else "",
        reason=f"{failed:,} of {sent:,} transactions of the relayer reverted, in {plural(len(samples.runs), 'run')}",
        assumptions=(WHERE,),
    )


def _nothing(what: str, samples: Samples, needed: str = "") -> Derived:
    figure = f"{plural(samples.outdated, 'run')} out of date" if samples.outdated and not samples.runs else what
    return Derived(state=Outcome.NOT_MEASURED, figure=figure, needed=needed)


def _more(count: int, what: str = "execution", rest: str = "") -> str:
    return plural(count, f"more {what}") + rest if count > 0 else ""
