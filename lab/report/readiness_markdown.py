"""The readiness report as Markdown that fits a CI job's summary: decisions, counts, and the rows that need somebody."""

from __future__ import annotations

import html
import re

from lab.html.text import clean
from lab.report.verdicts import Readiness, RowVerdict

MAX_ROWS = 60
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~>])")


def readiness_markdown(readiness: Readiness) -> str:
    """A few kilobytes, whatever the evidence holds."""
    settled = next(stage for stage in readiness.stages if stage.stage == readiness.stage)
    lines = [
        f"# Readiness: {readiness.decision}",
        "",
        f"{_safe(readiness.document)}, stage {readiness.stage}: {settled.settled} of {settled.rows} rows settled. "
        f"{readiness.provenance.runs} runs of evidence; generated {_safe(readiness.generated)}.",
        "",
        "| Stage | Decision | Settled | Reasons |",
        "|---|---|---|---|",
    ]
    for stage in readiness.stages:
        reasons = "<br>".join(_safe(reason, 240) for reason in stage.reasons)
        lines.append(f"| {stage.stage} | **{stage.decision}** | {stage.settled}/{stage.rows} | {reasons} |")
    lines += ["", "| Verdict | Rows |", "|---|---|"]
    lines += [f"| {verdict} | {count} |" for verdict, count in readiness.counts.items()]
    if readiness.contradictions:
        lines += ["", "## What the checklist claims, and what was found", ""]
        lines += ["| Claim | Found | Rows |", "|---|---|---|"]
        for found in readiness.contradictions:
            lines.append(f"| {_safe(found.stated)} | {_safe(found.found)} | {_safe(', '.join(found.rows))} |")
    if readiness.problems:
        lines += ["", "## Evidence that cannot be trusted", ""]
        lines += [f"- {_safe(problem)}" for problem in readiness.problems[:MAX_ROWS]]
    lines += _attention(readiness)
    return "\n".join(lines) + "\n"


def _attention(readiness: Readiness) -> list[str]:
    """FAIL, UNKNOWN and STALE rows, and the must-pass rows that did not run."""
    order = [RowVerdict.FAIL, RowVerdict.INFEASIBLE, RowVerdict.UNKNOWN, RowVerdict.STALE]
    rows = [row for verdict in order for row in readiness.rows if row.verdict is verdict]
    rows += [row for row in readiness.rows if row.verdict is RowVerdict.NOT_RUN and row.must_pass]
    if not rows:
        return []
    lines = ["", "## Rows that need somebody", "", "| Row | Verdict | What | Why |", "|---|---|---|---|"]
    for row in rows[:MAX_ROWS]:
        must = ", must pass" if row.must_pass else ""
        lines.append(f"| {row.id} | {row.verdict}{must} | {_safe(row.item, 80)} | {_safe(row.reason, 240)} |")
    if len(rows) > MAX_ROWS:
        lines += ["", f"{len(rows) - MAX_ROWS} more rows: see index.html."]
    return lines


def _safe(text: str, limit: int = 400) -> str:
    """Neither HTML nor Markdown nor the end of a table cell."""
    return _SPECIAL.sub(r"\\\1", html.escape(clean(text, limit), quote=False).replace("&gt;", ">"))
