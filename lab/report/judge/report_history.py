"""The history of reports: a line for each in `results/history/reports.jsonl`, compact enough to keep for years."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from lab.evidence.folder import write_atomically
from lab.html.text import clean
from lab.report.catalogue.rows import Stage
from lab.report.records.report import Comparison, Readiness, RowChange, TrendPoint
from lab.report.records.row_result import PastVerdict
from lab.report.records.row_verdict import SETTLED, WORST_FIRST, Decision, RowVerdict

REPORTS = Path("history") / "reports.jsonl"
MAX_SHOWN = 40


class Past(BaseModel):
    """One report in short. `verdicts` groups the ids of rows by verdict; `failing` counts rows of any stage."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    generated: str
    stage: Stage
    decision: Decision
    decisions: dict[Stage, Decision]
    settled: dict[Stage, int]
    contract: str | None = None
    commit: str | None = None
    verdicts: dict[RowVerdict, tuple[str, ...]]

    def of_rows(self) -> dict[str, RowVerdict]:
        """Row id -> verdict."""
        return {row: verdict for verdict, rows in self.verdicts.items() for row in rows}

    def same_as(self, other: Past) -> bool:
        """Whether nothing but the time differs."""
        return self.model_dump(exclude={"generated"}) == other.model_dump(exclude={"generated"})


def read_past(results: Path) -> tuple[list[Past], list[str]]:
    """All reports, oldest first, and what could not be read."""
    path = results / REPORTS
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    except (OSError, UnicodeDecodeError) as error:
        return [], [f"{REPORTS} cannot be read ({type(error).__name__}): nothing is compared with earlier reports"]
    found, bad = [], []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(Past.model_validate_json(line))
        except ValidationError:
            bad.append(number)
    numbers = ", ".join(map(str, bad[:5]))
    notes = [f"{REPORTS}: {len(bad)} lines are no report and were passed over: {numbers}"] if bad else []
    return found, notes


def in_short(report: Readiness) -> Past:
    """A report as its line of the history."""
    grouped: dict[RowVerdict, list[str]] = {}
    for row in report.rows:
        grouped.setdefault(row.verdict, []).append(row.id)
    return Past(
        generated=report.generated,
        stage=report.stage,
        decision=report.decision,
        decisions={stage.stage: stage.decision for stage in report.stages},
        settled={stage.stage: stage.settled for stage in report.stages},
        contract=report.provenance.contract_sha256,
        commit=report.provenance.lab_commit,
        verdicts={verdict: tuple(grouped[verdict]) for verdict in RowVerdict if verdict in grouped},
    )


def append(results: Path, past: Sequence[Past], now: Past) -> None:
    """Add a line, unless the last one says the same."""
    if past and past[-1].same_as(now):
        return
    path = results / REPORTS
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.is_file() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
    with path.open("a", encoding="utf-8") as stream:
        stream.write(("\n" if torn else "") + json.dumps(now.model_dump(mode="json"), separators=(",", ":")) + "\n")


def prune(results: Path, keep: int) -> int:
    """Keep the newest `keep` lines and every GO; returns how many went."""
    past, _ = read_past(results)
    kept = [each for index, each in enumerate(past) if index >= len(past) - keep or each.decision == "GO"]
    if len(kept) < len(past):
        lines = (json.dumps(each.model_dump(mode="json"), separators=(",", ":")) for each in kept)
        write_atomically(results / REPORTS, "".join(f"{line}\n" for line in lines))
    return len(past) - len(kept)


def compare(before: Past, report: Readiness) -> Comparison:
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
    ordered = sorted(changes, key=lambda change: (not change.worse, WORST_FIRST.index(change.now)))
    return Comparison(generated=before.generated, decision=before.decision, rows=tuple(ordered), moved=tuple(moved))


def row_history(past: Iterable[Past], row: str, generated: str, verdict: RowVerdict) -> tuple[PastVerdict, ...]:
    """Only the reports in which the row's verdict became another one; this report's is always the last."""
    found: list[PastVerdict] = []
    for report in past:
        was = next((each for each, rows in report.verdicts.items() if row in rows), None)
        if was is not None and (not found or found[-1].verdict is not was):
            found.append(PastVerdict(generated=clean(report.generated, 40), verdict=was))
    if not found or found[-1].verdict is not verdict:
        found.append(PastVerdict(generated=generated, verdict=verdict))
    return tuple(found[-MAX_SHOWN:])


def trend(past: Sequence[Past], now: Past) -> tuple[TrendPoint, ...]:
    """The newest reports as points, this one last."""
    newest = [*past, now] if not past or not past[-1].same_as(now) else list(past)
    return tuple(
        TrendPoint(
            generated=clean(each.generated, 40),
            stage=each.stage,
            decision=each.decision,
            settled=each.settled,
            failing=len(each.verdicts.get(RowVerdict.FAIL, ())),
        )
        for each in newest[-MAX_SHOWN:]
    )


def _worse(before: RowVerdict | None, now: RowVerdict) -> bool:
    """A row that was open and still is has not got worse: proof that decides nothing is no step back from none."""
    if before is None:
        return now not in SETTLED
    against = (RowVerdict.FAIL, RowVerdict.INFEASIBLE)
    if not {before, now} & {*SETTLED, *against}:
        return False
    return WORST_FIRST.index(now) < WORST_FIRST.index(before)


def _short(value: Any) -> str:
    return clean(str(value)[:12], 20) if value else "unknown"
