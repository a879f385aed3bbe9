"""Builds the readiness report: every row of the catalogue judged by recorded evidence, and what follows from that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from lab.html.text import clean
from lab.report.decision import counts_of, decide, rows_word
from lab.report.folder import Folder
from lab.report.judging import judge
from lab.report.reading import Run, read_run
from lab.report.rows import STAGES, Catalogue, Stage
from lab.report.verdicts import (
    SETTLED,
    Contradiction,
    Provenance,
    Readiness,
    RowResult,
    RowVerdict,
)


def build_readiness(
    catalogue: Catalogue,
    folders: Iterable[Folder],
    *,
    contract_sha256: str | None,
    stage: Stage = "mainnet",
    results: Path | None = None,
    generated: datetime | None = None,
) -> Readiness:
    """Judge the catalogue by all of `folders`; of several runs of one item the worst counts.

    Bad evidence never raises, it is reported. `contract_sha256` is the bytecode that would ship: evidence of another
    one is STALE. `results` is the results folder, by default two levels above each run. `generated` is now by default.
    """
    now = generated or datetime.now(UTC)
    runs = sorted((read_run(folder, results, now) for folder in folders), key=lambda run: run.folder)
    rows = tuple(judge(row, runs, contract_sha256) for row in catalogue.rows)
    problems = _unattributed(runs, rows)
    stages = tuple(decide(name, rows, problems) for name in STAGES)
    return Readiness(
        document=catalogue.document,
        generated=now.isoformat(timespec="seconds"),
        stage=stage,
        decision=next(decision.decision for decision in stages if decision.stage == stage),
        stages=stages,
        counts=counts_of(rows),
        contradictions=tuple(_contradictions(catalogue, rows)),
        problems=problems,
        provenance=_provenance(runs, contract_sha256),
        rows=rows,
    )


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


def _provenance(runs: Sequence[Run], contract_sha256: str | None) -> Provenance:
    names = sorted({name for run in runs for name in run.versions})[:20]
    started = sorted(run.started for run in runs if run.started)
    return Provenance(
        contract_sha256=contract_sha256,
        contracts=_values(run.contract_sha256 for run in runs),
        lab_commits=_values(run.commit for run in runs),
        dirty=any(run.dirty is not False for run in runs),
        backends=_values(run.backend for run in runs),
        clocks=_values(run.clock for run in runs),
        versions={clean(name, 40): _values(run.versions.get(name) for run in runs) for name in names},
        runs=len(runs),
        first_started=clean(started[0], 40) if started else None,
        last_started=clean(started[-1], 40) if started else None,
    )


def _values(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({clean(value, 80) for value in values if value}))
