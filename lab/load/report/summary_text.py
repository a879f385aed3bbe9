"""A result in a few lines of text."""

from __future__ import annotations

from lab.html import figures
from lab.load.analyse.reconcile import Result


def with_unit(value: object, unit: str) -> str:
    """A figure or a limit as people write it: shares as percent, nothing for None."""
    return figures.measured(value, unit) if isinstance(value, (int, float)) else number(value)


def number(value: object) -> str:
    """A figure as all pages write it; nothing for None, text as it is."""
    return figures.number(value) if isinstance(value, (int, float)) else "" if value is None else str(value)


def verdict_lines(result: Result) -> list[str]:
    """A line for each criterion, one for the ledger, and what explains them."""
    lines = []
    for verdict in result.judged.verdicts:
        figure = with_unit(verdict.figure, verdict.unit)
        lines.append(f"{verdict.outcome:<12}  {verdict.criterion:<20}  {figure}: {verdict.reason}")
    return [*lines, *summary_lines(result)]


def summary_lines(result: Result) -> list[str]:
    """The outcome with the ledger's sums, then reasons."""
    totals = result.totals
    first = (
        f"{result.judged.outcome}  {totals.offered:,} offered, {totals.sent:,} sent, {totals.accepted:,} "
        f"accepted, {totals.mined:,} mined, {totals.succeeded:,} succeeded, {totals.dropped:,} dropped, "
        f"{totals.unexplained_count:,} unexplained; bottleneck: {result.judged.bottleneck}"
    )
    reasons = (*result.judged.invalid, *result.judged.unexplained[:5], *result.problems)
    return [first, *(f"  {reason}" for reason in reasons)]
