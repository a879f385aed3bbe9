"""What a worker process keeps: a process backend with its reaper, the contract under test, a folder for evidence.

A worker chooses the contract itself, in its own working folder, for it may be on another machine.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.deploy.deployer import Deployable
from lab.explore.journal import made_with
from lab.owner import make_directory
from lab.runner.run import Run
from lab.runner.runner import Options, Result, run_item
from lab.scenario.item import ScenarioItem
from lab.session.suite import Suite, open_suite
from lab.session.under_test import VIRTUAL, SystemUnderTest, system_under_test


@dataclass(frozen=True, slots=True)
class Bench:
    """Runs items one after the other; nothing of a run is kept but what the caller takes from its result."""

    suite: Suite
    folder: Path

    def run(
        self,
        item: ScenarioItem,
        *,
        target: Deployable | None = None,
        play: Callable[[Run], None] | None = None,
        samples_only: bool = False,
        expectations: bool = True,
    ) -> Result:
        """One run, in a fresh folder of evidence; the last two as in `Options`. Raises LabError."""
        folder = self.folder / "run"
        shutil.rmtree(folder, ignore_errors=True)
        suite = self.suite
        reason, target = "worker processes run their own nodes", target or suite.target
        options = Options(
            suite.backend, reason, target, suite.run_id, samples_only=samples_only, expectations=expectations
        )
        return run_item(item, options, folder, "", play)

    def close(self) -> None:
        self.suite.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def open_bench(run_id: str, system: SystemUnderTest) -> Bench:
    """The backend is always `process`: nothing else starts and stops nodes as fast. The relayer is the reference.

    What the contract bounds and `lab.yaml` leaves out is learnt first, as in every session.
    """
    suite = open_suite(run_id=run_id, backend="process", image=None, system=system, smoke=True)
    folder = make_directory("explore")
    suite.reaper.watch_dir(folder)
    return Bench(suite, folder)


def tried(run_id: str, system: SystemUnderTest) -> list[str]:
    """What of the contract never succeeds, and what the project maps wrongly. Raises a LabError."""
    suite = open_suite(run_id=run_id, backend="process", image=None, system=system, smoke=True)
    try:
        return suite.trouble()
    finally:
        suite.close()


def explored_system(contract: Path | None, beside: Iterable[Path] = ()) -> SystemUnderTest:
    """The system whose runs are explored: the reference relayer always takes part, for the clock is virtual."""
    return system_under_test(contract=contract, relayer_cmd=None, beside=beside).with_reference_relayer(VIRTUAL)


@dataclass(frozen=True, slots=True)
class BenchOpener:
    """Opens a worker's bench; `contract` is as the command line has it."""

    run_id: str
    contract: Path | None

    def __call__(self) -> Bench:
        return open_bench(self.run_id, explored_system(self.contract))

    def made_with(self, bench: Bench, _: object) -> dict[str, str]:
        """The versions there."""
        return made_with(bench.suite.target)
