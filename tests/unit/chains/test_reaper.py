"""The reaper: nothing of a run outlives it, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lab.chains.engine.client import connect
from lab.chains.processes import leftovers, watcher
from lab.chains.processes.leftovers import sweep
from lab.chains.processes.reaper import Reaper, watcher_command
from lab.owner import RUN_LABEL, Owner, owner_of_directory, start_ticks, this_process

from .runs import DOCKER_RUN, PROCESS_RUN, start_run, within

# The reaper needs a second or two; a machine with other work is slow.
REMOVAL_DEADLINE_S = 600


def gone(pids: list[int]) -> bool:
    return all(start_ticks(pid) is None for pid in pids)


def containers_of(run_id: str) -> int:
    client = connect()
    try:
        return len(client.api.containers(all=True, quiet=True, filters={"label": f"{RUN_LABEL}={run_id}"}))
    finally:
        client.close()


@pytest.mark.parametrize("arguments", [[], ["fork"]], ids=["alone", "with a forked child that holds the pipe"])
def test_sigkill_of_a_run_takes_its_nodes_and_directories(arguments: list[str]) -> None:
    """Running and paused nodes, and their directories, are gone soon after the run's SIGKILL."""
    run, told = start_run(PROCESS_RUN, "reaped", *arguments)
    try:
        assert not gone(told["pids"])
        assert all(Path(folder).is_dir() for folder in told["folders"])
        run.kill()
        run.wait()

        assert within(REMOVAL_DEADLINE_S, lambda: gone(told["pids"]))
        assert within(REMOVAL_DEADLINE_S, lambda: not any(Path(folder).exists() for folder in told["folders"]))
        assert within(REMOVAL_DEADLINE_S, lambda: gone([told["reaper"]]))
    finally:
        if told["forked"]:
            os.kill(told["forked"], signal.SIGKILL)


def test_sigkill_of_a_run_takes_its_containers(image: str) -> None:
    """The containers of the run's label are gone soon after its SIGKILL; another run's stay."""
    run_id, other_id = f"reaped-{os.getpid()}", f"kept-{os.getpid()}"
    other, _ = start_run(DOCKER_RUN, other_id, image)
    try:
        run, _ = start_run(DOCKER_RUN, run_id, image)
        assert containers_of(run_id) == 2
        run.kill()
        run.wait()

        assert within(REMOVAL_DEADLINE_S, lambda: containers_of(run_id) == 0)
        assert containers_of(other_id) == 2
    finally:
        other.kill()
        other.wait()
    assert within(REMOVAL_DEADLINE_S, lambda: containers_of(other_id) == 0)


def test_a_closed_reaper_touches_nothing(tmp_path: Path) -> None:
    """After `done` the watcher leaves what it was told of alone, and is gone itself."""
    folder = tmp_path / "kept"
    folder.mkdir()
    sleeper = subprocess.Popen(["sleep", "3600"])
    try:
        watcher = Reaper.start()
        watcher.watch_pid(sleeper.pid)
        watcher.watch_dir(folder)
        watcher.close()
        watcher.close()

        assert gone([watcher.pid])
        assert sleeper.poll() is None
        assert folder.is_dir()
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_reused_pid_is_not_hit() -> None:
    """A process whose start time differs from the announced one is somebody else's."""
    owner, victim, stranger = (subprocess.Popen(["sleep", "3600"]) for _ in range(3))
    try:
        watcher = subprocess.Popen(
            watcher_command(f"{owner.pid}:{start_ticks(owner.pid)}"),
            stdin=subprocess.PIPE,
        )
        assert watcher.stdin is not None
        stranger_ticks = start_ticks(stranger.pid)
        assert stranger_ticks is not None
        watcher.stdin.write(
            f"pid {victim.pid} {start_ticks(victim.pid)}\npid {stranger.pid} {stranger_ticks - 1}\n".encode()
        )
        watcher.stdin.close()
        watcher.wait(timeout=REMOVAL_DEADLINE_S)

        assert victim.wait(timeout=600) == -signal.SIGKILL
        assert stranger.poll() is None
    finally:
        for process in (owner, victim, stranger):
            process.kill()
            process.wait()


@pytest.mark.usefixtures("unmeasured")
def test_the_watcher_loads_next_to_nothing() -> None:
    """It is started once per run: it must not pay for imports, of what only a run that died needs least of all."""
    code = "import sys; there = set(sys.modules); exec(open(sys.argv[1]).read(), {}); print(*set(sys.modules) - there)"
    run = [sys.executable, "-I", "-c", code, watcher.__file__]
    loaded = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
    assert "select" in loaded
    assert not {"lab", "subprocess", "dataclasses", "pathlib", "tempfile"} & set(loaded)


def test_killed_together_with_its_reaper_a_run_leaves_no_process(tmp_path: Path) -> None:
    """The kernel ends the nodes, a held one too. Directories, the guard's, too, are left, and named by the next run."""
    run, told = start_run(PROCESS_RUN, "both-killed", temporary=tmp_path)
    owner = Owner(run.pid, start_ticks(run.pid) or 0, this_process().place)
    os.kill(told["reaper"], signal.SIGKILL)
    run.kill()
    run.wait()

    assert within(REMOVAL_DEADLINE_S, lambda: gone(told["pids"]))
    assert {owner_of_directory(Path(folder)) for folder in told["folders"]} == {owner}
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path))
        sweep(said.append)
    assert list(tmp_path.iterdir()) == []
    assert "3 directories" in said[0]


def test_killed_together_with_its_reaper_a_run_leaves_containers_to_the_next(image: str, tmp_path: Path) -> None:
    """A directory says that there are some, so that no run without containers has to ask the engine."""
    run_id = f"left-{os.getpid()}"
    run, told = start_run(DOCKER_RUN, run_id, image, temporary=tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path))
        # The engine is shared: what other runs left there is not this test's to remove.
        of_engine = leftovers._containers
        patch.setattr(leftovers, "_containers", lambda: [it for it in of_engine() or () if it.run_id == run_id])
        sweep()
        assert containers_of(run_id) == 2, "a living run's containers were taken"
        os.kill(told["reaper"], signal.SIGKILL)
        run.kill()
        run.wait()
        said: list[str] = []
        sweep(said.append)

    assert containers_of(run_id) == 0
    assert list(tmp_path.iterdir()) == []
    assert said == [f"removed what a run that was killed had left: 2 containers, 1 directory (run {run_id})"]
