"""The history of reports: a line for each in `results/history/reports.jsonl`, compact enough to keep for years."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from lab.bounded_files import JSON_VALUES_MAX, UnfitFile, open_append, open_regular, parse_model, read_lines
from lab.evidence.folder import write_atomically
from lab.report.catalogue.rows import Stage
from lab.report.records.report import Readiness
from lab.report.records.row_verdict import Decision, RowVerdict

REPORTS = Path("history") / "reports.jsonl"
# A line has at most 15 KB: one for each row of the catalogue.
HISTORY_BYTES_MAX, HISTORY_LINES_MAX = 32 << 20, 5_000
MAX_SHOWN = 40


class ReportSummary(BaseModel):
    """One report in short. `verdicts` groups the ids of rows by verdict; `failing` counts rows of any stage."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore")

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

    def same_as(self, other: ReportSummary) -> bool:
        """Whether nothing but the time differs."""
        return self.model_dump(exclude={"generated"}) == other.model_dump(exclude={"generated"})


def read_summaries(results: Path) -> tuple[list[ReportSummary], list[str]]:
    """All reports, oldest first, and what could not be read."""
    path = results / REPORTS
    try:
        lines = read_lines(path, max_bytes=HISTORY_BYTES_MAX, max_lines=HISTORY_LINES_MAX, max_values=JSON_VALUES_MAX)
        summaries, bad = list[ReportSummary](), list[int]()
        for number, line in enumerate(lines, start=1):
            try:
                summaries.append(parse_model(line, ReportSummary, f"{REPORTS}:{number}"))
            except UnfitFile:
                bad.append(number)
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [f"{REPORTS} cannot be read ({type(error).__name__}): nothing is compared with earlier reports"]
    numbers = ", ".join(map(str, bad[:5]))
    notes = [f"{REPORTS}: {len(bad)} lines are no report and were passed over: {numbers}"] if bad else []
    return summaries, notes


def summarise(report: Readiness) -> ReportSummary:
    """A report as its line of the history."""
    grouped: dict[RowVerdict, list[str]] = {}
    for row in report.rows:
        grouped.setdefault(row.verdict, []).append(row.id)
    return ReportSummary(
        generated=report.generated,
        stage=report.stage,
        decision=report.decision,
        decisions={stage.stage: stage.decision for stage in report.stages},
        settled={stage.stage: stage.settled for stage in report.stages},
        contract=report.provenance.contract_sha256,
        commit=report.provenance.lab_commit,
        verdicts={verdict: tuple(grouped[verdict]) for verdict in RowVerdict if verdict in grouped},
    )


def append_summary(results: Path, past: Sequence[ReportSummary], now: ReportSummary) -> None:
    """Add a line, unless the last one says the same."""
    if past and past[-1].same_as(now):
        return
    path = results / REPORTS
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(now.model_dump(mode="json"), separators=(",", ":")) + "\n"
    torn = path.is_file() and path.stat().st_size > 0 and not _ends_whole(path)
    with open_append(path) as stream:
        stream.write((("\n" if torn else "") + line).encode())


def _ends_whole(path: Path) -> bool:
    """Whether the last line was written to its end."""
    with open_regular(path) as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read() == b"\n"


def prune_summaries(results: Path, keep: int) -> int:
    """Keep the newest `keep` lines and every GO; returns how many went."""
    past, _ = read_summaries(results)
    kept = [summary for index, summary in enumerate(past) if index >= len(past) - keep or summary.decision == "GO"]
    if len(kept) < len(past):
        lines = (json.dumps(summary.model_dump(mode="json"), separators=(",", ":")) for summary in kept)
        write_atomically(results / REPORTS, "".join(f"{line}\n" for line in lines))
    return len(past) - len(kept)
