"""The readiness report as Markdown that fits a CI job's summary: decisions, next steps, rows that need somebody."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from lab.html.text import clean
from lab.report.evidence.signature import SignatureView
from lab.report.records.report import Readiness
from lab.report.records.row_verdict import RowVerdict

MAX_ROWS = 60
MAX_STEPS = 12
MAX_CHANGES = 20
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~>])")


def readiness_markdown(readiness: Readiness, signature: SignatureView | None = None) -> str:
    """A few kilobytes, whatever the evidence holds."""
    settled = next(stage for stage in readiness.stages if stage.stage == readiness.stage)
    lines = [
        f"# Readiness: {readiness.decision}",
        "",
        *([_safe(readiness.under_test.line, 600), ""] if readiness.under_test is not None else []),
        f"{_safe(readiness.document)}, stage {readiness.stage}: {settled.settled} of {settled.rows} rows settled. "
        f"{readiness.provenance.runs} runs of evidence; generated {_safe(readiness.generated)}.",
        *_signed(signature),
        "",
        "| Stage | Decision | Settled | Reasons |",
        "|---|---|---|---|",
    ]
    for stage in readiness.stages:
        reasons = "<br>".join(_safe(reason, 240) for reason in stage.reasons)
        lines.append(f"| {stage.stage} | **{stage.decision}** | {stage.settled}/{stage.rows} | {reasons} |")
    lines += ["", "| Verdict | Rows |", "|---|---|"]
    lines += [f"| {verdict} | {count} |" for verdict, count in readiness.counts.items()]
    lines += _path(readiness)
    lines += _changes(readiness)
    lines += _criteria(readiness)
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


def _signed(signature: SignatureView | None) -> Iterator[str]:
    if signature is None:
        return
    yield ""
    if signature.void or signature.signature is None:
        yield f"**Signature void:** {_safe(signature.void)}."
    else:
        note = f": {_safe(signature.signature.note, 300)}" if signature.signature.note else ""
        key = f" (key {_safe(signature.signer, 60)})" if signature.signer else " (no key signed it)"
        yield f"**Signed {signature.signature.decision}** by {_safe(signature.signature.who, 160)}{note}{key}"


def _path(readiness: Readiness) -> Iterator[str]:
    steps = readiness.path_to_go
    if not steps:
        return
    yield from ("", "## Shortest path to GO", "", "| # | What to do | Rows | Owner |", "|---|---|---|---|")
    for step in steps[:MAX_STEPS]:
        command = f"<br><code>{_safe(step.command, 160)}</code>" if step.command else ""
        rows = ", ".join(step.rows[:8]) + (f" and {len(step.rows) - 8} more" if len(step.rows) > 8 else "")
        yield f"| {step.rank} | {_safe(step.action)}{command} | {rows} | {_safe(step.owner, 120)} |"
    if len(steps) > MAX_STEPS:
        yield from ("", f"{len(steps) - MAX_STEPS} more steps: see index.html.")


def _changes(readiness: Readiness) -> Iterator[str]:
    for title, comparison in (("the last report", readiness.since_last), ("the last GO", readiness.since_go)):
        if comparison is None or not (comparison.rows or comparison.moved):
            continue
        yield from ("", f"## Changed since {title} ({_safe(comparison.generated[:16], 20)}, {comparison.decision})", "")
        yield from (f"- {_safe(text)}" for text in comparison.moved)
        for change in comparison.rows[:MAX_CHANGES]:
            yield f"- {change.row}: {change.before or 'new'} to {change.now}{' (worse)' if change.worse else ''}"
        if len(comparison.rows) > MAX_CHANGES:
            yield f"- and {len(comparison.rows) - MAX_CHANGES} more rows"
    if readiness.expiring:
        yield from ("", f"## Expires before the release on {readiness.release_date}", "")
        yield from (f"- {entry.row}: {_safe(entry.what)}, until {entry.expires}" for entry in readiness.expiring)


def _criteria(readiness: Readiness) -> Iterator[str]:
    if not readiness.criteria:
        return
    yield from ("", "## Success criteria", "", "| Criterion | State | Figure | To decide |", "|---|---|---|---|")
    for criterion in readiness.criteria:
        figure = "<br>".join(_safe(text, 160) for text in (criterion.figure, criterion.interval) if text)
        yield f"| {_safe(criterion.title, 80)} | {criterion.state} | {figure} | {_safe(criterion.needed)} |"


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
