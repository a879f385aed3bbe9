"""What a failed run says in the terminal: expected, happened, the events around it, and how to see it again."""

from __future__ import annotations

from collections.abc import Sequence

from lab.html.text import clean, seconds
from lab.model.checks import check_demand, check_title, name_checks
from lab.model.history import History
from lab.model.records import Expectation
from lab.model.verdict import RunVerdict, Verdict
from lab.report.run_page.timeline import timeline_text

MAX_FINDINGS = 3
MAX_REASONS = 8
MAX_EXPECTATIONS = 5


def failure_text(verdict: RunVerdict, history: History | None, log: Sequence[str] = ()) -> str:
    """Plain text of a few dozen lines. `history` is None where it could not be read, `log` is the relayer's."""
    blocks = [f"{verdict.verdict}  {clean(verdict.scenario, 160)}  [{clean(verdict.item, 160)}]"]
    unmet = _unmet(history)
    blocks += [_expectation(expectation) for expectation in unmet[:MAX_EXPECTATIONS]]
    if len(unmet) > MAX_EXPECTATIONS:
        blocks.append(f"{len(unmet) - MAX_EXPECTATIONS} more expectations were not met")
    blocks.append(_why(verdict, explained=bool(unmet)))
    if history is None:
        blocks.append("events around it\n  (the history could not be read)")
    else:
        moment = _moment(verdict, unmet)
        where = "" if moment is None else f" {seconds(moment)}"
        title = "events" if moment is None else "events around"
        blocks.append(f"{title}{where}\n{timeline_text(history, around_ms=moment)}")
    if log:
        blocks.append("the relayer's last log lines\n" + "\n".join(f"  | {line}" for line in log))
    blocks.append(f"repeat it\n  {clean(verdict.repeat, 10_000)}")
    return "\n\n".join(block for block in blocks if block)


def _unmet(history: History | None) -> list[Expectation]:
    return [] if history is None else [expectation for expectation in history.of(Expectation) if not expectation.met]


def _expectation(expectation: Expectation) -> str:
    lines = [f"expected  {clean(expectation.expected)}"]
    if expectation.because:
        lines.append(f"because   {clean(expectation.because)}")
    lines.append(f"happened  {clean(expectation.outcome)}")
    lines.append(f"when      {seconds(expectation.t_ms)}")
    lines.append(f"where     {clean(expectation.where)}")
    return "\n".join(lines)


def _why(verdict: RunVerdict, *, explained: bool) -> str:
    lines = []
    for check in verdict.checks:
        if check.verdict not in (Verdict.FAIL, Verdict.UNKNOWN):
            continue
        # The id stands beside the verdict, where scripts look for it.
        title = f" ({name})" if (name := check_title(check.check)) else ""
        lines.append(f"  {clean(check.check, 40)} {check.verdict}{title}: {clean(check.reason)}")
        if demand := check_demand(check.check):
            lines.append(f"    demands: {demand}")
        for finding in check.findings[:MAX_FINDINGS]:
            where = f"{clean(finding.chain, 40)}: " if finding.chain else ""
            when = f" at {seconds(finding.t_ms)}" if finding.t_ms is not None else ""
            lines.append(f"    {where}{clean(finding.message)}{when}")
        if len(check.findings) > MAX_FINDINGS:
            lines.append(f"    … {len(check.findings) - MAX_FINDINGS} more findings in verdict.json")
    checks = "checks\n" + "\n".join(lines) if lines else ""
    reasons = "reasons\n" + "\n".join(f"  {clean(name_checks(reason))}" for reason in verdict.reasons[:MAX_REASONS])
    if not verdict.reasons and not lines and not explained:
        return "reasons\n  (none was recorded)"
    return "\n\n".join(part for part in (reasons if verdict.reasons else "", checks) if part)


def _moment(verdict: RunVerdict, unmet: list[Expectation]) -> int | None:
    """The time to look at: of a failed check first, then of an expectation, then of an undecided check."""

    def of_checks(state: Verdict) -> list[int]:
        findings = (finding for check in verdict.checks if check.verdict is state for finding in check.findings)
        return [finding.t_ms for finding in findings if finding.t_ms is not None]

    moments = [*of_checks(Verdict.FAIL), *(expectation.t_ms for expectation in unmet), *of_checks(Verdict.UNKNOWN)]
    return moments[0] if moments else None
