"""What the evidence of a report was made with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.html.text import clean
from lab.report.evidence.baseline import Baseline
from lab.report.evidence.runs import Run
from lab.report.records.report import Provenance


def provenance(runs: Sequence[Run], baseline: Baseline) -> Provenance:
    """Over all runs; several values where they differ."""
    names = sorted({name for run in runs for name, version in run.made.versions.items() if version})[:20]
    started = sorted(run.made.started for run in runs if run.made.started)
    return Provenance(
        contract_sha256=baseline.contract_sha256,
        lab_commit=baseline.lab_commit,
        lab_version=baseline.lab_version,
        contracts=_values(run.made.contract.bytecode_sha256 for run in runs),
        compilers=_values(run.made.contract.compiler for run in runs),
        lab_commits=_values(run.made.lab.commit for run in runs),
        dirty=any(run.made.lab.dirty is not False for run in runs),
        backends=_values(run.made.backend.name for run in runs),
        nodes=_values(run.node for run in runs),
        clocks=_values(run.made.clock for run in runs),
        seeds=_values(None if run.made.seed is None else str(run.made.seed)[:40] for run in runs)[:20],
        hosts=_values(run.host for run in runs),
        versions={clean(name, 40): _values(run.made.versions.get(name) for run in runs) for name in names},
        runs=len(runs),
        first_started=clean(started[0], 40) if started else None,
        last_started=clean(started[-1], 40) if started else None,
    )


def _values(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({clean(value, 80) for value in values if value}))
