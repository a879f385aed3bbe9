"""One seed from its drawing to its outcome: faults that never acted are drawn again, a failing case is shrunk."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from lab.bounded_files import write_atomically
from lab.explore.bench import Bench
from lab.explore.swarm.case import Document, Drawing, draw, drawn_contract, fault_number, to_text
from lab.explore.swarm.shrink import Shrunk, shrink
from lab.explore.swarm.trial import Trial, try_case
from lab.model.checks import check_name
from lab.model.verdict import Verdict

FOLDER = "swarm"
Name = Annotated[str, Field(max_length=100)]


@dataclass(frozen=True, slots=True)
class SeedOutcome:
    """What came of a seed. `minimal` is the text of the smallest case that still fails, None where nothing failed."""

    seed: int
    verdict: Verdict
    reasons: tuple[str, ...]
    failed: tuple[Name, ...]
    faults: tuple[Name, ...]
    digest: str
    runs: int
    simulated_s: float
    duration_s: float
    minimal: str | None = None
    shrunk: Shrunk | None = None


def not_run(seed: int, why: str) -> SeedOutcome:
    """A seed of which nothing is known."""
    return SeedOutcome(seed, Verdict.UNKNOWN, (f"not run: {why}",), (), (), "", 0, 0.0, 0.0)


def explore_seed(bench: Bench, seed: int) -> SeedOutcome:
    """Draw, run, draw idle faults again; on a FAIL find the smallest case that fails the same check."""
    begin = time.monotonic()
    document, trial, runs = _draw_and_try(bench, seed)
    minimal: str | None = None
    shrunk: Shrunk | None = None
    if trial.verdict is Verdict.FAIL:
        check = trial.failed[0]
        shrunk = shrink(document, lambda candidate: check in try_case(bench, candidate, str(seed)).failed)
        minimal = to_text(_described(shrunk.document, check, trial))
        runs += shrunk.runs
    return SeedOutcome(
        seed=seed,
        verdict=trial.verdict,
        reasons=trial.reasons,
        failed=trial.failed,
        faults=trial.faults,
        digest=trial.digest,
        runs=runs,
        simulated_s=trial.simulated_s,
        duration_s=time.monotonic() - begin,
        minimal=minimal,
        shrunk=shrunk,
    )


def _draw_and_try(bench: Bench, seed: int) -> tuple[Document, Trial, int]:
    """The last drawing and what came of it. A FAIL counts at once, whether the faults acted or not."""
    drawing = Drawing(seed, contract=drawn_contract(bench.suite.target))
    runs = 0
    while True:
        document = draw(drawing)
        trial = try_case(bench, document, str(seed))
        runs += 1
        idle = _idle(document, trial)
        if trial.verdict is Verdict.FAIL or not idle:
            return document, trial, runs
        for number in idle:
            drawing = drawing.again(number)


def _idle(document: Document, trial: Trial) -> list[int]:
    """The faults to draw again: those that never acted; where the lab could not run the case at all, every one."""
    ids = trial.idle_faults
    if trial.broke:
        ids = tuple(step["id"] for step in document["timeline"] if "fault" in step)
    return [number for number in map(fault_number, ids) if number is not None]


def _described(document: Document, check: str, trial: Trial) -> Document:
    name = check_name(check)
    reason = next((reason for reason in trial.reasons if reason.startswith(f"{name}:")), "")
    return document | {
        "name": f"{name} fails (swarm seed {document['seed']}, shrunk)",
        "description": f"Found by the swarm. As drawn: {reason[:400]}",
    }


def write_minimal(results: Path, outcome: SeedOutcome) -> Path:
    """Write the minimal case to results/swarm/<seed>.yaml."""
    path = results / FOLDER / f"{outcome.seed}.yaml"
    write_atomically(path, outcome.minimal or "")
    return path
