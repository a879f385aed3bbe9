"""The charts of the readiness page: inline SVG, no script, readable without colour, every text escaped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.report.readiness_page.charts.costs import cost_chart
from lab.report.readiness_page.charts.criteria import criteria_chart
from lab.report.readiness_page.charts.faults import fault_chart
from lab.report.readiness_page.charts.latency import latency_chart
from lab.report.readiness_page.charts.mutation import mutation_chart
from lab.report.readiness_page.charts.rates import rate_chart
from lab.report.readiness_page.charts.trend import trend_chart
from lab.report.records.report import Readiness


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart, or the reason why there is none."""

    title: str
    note: str
    svg: str


_CHARTS: tuple[tuple[str, str, Callable[[Readiness], str]], ...] = (
    (
        "Criteria against their targets",
        "The line is the target, the bar the figure, the whisker its interval.",
        criteria_chart,
    ),
    (
        "Cross-chain time for each pair of networks",
        "From the parent's READY to the child's execution: least known to most, with median and 95th percentile.",
        latency_chart,
    ),
    (
        "Cost of one transaction's life on each network",
        "At low, typical and high prices, on a logarithmic scale; break-even is the price of gas that makes it $1.",
        cost_chart,
    ),
    ("Throughput over time", "Transactions per second of the newest load run of each profile.", rate_chart),
    (
        "Faults by the phase in which they acted",
        "Runs in which a fault acted while the least advanced leg was in that phase; red: some of them did not pass.",
        fault_chart,
    ),
    ("Mutants caught", "Small changes made to the contract on purpose: caught by the lab, or not.", mutation_chart),
    ("Settled rows over the reports so far", "Of all rows that each stage needs.", trend_chart),
)


def charts(report: Readiness) -> list[Chart]:
    """All charts for which there is something to draw."""
    drawn = [Chart(title, note, draw(report)) for title, note, draw in _CHARTS]
    return [chart for chart in drawn if chart.svg]
