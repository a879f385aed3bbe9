"""One history per scenario and seed: again, in another order, in another process, on another backend."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.chains.nodes.backend import Backend
from lab.chains.nodes.docker import DockerBackend
from lab.chains.nodes.process import ProcessBackend
from lab.checks import CHECKS
from lab.deploy.deployer import Deployable
from lab.model.history import History
from lab.model.records import FaultMark, Reorg, Submit
from lab.runner.runner import Options, Result, run_item
from lab.scenario.resolve import load_scenario

ROOT = Path(__file__).resolve().parents[3]
CALM = ROOT / "scenarios" / "dependencies" / "single_dependency.yaml"
FAULTY = Path(__file__).with_name("faulty.yaml")

FRESH = """
import sys
from pathlib import Path
from lab.chains.nodes.process import ProcessBackend
from lab.checks import CHECKS
from lab.deploy.compile import compile_contract
from lab.deploy.deployer import deployable
from lab.runner.runner import Options, run_item
from lab.scenario.resolve import load_scenario
from lab.paths import REFERENCE_CONTRACT
from lab.session.suite import cache_folder
from tests.compiling import compile_once

target = deployable(compile_once(REFERENCE_CONTRACT))
backend = ProcessBackend()
options = Options(backend=backend, backend_reason="test", target=target, run_id="another")
for number, path in enumerate(sys.argv[2:]):
    (item,) = load_scenario(Path(path), known_checks=CHECKS)
    print(run_item(item, options, Path(sys.argv[1]) / str(number), "other command").digest)
backend.close()
"""


class Runs:
    """Runs scenarios one after the other into folders of their own."""

    def __init__(self, folder: Path, target: Deployable) -> None:
        self._folder, self._target, self._count = folder, target, itertools.count()

    def __call__(self, path: Path, backend: Backend) -> Result:
        (item,) = load_scenario(path, known_checks=CHECKS)
        number = next(self._count)
        options = Options(backend=backend, backend_reason="test", target=self._target, run_id=f"run{number}")
        return run_item(item, options, self._folder / f"{number}", f"command {number}")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, reference: Deployable) -> Runs:
    return Runs(tmp_path_factory.mktemp("runs"), reference)


@pytest.fixture(scope="module")
def first(runs: Runs, shared_backend: ProcessBackend) -> dict[Path, Result]:
    """What everything else is compared with."""
    return {path: runs(path, shared_backend) for path in (CALM, FAULTY)}


def test_the_faulty_scenario_is_faulty(first: dict[Path, Result]) -> None:
    """Every fault acted, the relayer sent, a chain was reorganised: there was something to go astray."""
    history: History = first[FAULTY].history
    marks: list[FaultMark] = history.of(FaultMark)
    assert {mark.id: mark.activations > 0 for mark in marks if mark.phase == "heal"} == dict.fromkeys(
        ("slow", "flaky", "lost", "dear", "frozen", "swapped", "killed", "died"), True
    )
    outcomes = {submit.outcome for submit in history.of(Submit)}
    assert outcomes >= {"ok", "info"}
    assert history.of(Reorg)[0].requeued_txs != ()


def test_again_and_in_another_order(runs: Runs, first: dict[Path, Result], shared_backend: ProcessBackend) -> None:
    """Digest, verdict and metrics; what ran before has no say."""
    for path in (FAULTY, CALM):
        again = runs(path, shared_backend)
        assert again.digest == first[path].digest, difference(first[path], again)
        assert again.verdict.model_copy(update={"repeat": ""}) == first[path].verdict.model_copy(update={"repeat": ""})
        assert again.folder.metrics() == first[path].folder.metrics()


def test_in_a_fresh_process_with_other_hashes(first: dict[Path, Result], tmp_path: Path) -> None:
    """The order of sets is another there."""
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo"}
    done = subprocess.run(
        [sys.executable, "-c", FRESH, str(tmp_path), str(FAULTY), str(CALM)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == [first[FAULTY].digest, first[CALM].digest], done.stderr


def test_on_docker_as_in_processes(runs: Runs, first: dict[Path, Result], image: str) -> None:
    """The backend is not part of the history. Skipped, with the lab's own reason, where no engine answers."""
    backend = DockerBackend(image)
    try:
        for path in (CALM, FAULTY):
            docker = runs(path, backend)
            assert docker.digest == first[path].digest, difference(first[path], docker)
    finally:
        backend.close()


def test_another_seed_is_another_history(first: dict[Path, Result], runs: Runs, shared_backend: ProcessBackend,
                                         tmp_path: Path) -> None:  # fmt: skip
    """The seed is no decoration."""
    path = tmp_path / FAULTY.name
    path.write_text(FAULTY.read_text().replace("seed: 11", "seed: 12"))
    assert runs(path, shared_backend).digest != first[FAULTY].digest


def difference(one: Result, two: Result) -> str:
    """The first line that differs."""
    lines = [(result.folder.path / "history.jsonl").read_text().split("\n") for result in (one, two)]
    for number, (left, right) in enumerate(itertools.zip_longest(*lines), start=1):
        if left != right:
            return f"line {number}:\n{left}\n{right}"
    return "no line differs"
