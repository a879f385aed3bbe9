"""Which faults acted in which phase of a flow: what the lab has tried, and how the runs ended."""

from __future__ import annotations

from collections.abc import Sequence

from lab.errors import LabError
from lab.model.effects import steps
from lab.model.history import History
from lab.model.records import FaultMark
from lab.model.verdict import Verdict
from lab.report.evidence.runs import Run
from lab.report.records.folder import Folder
from lab.report.records.measured import Cell

PHASES = ("before buffering", "buffered", "ready", "after the end")


def faults_by_phase(folders: Sequence[Folder], runs: Sequence[Run]) -> tuple[Cell, ...]:
    """One cell for each kind of fault and phase that occurred. A phase is that of the leg least far on."""
    verdicts = {run.path: run.verdict.verdict for run in runs if run.verdict is not None and run.faults}
    counts: dict[tuple[str, str], list[int]] = {}
    for folder in folders:
        if folder.path not in verdicts:
            continue
        try:
            history = folder.history()
        except (LabError, OSError, ValueError):
            continue
        for key in dict.fromkeys(_cells(history)):
            entry = counts.setdefault(key, [0, 0])
            entry[0] += 1
            entry[1] += verdicts[folder.path] is not Verdict.PASS
    return tuple(
        Cell(fault=fault, phase=phase, runs=runs_and_failed[0], failed=runs_and_failed[1])
        for (fault, phase), runs_and_failed in sorted(
            counts.items(), key=lambda entry: (entry[0][0], PHASES.index(entry[0][1]))
        )
    )


def _cells(history: History) -> list[tuple[str, str]]:
    progress = _progress(history)
    marks: list[FaultMark] = history.of(FaultMark)
    cells = []
    for mark in marks:
        if mark.phase != "inject":
            continue
        ends = [other.t_ms for other in marks if other.id == mark.id and other.phase == "heal"]
        end = max(ends, default=history.end_ms)
        phases = {_phase(progress, mark.t_ms), _phase(progress, end)}
        phases |= {_phase(progress, t_ms) for times in progress for t_ms in times if t_ms and mark.t_ms <= t_ms <= end}
        cells += [(mark.fault, phase) for phase in PHASES if phase in phases]
    return cells


def _progress(history: History) -> list[tuple[int | None, int | None, int | None]]:
    """For each declared leg, when it was buffered, READY, and at its end on its own chain."""
    seen: dict[tuple[str, str], list[int | None]] = {}
    for chain in history.header.chains:
        for step in steps(history, chain):
            if step.tx_id is None or not step.ok:
                continue
            entry = seen.setdefault((chain, step.tx_id), [None, None, None])
            if step.log("TransactionBuffered"):
                entry[0] = entry[0] or step.block.t_ms
            if step.log("TransactionReady"):
                entry[1] = entry[1] or step.block.t_ms
            if step.function in ("mark_executed", "mark_failed", "expire_transaction"):
                entry[2] = entry[2] or step.block.t_ms
    legs = history.header.legs
    stages = [seen.get((leg.chain, leg.tx_id), [None, None, None]) for leg in legs]
    return [(entry[0], entry[1], entry[2]) for entry in stages]


def _phase(progress: list[tuple[int | None, int | None, int | None]], t_ms: int) -> str:
    stages = [sum(moment is not None and moment <= t_ms for moment in times) for times in progress]
    return PHASES[min(stages, default=0)]
