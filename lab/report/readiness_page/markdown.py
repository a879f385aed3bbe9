"""The readiness report as Markdown that fits a CI job's summary: decisions, next steps, rows that need somebody."""

from __future__ import annotations

from markupsafe import Markup

from lab.report.evidence.signature import SignatureView
from lab.report.readiness_page.pages import readiness_pages
from lab.report.records.report import Readiness
from lab.report.records.row_verdict import RowVerdict

_ATTENTION = (RowVerdict.FAIL, RowVerdict.INFEASIBLE, RowVerdict.UNKNOWN, RowVerdict.STALE)


def readiness_markdown(readiness: Readiness, signature: SignatureView | None = None) -> str:
    """A few kilobytes, whatever the evidence holds."""
    rows = [row for verdict in _ATTENTION for row in readiness.rows if row.verdict is verdict]
    rows += [row for row in readiness.rows if row.verdict is RowVerdict.NOT_RUN and row.must_pass]
    return readiness_pages().render(
        "readiness.md.j2", report=readiness, signature=signature, attention=rows, br=Markup("<br>")
    )
