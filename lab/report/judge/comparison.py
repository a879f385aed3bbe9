"""This report beside earlier ones: what changed, the history of each row, and the trend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.html.text import clean
from lab.report.evidence.report_history import ReportSummary, summarise
from lab.report.records.report import Comparison, Readiness, RowChange, TrendPoint
from lab.report.records.row_result import PastVerdict
from lab.report.records.row_verdict import SETTLED, RowVerdict

MAX_SHOWN = 40


def with_comparisons(report: Readiness, past: Sequence[ReportSummary]) -> Readiness:
    """The report with what changed since the last one and the last GO of its stage, and the trend."""
    same_stage = [summary for summary in past if summary.stage == report.stage]
    last = same_stage[-1] if same_stage else None
    go = next((summary for summary in reversed(same_stage) if summary.decision == "GO"), None)
    return report.model_copy(
        update={
            "since_last": compare(last, report) if last else None,
            "since_go": compare(go, report) if go else None,
            "trend": _trend(past, summarise(report)),
        }
    )


def compare(before: ReportSummary, report: Readiness) -> Comparison:
    """What is different now, worsened rows first."""
    then = before.of_rows()
    changes = [
        RowChange(row=row.id, before=then.get(row.id), now=row.verdict, worse=_worse(then.get(row.id), row.verdict))
        for row in report.rows
        if then.get(row.id) is not row.verdict
    ]
    made = report.provenance
    pairs = [("contract", before.contract, made.contract_sha256), ("lab commit", before.commit, made.lab_commit)]
    moved = [f"{name} {_short(old)} → {_short(new)}" for name, old, new in pairs if old != new]
    ordered = sorted(changes, key=lambda change: (not change.worse, change.now.rank))
    return Comparison(generated=before.generated, decision=before.decision, rows=tuple(ordered), moved=tuple(moved))


def row_history(
    past: Iterable[ReportSummary], row: str, generated: str, verdict: RowVerdict
) -> tuple[PastVerdict, ...]:
    """Only the reports in which the row's verdict became another one; this report's is always the last."""
    changes: list[PastVerdict] = []
    for report in past:
        was = report.of_rows().get(row)
        if was is not None and (not changes or changes[-1].verdict is not was):
            changes.append(PastVerdict(generated=clean(report.generated, 40), verdict=was))
    if not changes or changes[-1].verdict is not verdict:
        changes.append(PastVerdict(generated=generated, verdict=verdict))
    return tuple(changes[-MAX_SHOWN:])


def _trend(past: Sequence[ReportSummary], now: ReportSummary) -> tuple[TrendPoint, ...]:
    """The newest reports as points, this one last."""
    newest = [*past, now] if not past or not past[-1].same_as(now) else list(past)
    return tuple(
        TrendPoint(
            generated=clean(summary.generated, 40),
            stage=summary.stage,
            decision=summary.decision,
            settled=summary.settled,
            failing=len(summary.verdicts.get(RowVerdict.FAIL, ())),
        )
        for summary in newest[-MAX_SHOWN:]
    )


def _worse(before: RowVerdict | None, now: RowVerdict) -> bool:
    """A row that was open and still is has not got worse: proof that decides nothing is no step back from none."""
    if before is None:
        return now not in SETTLED
    against = (RowVerdict.FAIL, RowVerdict.INFEASIBLE)
    if not {before, now} & {*SETTLED, *against}:
        return False
    return now.rank < before.rank


def _short(value: str | None) -> str:
    return clean(value[:12], 20) if value else "unknown"
