"""Builds the readiness report: every row of the catalogue judged by recorded evidence, and what follows from that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from lab.html.text import clean
from lab.report.catalogue.claims import unmatched_claims
from lab.report.catalogue.rows import STAGES, Catalogue, Stage
from lab.report.evidence.attestations import Statement, load_statements
from lab.report.evidence.baseline import Current
from lab.report.evidence.figures import Figure
from lab.report.evidence.mutation_counts import Mutation
from lab.report.evidence.runs import Run, read_run
from lab.report.judge.criteria import evaluate
from lab.report.judge.decision import counts_of, decide, rows_word
from lab.report.judge.expiry import expiring
from lab.report.judge.figure_opinions import opinions_of
from lab.report.judge.path_to_go import path_to_go
from lab.report.judge.proportions import judged_again
from lab.report.judge.report_history import Past, compare, in_short, row_history, trend
from lab.report.judge.row_judge import judge
from lab.report.records.folder import Folder
from lab.report.records.measured import RatePoint
from lab.report.records.report import Contradiction, Provenance, Readiness
from lab.report.records.row_result import RowResult
from lab.report.records.row_verdict import SETTLED, RowVerdict

MAX_NOTES = 40


def build_readiness(
    catalogue: Catalogue,
    folders: Iterable[Folder],
    *,
    contract_sha256: str | None,
    stage: Stage = "mainnet",
    results: Path | None = None,
    generated: datetime | None = None,
    current: Current | None = None,
    attestations: Path | None = None,
    figures: Sequence[Figure] = (),
    past: Sequence[Past] = (),
    release_date: date | None = None,
    notes: Sequence[str] = (),
    mutation: Mutation | None = None,
    series: Sequence[RatePoint] = (),
) -> Readiness:
    """Judge the catalogue by all of `folders`; of several runs of one item the worst counts.

    Bad evidence never raises, it is reported. `contract_sha256` is the bytecode that would ship: evidence of another
    one is STALE, as is what `current` says is made by something else. `results` is the results folder, by default two
    levels above each run. `figures` are measurements of load runs. `past` are the reports so far, oldest first.
    """
    now = generated or datetime.now(UTC)
    moment = now.isoformat(timespec="seconds")
    in_force = replace(current or Current(), contract_sha256=contract_sha256)
    known = {row.id: row for row in catalogue.rows}
    given = list(folders)
    runs = sorted((read_run(folder, results, now) for folder in given), key=lambda run: run.folder)
    said = load_statements(attestations, known, now.date(), contract_sha256) if attestations is not None else []
    loaded = judged_again(figures)
    derived, measured, criteria = evaluate(given, runs, loaded, in_force)
    opinions = opinions_of([*loaded, *derived], known, in_force)
    rows = [
        judge(
            row,
            runs,
            in_force,
            figures=opinions.get(row.id, ()),
            statements=[statement for statement in said if statement.row == row.id],
        )
        for row in catalogue.rows
    ]
    mutants = mutation or Mutation()
    rows = [_with_mutants(row, mutants) for row in rows]
    started = {clean(run.folder, 400): run.moment for run in runs}
    rows = [_with_time(row, started, past, now) for row in rows]
    problems = _unattributed(runs, rows)
    stages = tuple(decide(name, rows, problems) for name in STAGES)
    report = Readiness(
        document=catalogue.document,
        generated=moment,
        stage=stage,
        decision=next(decision.decision for decision in stages if decision.stage == stage),
        release_date=str(release_date) if release_date else None,
        stages=stages,
        counts=counts_of(rows),
        path_to_go=path_to_go(stage, rows),
        expiring=expiring(rows, said, release_date) if release_date else (),
        criteria=criteria(rows),
        measured=measured.model_copy(update={"mutation": mutants.counts, "rates": tuple(series)}),
        contradictions=tuple(_contradictions(catalogue, rows)),
        problems=problems,
        notes=tuple([*_notes(catalogue, runs, said), *notes][:MAX_NOTES]),
        provenance=_provenance(runs, in_force),
        rows=tuple(rows),
    )
    return _beside_the_past(report, past)


def _beside_the_past(report: Readiness, past: Sequence[Past]) -> Readiness:
    same_stage = [each for each in past if each.stage == report.stage]
    last = same_stage[-1] if same_stage else None
    go = next((each for each in reversed(same_stage) if each.decision == "GO"), None)
    return report.model_copy(
        update={
            "since_last": compare(last, report) if last else None,
            "since_go": compare(go, report) if go else None,
            "trend": trend(past, in_short(report)),
        }
    )


def _with_mutants(row: RowResult, mutants: Mutation) -> RowResult:
    checks = dict.fromkeys(name for proof in row.proofs for name in proof.check)
    caught = tuple(f"{name} caught {mutants.by_check[name]} mutants" for name in checks if mutants.by_check.get(name))
    return row.model_copy(update={"can_fail": row.can_fail + caught}) if caught else row


def _with_time(
    row: RowResult, moments: Mapping[str, datetime | None], past: Sequence[Past], now: datetime
) -> RowResult:
    started = [moment for found in row.evidence if (moment := moments.get(found.folder)) is not None]
    age = round(max(0.0, (now - min(started)).total_seconds()) / 3600, 1) if started else None
    history = row_history(past, row.id, now.isoformat(timespec="seconds"), row.verdict)
    return row.model_copy(update={"age_hours": age, "history": history})


def _notes(catalogue: Catalogue, runs: Sequence[Run], said: Sequence[Statement]) -> Iterable[str]:
    """What was passed over: statements that do not count, and rows that runs claim in vain."""
    for statement in said:
        if statement.problem:
            yield f"attestation {clean(statement.file, 120)} does not count: {statement.problem}"
    claims = [{"scenario_file": run.scenario, "rows": run.rows} for run in runs]
    for problem in unmatched_claims(catalogue, claims):
        yield f"{clean(problem.file, 200)}: {problem.message}"


def _unattributed(runs: Sequence[Run], rows: Sequence[RowResult]) -> tuple[str, ...]:
    """Broken evidence that no row shows must still be seen, and keeps a stage from GO."""
    shown = {evidence.folder for row in rows for evidence in row.evidence}
    return tuple(
        f"{clean(run.folder, 200)}: {'; '.join(run.problems)}"
        for run in runs
        if run.problems and clean(run.folder, 400) not in shown
    )


def _contradictions(catalogue: Catalogue, rows: Sequence[RowResult]) -> Iterable[Contradiction]:
    ticked = [row for row in rows if row.claimed]
    refuted = [row for row in ticked if row.verdict is RowVerdict.FAIL]
    unproven = [row for row in ticked if row.verdict not in SETTLED and row not in refuted]
    if refuted:
        yield Contradiction(
            id="ticked-but-failing",
            rows=tuple(row.id for row in refuted),
            stated=f"{len(refuted)} {rows_word(len(refuted))} ticked as done",
            found="the evidence says FAIL",
        )
    if unproven:
        yield Contradiction(
            id="ticked-without-evidence",
            rows=tuple(row.id for row in unproven),
            stated=f"{len(unproven)} {rows_word(len(unproven))} ticked as done",
            found="no valid evidence is on record: " + _verdicts(unproven),
        )
    items = [row for row in rows if row.kind == "item"]
    done = sum(row.claimed for row in items)
    if catalogue.summary and (catalogue.summary.done, catalogue.summary.total) != (done, len(items)):
        yield Contradiction(
            id="summary-miscounts",
            rows=(),
            stated=f"the summary table says {catalogue.summary.done}/{catalogue.summary.total} items completed",
            found=f"the document holds {len(items)} checkboxes, {done} of them ticked: {done}/{len(items)}",
        )
    for fact in catalogue.facts:
        yield Contradiction(id=fact.id, rows=fact.rows, stated=fact.stated, found=fact.found)


def _verdicts(rows: Sequence[RowResult]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in counts_of(rows).items())


def _provenance(runs: Sequence[Run], current: Current) -> Provenance:
    names = sorted({name for run in runs for name in run.versions})[:20]
    started = sorted(run.started for run in runs if run.started)
    return Provenance(
        contract_sha256=current.contract_sha256,
        lab_commit=current.lab_commit,
        lab_version=current.lab_version,
        contracts=_values(run.contract_sha256 for run in runs),
        compilers=_values(run.compiler for run in runs),
        lab_commits=_values(run.commit for run in runs),
        dirty=any(run.dirty is not False for run in runs),
        backends=_values(run.backend for run in runs),
        nodes=_values(run.node for run in runs),
        clocks=_values(run.clock for run in runs),
        seeds=_values(run.seed for run in runs)[:20],
        hosts=_values(run.host for run in runs),
        versions={clean(name, 40): _values(run.versions.get(name) for run in runs) for name in names},
        runs=len(runs),
        first_started=clean(started[0], 40) if started else None,
        last_started=clean(started[-1], 40) if started else None,
    )


def _values(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({clean(value, 80) for value in values if value}))
