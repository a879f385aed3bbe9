"""`--engine dask` on a cluster of 127.0.0.1 whose workers and scheduler are killed: a death costs one task at most."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from lab.errors import EnvironmentFailure
from lab.explore.bench import BenchOpener
from lab.explore.dask.cluster import ClusterLost
from lab.explore.dask.engine import DaskEngine
from lab.explore.journal import Journal
from lab.explore.processes import spread
from lab.explore.swarm.seed import SeedOutcome, explore_seed
from lab.model.verdict import Verdict
from lab.owner import RUN_VARIABLE, start_ticks

from . import toys
from .dask_cluster import DaskCluster, below, until
from .toys import VERSION, ToyOpener

pytestmark = [pytest.mark.reliability, pytest.mark.real_clock]
MADE = {"lab": "1", "contract": "Mine 1234"}
SEEDS = range(1, 5)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    """A scheduler alone."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    with closing(DaskCluster(folder)) as started:
        started.start_scheduler()
        yield started


def run(
    cluster: DaskCluster, folder: Path, job: Any, numbers: Any = range(9), **more: Any
) -> Generator[tuple[int, Any]]:
    """Tasks of a toy on the cluster."""
    folder.mkdir(exist_ok=True)
    return DaskEngine(cluster.address, "test", MADE)(numbers, ToyOpener(folder), job, **more)


def processes_in(folder: Path, kind: str) -> set[int]:
    """The processes that left such files."""
    return {int(path.name.rpartition("-")[2]) for path in folder.glob(f"{kind}-*")}


def test_every_death_costs_its_own_task_and_is_said(cluster: DaskCluster, tmp_path: Path) -> None:
    """One of a process, one of a whole worker, one that comes again; all benches are closed or dead in the end."""
    one, two = cluster.start_worker("one"), cluster.start_worker("two")
    squares = {number: number * number for number in range(9)}
    drawn: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(9):
            drawn.append(number)
            yield number

    outcomes: dict[int, Any] = {}
    for task, outcome in run(cluster, tmp_path / "a", toys.square, tasks()):
        outcomes[task] = outcome
        assert len(drawn) <= len(outcomes) + 2, "tasks are drawn when a worker is free"
    assert outcomes == squares
    assert len(processes_in(tmp_path / "a", "opened")) == 2
    assert processes_in(tmp_path / "a", "opened") == processes_in(tmp_path / "a", "closed")

    said: list[str] = []
    assert dict(run(cluster, tmp_path / "b", toys.die_once, notify=said.append, name="seed {}".format)) == squares
    died = sorted(text for text in said if "it is tried again" in text)
    assert [text.split(":")[0] for text in died] == ["seed 0", "seed 3", "seed 6"]
    assert all(re.search(r"its process on worker (one|two) \(tcp://127\.0\.0\.1:\d+\) died", text) for text in died)

    outcomes = dict(run(cluster, tmp_path / "c", toys.die_at_three, lost=lambda task, why: why))
    assert "tried twice; again its process on worker" in outcomes.pop(3)
    assert outcomes == {number: square for number, square in squares.items() if number != 3}
    with pytest.raises(EnvironmentFailure, match="3: tried twice"):
        list(run(cluster, tmp_path / "d", toys.die_at_three))

    said.clear()
    assert dict(run(cluster, tmp_path / "e", toys.kill_worker_once, notify=said.append)) == squares
    assert [text for text in said if re.match(r"3: worker (one|two) \(.*\) died .*it is tried again", text)], said
    assert {one.poll(), two.poll()} == {None, -signal.SIGKILL}
    until(lambda: not below(cluster.programs), "the end of all benches")


def test_a_worker_of_other_versions_is_refused_by_name(cluster: DaskCluster, tmp_path: Path) -> None:
    """The rest work on without it; where it is the only one, nothing is begun."""
    cluster.start_worker("old", **{VERSION: "0"})
    said: list[str] = []
    with pytest.raises(EnvironmentFailure, match="none of its workers can take part"):
        list(run(cluster, tmp_path / "a", toys.square, notify=said.append))
    assert [text for text in said if re.match(r"worker old \(.*\) cannot take part: lab 1 here and 0 there", text)]
    assert not processes_in(tmp_path / "a", "begun")
    cluster.start_worker("new")
    until(lambda: _outcomes_with(cluster, tmp_path / "b"), "work on the new worker alone")
    assert len(processes_in(tmp_path / "b", "begun")) == 1


def _outcomes_with(cluster: DaskCluster, folder: Path) -> bool:
    try:
        return len(list(run(cluster, folder, toys.square))) == 9
    except EnvironmentFailure:
        return False


def test_whoever_ends_early_leaves_nothing(cluster: DaskCluster, tmp_path: Path) -> None:
    """An iterator that is closed ends tasks under way; a scheduler that is killed is one error, and its workers end."""
    workers = [cluster.start_worker("one"), cluster.start_worker("two")]
    with closing(run(cluster, tmp_path / "a", toys.wait_but_for_nought, [0, 1, 2])) as running:
        assert next(running) == (0, 0)
        assert len(below(workers)) == 2
    until(lambda: not below(workers), "the end of all benches")

    with pytest.raises(ClusterLost, match=r"scheduler at tcp://127\.0\.0\.1:\d+ is gone"):
        list(run(cluster, tmp_path / "b", toys.kill, [cluster.programs[0].pid]))
    until(lambda: all(worker.poll() is not None for worker in workers), "an end of the workers")
    until(lambda: not any(map(start_ticks, processes_in(tmp_path / "b", "opened"))), "an end of their processes")


def lab_swarm(cluster: DaskCluster, results: Path, *words: str) -> subprocess.Popen[str]:
    """The command, on the cluster."""
    command = [sys.executable, "-m", "lab.cli", "swarm", "--seeds", str(len(SEEDS)), "--results", str(results)]
    command += ["--engine", "dask", "--scheduler", cluster.address, *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def nodes_of(cluster: DaskCluster) -> list[int]:
    """What carries a mark of a run, and is of this cluster: its workers have the folder of the cluster in theirs."""
    marked = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except psutil.Error:
            continue
        if RUN_VARIABLE in environment and environment.get("LAB_TEST_CLUSTER") == str(cluster.folder):
            marked.append(process.pid)
    return marked


def test_a_swarm_has_the_verdicts_of_this_machine_whatever_dies(cluster: DaskCluster, tmp_path: Path) -> None:
    """Digests of all seeds, with a worker killed on the way; then the scheduler, and what is done is not done again."""
    expected = dict(spread(SEEDS, BenchOpener("test", None), explore_seed, jobs=2))
    first = cluster.start_worker("one", LAB_TEST_CLUSTER=str(cluster.folder))
    command, journal = lab_swarm(cluster, tmp_path / "results"), tmp_path / "results/swarm/outcomes.jsonl"
    until(lambda: journal.is_file() and len(journal.read_text().splitlines()) > 1, "an outcome")
    until(lambda: nodes_of(cluster), "nodes of the next seed")
    first.kill()
    until(lambda: not nodes_of(cluster), "an end of the nodes")
    second = cluster.start_worker("two", LAB_TEST_CLUSTER=str(cluster.folder))
    done = len(journal.read_text().splitlines())
    until(lambda: len(journal.read_text().splitlines()) > done, "an outcome of the other worker")
    cluster.programs[0].kill()
    output, _ = command.communicate()
    assert command.returncode == 3, output
    assert re.search(r"seed \d: worker one \(.*\) died .*; it is tried again", output), output
    assert re.search(r"\d seeds were not run: the Dask scheduler at .* is gone.* --resume goes on", output), output
    assert "Traceback" not in output
    until(lambda: second.poll() is not None and not nodes_of(cluster), "an end of worker and nodes")

    kept = list(Journal.read(journal, "swarm", SeedOutcome).outcomes())
    cluster.start_scheduler()
    cluster.start_worker("three", LAB_TEST_CLUSTER=str(cluster.folder))
    command = lab_swarm(cluster, tmp_path / "results", "--resume")
    output, _ = command.communicate()
    assert command.returncode == 0, output
    outcomes = list(Journal.read(journal, "swarm", SeedOutcome).outcomes())
    assert outcomes[: len(kept)] == kept
    assert {outcome.seed: (outcome.digest, outcome.verdict) for outcome in outcomes} == {
        seed: (outcome.digest, outcome.verdict) for seed, outcome in expected.items()
    }
    assert Verdict.PASS in {outcome.verdict for outcome in outcomes}
    assert len(outcomes) == len(SEEDS)
    assert not nodes_of(cluster)
