"""Runs one case and says what came out: the checks that failed, what stayed unknown, the faults that never acted."""

from __future__ import annotations

from dataclasses import dataclass

from lab.bounded_files import write_atomically
from lab.checks import CHECKS
from lab.errors import LabError
from lab.explore.bench import Bench
from lab.explore.swarm.case import Document, to_text
from lab.model.records import FaultMark
from lab.model.verdict import Verdict
from lab.scenario.resolve import load_scenario


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one case. `failed` are the checks that failed; `broke` is set where the lab could not run it."""

    verdict: Verdict
    failed: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    idle_faults: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    digest: str = ""
    simulated_s: float = 0.0
    broke: bool = False


def try_case(bench: Bench, document: Document, name: str) -> Trial:
    """Run it. The file's name decides the transaction ids, so it must be the one that is written in the end."""
    folder = bench.folder / "case"
    path = folder / f"{name}.yaml"
    write_atomically(path, to_text(document))
    (item,) = load_scenario(path, known_checks=CHECKS)
    try:
        # How a leg ends is open in a drawn case, and so is how an operation ends: the invariants alone judge it.
        result = bench.run(item, expectations=False)
    except LabError as error:
        return Trial(
            Verdict.UNKNOWN, reasons=(f"the lab could not run it: {type(error).__name__}: {error}",), broke=True
        )
    history, judged = result.history, result.verdict
    marks = [mark for mark in history.of(FaultMark) if mark.phase == "heal"]
    return Trial(
        verdict=judged.verdict,
        failed=tuple(judged.failed_checks),
        reasons=judged.reasons,
        idle_faults=tuple(mark.id for mark in marks if mark.activations == 0),
        faults=tuple(mark.fault for mark in marks),
        digest=result.digest,
        simulated_s=history.end_ms / 1000,
    )
