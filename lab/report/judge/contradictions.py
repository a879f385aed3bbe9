"""What the checklist says of itself beside what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.html.text import plural
from lab.report.catalogue.rows import Catalogue
from lab.report.judge.decision import counts_of
from lab.report.records.report import Contradiction
from lab.report.records.row_result import RowResult
from lab.report.records.row_verdict import RowVerdict


def contradictions(catalogue: Catalogue, rows: Sequence[RowResult]) -> Iterator[Contradiction]:
    """Ticks without evidence or against it, a summary that miscounts, and statements that are known to be wrong."""
    ticked = [row for row in rows if row.claimed]
    refuted = [row for row in ticked if row.verdict is RowVerdict.FAIL]
    unproven = [row for row in ticked if row.is_open and row not in refuted]
    if refuted:
        yield Contradiction(
            id="ticked-but-failing",
            rows=tuple(row.id for row in refuted),
            stated=f"{plural(len(refuted), 'row')} ticked as done",
            found="the evidence says FAIL",
        )
    if unproven:
        yield Contradiction(
            id="ticked-without-evidence",
            rows=tuple(row.id for row in unproven),
            stated=f"{plural(len(unproven), 'row')} ticked as done",
            found="no valid evidence is on record: " + _verdicts(unproven),
        )
    items = [row for row in rows if row.kind == "item"]
    done = sum(row.claimed for row in items)
    if catalogue.summary and (catalogue.summary.done, catalogue.summary.total) != (done, len(items)):
        yield Contradiction(
            id="summary-miscounts",
            rows=(),
            stated=f"the summary table says {catalogue.summary.done}/{catalogue.summary.total} items completed",
            found=f"the document holds {len(items)} checkboxes, {done} of them ticked: {done}/{len(items)}",
        )
    for fact in catalogue.facts:
        yield Contradiction(id=fact.id, rows=fact.rows, stated=fact.stated, found=fact.found)


def _verdicts(rows: Sequence[RowResult]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in counts_of(rows).items())
