"""Everything on record that a report may rest on, read in one go. Bad evidence never raises: it is noted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from lab.evidence.in_force import InForce
from lab.evidence.projects import projects_of
from lab.report.catalogue.rows import Catalogue
from lab.report.evidence.attestations import Statement, load_statements
from lab.report.evidence.deployments import Deployments, read_deployments
from lab.report.evidence.detection import read_detection
from lab.report.evidence.figures import Figure, read_figures
from lab.report.evidence.load_series import read_series
from lab.report.evidence.mutation_counts import Mutation, read_mutation
from lab.report.evidence.report_history import ReportSummary, read_summaries
from lab.report.evidence.runs import Run, read_run
from lab.report.records.folder import Folder
from lab.report.records.measured import Detection, RatePoint


@dataclass(frozen=True, slots=True)
class Gathered:
    """`runs` in the order of their folders, `past` oldest first; `notes` say what could not be read.

    `unread` are commands of which measurements are there and cannot be read, each with the reason.
    """

    folders: tuple[Folder, ...]
    runs: tuple[Run, ...]
    statements: tuple[Statement, ...] = ()
    figures: tuple[Figure, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    past: tuple[ReportSummary, ...] = ()
    mutation: Mutation = field(default_factory=Mutation)
    rates: tuple[RatePoint, ...] = ()
    detection: Detection | None = None
    deployments: Deployments = ()
    notes: tuple[str, ...] = ()


def gather(
    results: Path,
    folders: Iterable[Folder],
    catalogue: Catalogue,
    *,
    now: datetime,
    attestations: Path,
    in_force: InForce,
) -> Gathered:
    """`results` is the results folder, `attestations` the folder of what people answer for.

    What was measured with something else than is `in_force` stands back, as the `folders` given do.
    """
    given = tuple(folders)
    figures, unread = read_figures(results, now, in_force)
    past, forgotten = read_summaries(results)
    mutation, unclear = read_mutation(results, in_force)
    detection, blurred = read_detection(results)
    deployments, unreadable = read_deployments(results)
    rows = {row.id: row for row in catalogue.rows}
    runs = read_runs(given, results, now)
    return Gathered(
        folders=given,
        runs=runs,
        statements=tuple(load_statements(attestations, rows, now.date(), in_force.contract_sha256)),
        figures=tuple(figures),
        unread=tuple(unread),
        past=tuple(past),
        mutation=mutation,
        rates=read_series(results, in_force),
        detection=detection,
        deployments=deployments,
        notes=(*_of_several(runs), *(reason for _, reason in unread), *forgotten, *unclear, *blurred, *unreadable),
    )


def _of_several(runs: Iterable[Run]) -> Iterator[str]:
    projects = len(set(projects_of(run.made.project for run in runs).values()))
    if projects > 1:
        yield f"the evidence is of {projects} projects, all of it counts: give each its own --results"


def read_runs(folders: Iterable[Folder], results: Path | None, now: datetime) -> tuple[Run, ...]:
    """In the order of their names."""
    return tuple(sorted((read_run(folder, results, now) for folder in folders), key=lambda run: run.folder))
