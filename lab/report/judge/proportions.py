"""A measurement's own verdict, judged again: nothing observed is no PASS, and shares of trials keep exact bounds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lab.html.figures import percent
from lab.model.statistics.binomial import decide, upper_bound
from lab.report.evidence.figures import Figure
from lab.report.records.row_verdict import VERDICTS, RowVerdict

# The share of trials that may fail.
ALLOWED = {"TEC-01": 0.001, "TEC-06": 0.01}


def rejudge(figures: Iterable[Figure]) -> list[Figure]:
    """Figures of shares get the verdict of the bounds, unless theirs is worse; without observations none passes."""
    return [_judged(figure) for figure in figures]


def _judged(figure: Figure) -> Figure:
    if figure.n == 0 and figure.verdict is RowVerdict.PASS:
        return replace(figure, verdict=RowVerdict.UNKNOWN, reason="it claims PASS and observed nothing: n = 0")
    allowed, trials, failures = ALLOWED.get(figure.row), figure.n, figure.failures
    if allowed is None or figure.verdict not in (RowVerdict.PASS, RowVerdict.FAIL):
        return figure
    if not trials or failures is None or failures > trials:
        if figure.verdict is RowVerdict.FAIL:
            return figure
        return replace(figure, verdict=RowVerdict.UNKNOWN, reason="it claims PASS without its trials and failures")
    verdict = VERDICTS[decide(failures, trials, allowed)]
    if verdict is RowVerdict.PASS and figure.verdict is not RowVerdict.PASS:
        return figure
    bound = 100 * upper_bound(failures, trials)
    reason = f"{failures:,} of {trials:,} failed: at most {percent(bound)} with 95% confidence"
    return replace(figure, verdict=verdict, reason=reason, inconclusive=verdict is RowVerdict.UNKNOWN)
