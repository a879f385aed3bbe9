"""The reaper: nothing of a run outlives it, however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lab.chains.engine.client import connect
from lab.chains.processes import reaper
from lab.chains.processes.reaper import RUN_LABEL, Reaper, owner_alive, owner_mark, remove_leftovers, start_ticks

from .runs import DOCKER_RUN, PROCESS_RUN, start_run, within

# The reaper needs a second or two; a machine with other work is slow.
REMOVAL_DEADLINE_S = 60


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
    sleeper = subprocess.Popen(["sleep", "60"])
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
    owner, victim, stranger = (subprocess.Popen(["sleep", "60"]) for _ in range(3))
    try:
        watcher = subprocess.Popen(
            [sys.executable, "-I", str(reaper.__file__), f"{owner.pid}:{start_ticks(owner.pid)}"], stdin=subprocess.PIPE
        )
        assert watcher.stdin is not None
        stranger_ticks = start_ticks(stranger.pid)
        assert stranger_ticks is not None
        watcher.stdin.write(
            f"pid {victim.pid} {start_ticks(victim.pid)}\npid {stranger.pid} {stranger_ticks - 1}\n".encode()
        )
        watcher.stdin.close()
        watcher.wait(timeout=REMOVAL_DEADLINE_S)

        assert victim.wait(timeout=60) == -signal.SIGKILL
        assert stranger.poll() is None
    finally:
        for process in (owner, victim, stranger):
            process.kill()
            process.wait()


def test_leftovers_of_a_dead_run_are_removed_and_named() -> None:
    """What a run leaves when its reaper dies with it is found by mark: processes and directories."""
    run, told = start_run(PROCESS_RUN, "left-over")
    os.kill(told["reaper"], signal.SIGKILL)
    run.kill()
    run.wait()
    assert not gone(told["pids"])

    removed = remove_leftovers()

    assert within(REMOVAL_DEADLINE_S, lambda: gone(told["pids"]))
    assert not any(Path(folder).exists() for folder in told["folders"])
    assert {f"process {pid} of run left-over" for pid in told["pids"]} <= set(removed)
    assert {f"directory {folder}" for folder in told["folders"]} <= set(removed)


def test_leftover_containers_of_a_dead_run_are_removed_and_named(image: str) -> None:
    """By label, and only those whose owner is dead."""
    run_id = f"left-{os.getpid()}"
    run, told = start_run(DOCKER_RUN, run_id, image)
    remove_leftovers()
    assert containers_of(run_id) == 2, "a living run's containers were taken"
    os.kill(told["reaper"], signal.SIGKILL)
    run.kill()
    run.wait()

    removed = remove_leftovers()

    assert containers_of(run_id) == 0
    assert sum(line.endswith(f"of run {run_id}") for line in removed) == 2


def test_a_living_run_is_spared_unless_forced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without force a living owner's nodes stay; with force they go."""
    run, told = start_run(PROCESS_RUN, "living")
    try:
        remove_leftovers()
        assert not gone(told["pids"])

        # Forced, but only on what this test started: other runs on this machine are not the test's to end.
        marked = reaper._marked_processes
        monkeypatch.setattr(reaper, "_marked_processes", lambda: [found for found in marked() if found[2] == "living"])
        monkeypatch.setattr(reaper, "_remove_containers", lambda label, force: [])
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        remove_leftovers(force=True)
        assert within(REMOVAL_DEADLINE_S, lambda: gone(told["pids"]))
    finally:
        run.kill()
        run.wait()


def test_force_spares_the_calling_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`down` from inside a run must not take that run's own directories."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(reaper, "_marked_processes", lambda: [])
    monkeypatch.setattr(reaper, "_remove_containers", lambda label, force: [])
    own = reaper.make_directory("n")
    dead = tmp_path / "tesseract-lab.1-1.n.abc"
    dead.mkdir()

    assert remove_leftovers(force=True) == [f"directory {dead}"]
    assert own.is_dir()
    shutil.rmtree(own)


def test_an_owner_is_its_pid_and_its_start() -> None:
    """The same pid with another start time is another process, and nonsense is nobody."""
    pid, _, ticks = owner_mark().partition(":")
    assert owner_alive(f"{pid}:{ticks}")
    assert not owner_alive(f"{pid}:{int(ticks) + 1}")
    assert not owner_alive("")
    assert not owner_alive("x:y")
    assert not owner_alive(pid)


def test_the_watcher_loads_nothing_but_the_standard_library() -> None:
    """It is started once per run: it must not pay for the lab's or Docker's imports."""
    code = f"import sys, runpy; runpy.run_path({reaper.__file__!r}); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert not {"docker", "requests", "psutil", "lab"} & set(run.stdout.split())


def test_without_proc_a_process_is_known_by_its_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As on macOS: a living process has a mark, a dead one none, and children of a run are found."""
    monkeypatch.setattr(reaper, "PROC", tmp_path)
    child = subprocess.Popen(["sleep", "60"], env=reaper.child_environment("no-proc"))
    try:
        ticks = reaper.start_ticks(child.pid)
        assert ticks
        assert reaper.owner_alive(f"{child.pid}:{ticks}")
        assert not reaper.owner_alive(f"{child.pid}:1")
        assert (child.pid, reaper.owner_mark(), "no-proc") in reaper._marked_processes()
    finally:
        child.kill()
        child.wait()
    assert reaper.start_ticks(child.pid) is None
