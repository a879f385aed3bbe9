"""One call that turns a results folder into a whole report: reads, judges, compares, writes, and remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from lab.report.catalogue.rows import Catalogue, Stage
from lab.report.evidence.attestations import FOLDER
from lab.report.evidence.baseline import Baseline
from lab.report.evidence.gathered import gather
from lab.report.evidence.report_history import append_summary, summarise
from lab.report.judge.readiness import Scope, build_readiness
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
    baseline: Baseline,
    stage: Stage,
    attestations: Path = FOLDER,
    release_date: date | None = None,
    generated: datetime | None = None,
) -> Published:
    """Write `results/readiness/`, and add a line to the history of reports. Bad evidence never raises."""
    now = generated or datetime.now(UTC)
    evidence = gather(
        results,
        folders,
        catalogue,
        now=now,
        attestations=attestations,
        contract_sha256=baseline.contract_sha256,
    )
    report = build_readiness(catalogue, evidence, Scope(stage, now, baseline, release_date))
    page = write_readiness(report, results / "readiness", results=results)
    append_summary(results, evidence.past, summarise(report))
    return Published(report, page)
