"""From judged rows to GO, NO-GO or INCOMPLETE, for one release stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lab.html.text import plural, some
from lab.report.catalogue.rows import STAGES, Stage
from lab.report.records.report import StageDecision
from lab.report.records.row_result import RowResult
from lab.report.records.row_verdict import Decision, RowVerdict

MAX_NAMED_ROWS = 12


def counts_of(rows: Iterable[RowResult]) -> dict[RowVerdict, int]:
    """How often each verdict occurs, the best first; verdicts that do not occur are left out."""
    verdicts = [row.verdict for row in rows]
    return {verdict: verdicts.count(verdict) for verdict in reversed(RowVerdict) if verdict in verdicts}


def decide(stage: Stage, all_rows: Sequence[RowResult], problems: tuple[str, ...]) -> StageDecision:
    """GO: every row settled. NO-GO: a row fails, or a must-pass row is infeasible. INCOMPLETE: anything between."""
    within = STAGES[: STAGES.index(stage) + 1]
    rows = [row for row in all_rows if row.stage in within]
    open_rows = [row for row in rows if row.is_open]
    reasons = list(_reasons(open_rows))
    if problems:
        reasons.append(f"{plural(len(problems), 'run folder')} cannot be trusted and could not be attributed to a row")
    if not rows:
        reasons.append("the catalogue has no row for this stage")
    decision: Decision = "NO-GO" if any(map(_forbids, rows)) else "INCOMPLETE" if reasons else "GO"
    return StageDecision(
        stage=stage,
        decision=decision,
        rows=len(rows),
        settled=len(rows) - len(open_rows),
        counts=counts_of(rows),
        reasons=tuple(reasons) or ("every row of the stage is settled",),
    )


def _forbids(row: RowResult) -> bool:
    """Whether a release with this row as it is would be wrong, and not only unproven."""
    return row.verdict is RowVerdict.FAIL or (row.must_pass and row.verdict is RowVerdict.INFEASIBLE)


def _reasons(open_rows: Sequence[RowResult]) -> Iterator[str]:
    """What forbids the release first, then what is open by verdict."""
    failed = [row for row in open_rows if row.verdict is RowVerdict.FAIL]
    blocking = [row for row in open_rows if _forbids(row) and row.verdict is not RowVerdict.FAIL]
    waived = [row for row in open_rows if row.verdict is RowVerdict.WAIVED]
    if failed:
        yield f"{plural(len(failed), 'row')} FAIL: {_ids(failed)}"
    if blocking:
        yield f"{plural(len(blocking), 'must-pass row')} INFEASIBLE: {_ids(blocking)}"
    if waived:
        yield f"must-pass rows cannot be waived: {_ids(waived)}"
    rest = [row for row in open_rows if row.verdict is not RowVerdict.WAIVED and not _forbids(row)]
    for verdict in RowVerdict:
        rows = [row for row in rest if row.verdict is verdict]
        if rows:
            must = sum(row.must_pass for row in rows)
            musts = f", {must} of them must pass" if must else ""
            yield f"{plural(len(rows), 'row')} {verdict}{musts}: {_ids(rows)}"


def _ids(rows: Sequence[RowResult]) -> str:
    """Must-pass rows first."""
    return some([row.id for row in sorted(rows, key=lambda row: not row.must_pass)], MAX_NAMED_ROWS)
