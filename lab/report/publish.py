"""One call that turns a results folder into a whole report: reads, judges, compares, writes, and remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from lab.report.catalogue.rows import Catalogue, Stage
from lab.report.evidence.attestations import FOLDER
from lab.report.evidence.baseline import Current
from lab.report.evidence.figures import read_figures
from lab.report.evidence.load_series import read_series
from lab.report.evidence.mutation_counts import read_mutation
from lab.report.judge.readiness import build_readiness
from lab.report.judge.report_history import append, in_short, read_past
from lab.report.readiness_page.files import write_readiness
from lab.report.records.folder import Folder
from lab.report.records.report import Readiness


@dataclass(frozen=True, slots=True)
class Published:
    """The report and its page."""

    report: Readiness
    page: Path


def publish(
    results: Path,
    folders: Sequence[Folder],
    *,
    catalogue: Catalogue,
    current: Current,
    stage: Stage,
    attestations: Path = FOLDER,
    release_date: date | None = None,
    generated: datetime | None = None,
) -> Published:
    """Write `results/readiness/`, and add a line to the history of reports. Bad evidence never raises."""
    now = generated or datetime.now(UTC)
    figures, unread = read_figures(results, now)
    past, forgotten = read_past(results)
    mutation, unclear = read_mutation(results)
    report = build_readiness(
        catalogue,
        folders,
        contract_sha256=current.contract_sha256,
        stage=stage,
        results=results,
        generated=now,
        current=current,
        attestations=attestations,
        figures=figures,
        past=past,
        release_date=release_date,
        notes=(*unread, *forgotten, *unclear),
        mutation=mutation,
        series=read_series(results),
    )
    page = write_readiness(report, results / "readiness", results=results)
    append(results, past, in_short(report))
    return Published(report, page)
