"""Builds the readiness report: every row of the catalogue judged by recorded evidence, and what follows from that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain, islice

from lab.evidence.newest import moment_of
from lab.html.text import clean
from lab.model.checks import check_name
from lab.report.catalogue.claims import unmatched_claims
from lab.report.catalogue.rows import STAGES, Catalogue, Row, Stage
from lab.report.evidence.baseline import Baseline
from lab.report.evidence.figures import Figure
from lab.report.evidence.gathered import Gathered
from lab.report.evidence.mutation_counts import Mutation
from lab.report.evidence.report_history import ReportSummary
from lab.report.evidence.runs import Run
from lab.report.judge.commands import Commands
from lab.report.judge.comparison import row_history, with_comparisons
from lab.report.judge.contradictions import contradictions
from lab.report.judge.criteria import evaluate
from lab.report.judge.decision import counts_of, decide
from lab.report.judge.deployment_opinions import deployment_opinions
from lab.report.judge.expiry import expiring
from lab.report.judge.figure_opinions import opinions_of
from lab.report.judge.path_to_go import path_to_go
from lab.report.judge.proportions import rejudge
from lab.report.judge.provenance import provenance
from lab.report.judge.row_judge import judge
from lab.report.records.report import Readiness
from lab.report.records.row_result import Opinion, RowResult
from lab.report.records.row_verdict import RowVerdict

MAX_NOTES = 40


@dataclass(frozen=True, slots=True)
class Scope:
    """What a report is asked: for which stage and release, at what time, against what is in force; where it is read."""

    stage: Stage
    generated: datetime
    baseline: Baseline
    release_date: date | None = None
    commands: Commands = field(default_factory=Commands)


def build_readiness(catalogue: Catalogue, evidence: Gathered, scope: Scope) -> Readiness:
    """Judge the catalogue by the evidence; of several runs of one item the worst counts.

    Evidence of something else than the scope's baseline is STALE.
    """
    measurements = rejudge(evidence.figures)
    derived, measured, criteria = evaluate(evidence.folders, evidence.runs, measurements, scope.baseline)
    rows = _rows(catalogue, evidence, scope, [*measurements, *derived])
    problems = _unattributed(evidence.runs, rows)
    stages = tuple(decide(name, rows, problems) for name in STAGES)
    report = Readiness(
        document=catalogue.document,
        under_test=scope.baseline.under_test,
        generated=scope.generated.isoformat(timespec="seconds"),
        stage=scope.stage,
        decision=next(decision.decision for decision in stages if decision.stage == scope.stage),
        release_date=str(scope.release_date) if scope.release_date else None,
        stages=stages,
        counts=counts_of(rows),
        path_to_go=path_to_go(scope.stage, rows, scope.commands),
        expiring=expiring(rows, evidence.statements, scope.release_date) if scope.release_date else (),
        criteria=criteria(rows),
        measured=measured.model_copy(
            update={
                "mutation": evidence.mutation.counts,
                "rates": evidence.rates,
                "detection": evidence.detection,
            }
        ),
        contradictions=tuple(contradictions(catalogue, rows)),
        problems=problems,
        notes=tuple(islice(chain(_lacking(rows), _notes(catalogue, evidence)), MAX_NOTES)),
        provenance=provenance(evidence.runs, scope.baseline),
        rows=tuple(rows),
    )
    return with_comparisons(report, evidence.past)


def _rows(catalogue: Catalogue, evidence: Gathered, scope: Scope, figures: Sequence[Figure]) -> list[RowResult]:
    opinions = opinions_of(figures, {row.id: row for row in catalogue.rows}, scope.baseline)
    moments = {clean(run.folder, 400): moment_of(run.made.started) for run in evidence.runs}
    rows = []
    for row in catalogue.rows:
        statements = [statement for statement in evidence.statements if statement.row == row.id]
        live = deployment_opinions(row, evidence.deployments, scope.baseline)
        measured = opinions.get(row.id, [])
        measured = [*measured, *_unread(row, evidence, measured)]
        judged = judge(row, evidence.runs, scope.baseline, figures=measured, statements=statements, live=live)
        judged = _with_mutants(judged, evidence.mutation)
        rows.append(_with_time(judged, moments, evidence.past, scope.generated))
    return rows


def _unread(row: Row, evidence: Gathered, measured: Sequence[Opinion]) -> list[Opinion]:
    """Measurements of which nobody knows what they said of the row; of a load where no other one says anything."""
    command = row.measured_by or ""
    return [
        Opinion(RowVerdict.UNKNOWN, reason)
        for unread, reason in evidence.unread
        if command == unread or (not measured and command.startswith(f"{unread} "))
    ]


def _with_mutants(row: RowResult, mutants: Mutation) -> RowResult:
    """The checks of its proofs that caught mutants show that it can fail."""
    checks = [name for name in row.checks if mutants.by_check.get(name)]
    caught = tuple(f"{check_name(name)} caught {mutants.by_check[name]} mutants" for name in checks)
    return row.model_copy(update={"can_fail": row.can_fail + caught})


def _with_time(
    row: RowResult, moments: Mapping[str, datetime | None], past: Sequence[ReportSummary], now: datetime
) -> RowResult:
    started = [moment for shown in row.evidence if (moment := moments.get(shown.folder)) is not None]
    age = round(max(0.0, (now - min(started)).total_seconds()) / 3600, 1) if started else None
    history = row_history(past, row.id, now.isoformat(timespec="seconds"), row.verdict)
    return row.model_copy(update={"age_hours": age, "history": history})


def _lacking(rows: Sequence[RowResult]) -> Iterator[str]:
    """Each part that the contract lacks, with the open rows that could not be looked at without it."""
    needed: dict[str, dict[str, None]] = {}
    for row in rows:
        for part in (part for shown in row.evidence for part in shown.lacks if row.is_open):
            needed.setdefault(part, {})[row.id] = None
    for part, ids in needed.items():
        yield f"the contract lacks {part}: {', '.join(sorted(ids))} need{'s' if len(ids) == 1 else ''} it"


def _notes(catalogue: Catalogue, evidence: Gathered) -> Iterator[str]:
    """What was passed over: statements that do not count, and rows that runs claim in vain."""
    for statement in evidence.statements:
        if statement.problem:
            yield f"attestation {clean(statement.file, 120)} does not count: {statement.problem}"
    claims = [{"scenario_file": run.made.scenario_file, "rows": run.made.rows} for run in evidence.runs]
    for problem in unmatched_claims(catalogue, claims):
        yield f"{clean(problem.file, 200)}: {problem.message}"
    yield from evidence.notes


def _unattributed(runs: Sequence[Run], rows: Sequence[RowResult]) -> tuple[str, ...]:
    """Broken evidence that no row shows must still be seen, and keeps a stage from GO."""
    shown = {evidence.folder for row in rows for evidence in row.evidence}
    return tuple(
        f"{clean(run.folder, 200)}: {'; '.join(run.problems)}"
        for run in runs
        if run.problems and clean(run.folder, 400) not in shown
    )
