"""One call that turns a results folder into a whole report: reads, judges, compares, writes, and remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.report.catalogue.rows import Catalogue
from lab.report.causes.find import find_causes
from lab.report.causes.page import write_causes
from lab.report.evidence.attestations import FOLDER
from lab.report.evidence.gathered import gather
from lab.report.evidence.report_history import append_summary, summarise
from lab.report.judge.readiness import Scope, build_readiness
from lab.report.readiness_page.files import write_readiness
from lab.report.records.cause import CauseReport
from lab.report.records.folder import Folder
from lab.report.records.report import Readiness


@dataclass(frozen=True, slots=True)
class Published:
    """The report and its page, and the causes of the failures in its evidence, whose page lies beside it."""

    report: Readiness
    page: Path
    causes: CauseReport


def publish(
    results: Path,
    folders: Sequence[Folder],
    *,
    catalogue: Catalogue,
    scope: Scope,
    attestations: Path = FOLDER,
) -> Published:
    """Write `results/readiness/` and add a line to the history of reports. Bad evidence never raises."""
    evidence = gather(
        results,
        folders,
        catalogue,
        now=scope.generated,
        attestations=attestations,
        in_force=scope.baseline.in_force,
    )
    report = build_readiness(catalogue, evidence, scope)
    page = write_readiness(report, results / "readiness", results=results)
    causes = find_causes(results, folders, "the evidence that counts")
    write_causes(causes, page.parent, results)
    append_summary(results, evidence.past, summarise(report))
    return Published(report, page, causes)
