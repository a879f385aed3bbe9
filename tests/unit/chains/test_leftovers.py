"""What dead runs left is found by its marks, named and removed; what is of a living one, or of elsewhere, is spared."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import owner
from lab.chains.nodes import provision
from lab.chains.processes import leftovers
from lab.chains.processes.child import child_environment
from lab.chains.processes.leftovers import Leftover, find_leftovers, marked_processes, remove_leftovers
from lab.owner import (
    Owner,
    make_directory,
    owner_of_directory,
    start_ticks,
    temporary_directory,
    this_place,
    this_process,
)

PLACE = "here-1"


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A place and a temporary folder of this test's own: no other run takes what is left here, nor this one theirs."""
    monkeypatch.setattr(owner, "this_place", lambda: PLACE)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(leftovers, "_containers", lambda: [])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def of(pid: int, ticks: int, place: str = PLACE) -> Owner:
    return Owner(pid, ticks, place)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is somebody's."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def dead() -> Owner:
    """One that lived."""
    process = subprocess.Popen(["sleep", "600"])
    was = of(process.pid, start_ticks(process.pid) or 0)
    process.kill()
    process.wait()
    return was


def left_by(mark: Owner, folder: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """A process and a directory that carry a mark."""
    process = subprocess.Popen(["sleep", "600"], env=mark.variables("left"))
    directory = folder / f"tesseract-lab.{mark.pid}-{mark.ticks}.{mark.place}.node.x1"
    (directory / "below").mkdir(parents=True)
    return process, directory


@pytest.mark.parametrize(
    ("state", "pid", "ticks", "place"),
    [
        ("alive", 0, 0, PLACE),
        ("dead", 0, 1, PLACE),
        ("elsewhere", 0, 0, "other-1"),
        ("elsewhere", 0, 1, "here-2"),
        ("elsewhere", 0, 1, ""),
    ],
)
def test_a_process_is_known_by_number_start_and_place(
    state: str, pid: int, ticks: int, place: str, sleeper: subprocess.Popen[bytes]
) -> None:
    """The same number with another start is another process; of another machine, boot or namespace nothing is known."""
    assert of(sleeper.pid, (start_ticks(sleeper.pid) or 0) + ticks, place).state == state


@pytest.mark.parametrize("mark", ["", "x:y", "17", "17:", ":17", "-1:5", "1:-5", "\u0661:\u0662", "1:2:3"])
def test_a_mark_that_cannot_be_read_is_nobodys_here(mark: str) -> None:
    """It is spared: another version of the lab may have written it."""
    assert Owner.parse(mark, PLACE).state == "elsewhere"


def test_two_boots_and_two_namespaces_are_two_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the number of a process nor its start differs between two machines for sure."""
    monkeypatch.undo()
    places = set()
    for boot, namespace in (("a", "x"), ("b", "x"), ("a", "y")):
        proc = tmp_path / boot / namespace
        (proc / "sys/kernel/random").mkdir(parents=True)
        (proc / "self/ns").mkdir(parents=True)
        (proc / "sys/kernel/random/boot_id").write_text(boot)
        (tmp_path / namespace).touch()
        (proc / "self/ns/pid").symlink_to(tmp_path / namespace)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, "PROC", proc)
            this_place.cache_clear()
            places.add(this_place())
    this_place.cache_clear()
    assert len(places) == 3


def test_what_a_dead_run_left_is_removed_and_named(apart: Path, dead: Owner) -> None:
    process, directory = left_by(dead, apart)

    assert find_leftovers() == [
        Leftover("process", str(process.pid), dead, "left"),
        Leftover("directory", str(directory), dead),
    ]
    assert remove_leftovers() == [f"removed process {process.pid} of run left", f"removed directory {directory}"]
    assert process.wait(600) == -9
    assert not directory.exists()


@pytest.mark.parametrize("place", [PLACE, "another-1"])
def test_what_is_of_a_living_run_or_of_elsewhere_is_spared(
    apart: Path, sleeper: subprocess.Popen[bytes], dead: Owner, place: str
) -> None:
    """Two machines on one engine, two containers of one machine: the numbers of their processes may be the same."""
    living = of(sleeper.pid, start_ticks(sleeper.pid) or 0, place)
    process, directory = left_by(living if place == PLACE else of(dead.pid, dead.ticks, place), apart)
    try:
        assert find_leftovers() == []
        assert remove_leftovers() == []
        forced = remove_leftovers(force=True)
        assert len(forced) == (2 if place == PLACE else 0)
        assert directory.exists() == (place != PLACE)
    finally:
        process.kill()
        process.wait()


def test_containers_of_elsewhere_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else would: the machine that they are of may be gone."""
    foreign = Leftover("container", "abc", of(1, 1, "another-1"), "r", lambda: pytest.fail("removed"))
    monkeypatch.setattr(leftovers, "_containers", lambda: [foreign])
    (line,) = remove_leftovers(force=True)
    assert line.startswith("left container abc of run r: it is of another machine")
    assert "docker rm -f abc" in line


def test_force_spares_the_calling_process() -> None:
    """`down` from inside a run must not take that run's own directories."""
    own = make_directory("n")
    assert remove_leftovers(force=True) == []
    assert own.is_dir()


def test_every_temporary_directory_names_its_owner(apart: Path, dead: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the temporary folder, and hidden beside the node's binary."""
    cache = provision.cached_anvil().parent
    cache.mkdir(parents=True)
    with temporary_directory("n") as plain, temporary_directory("n", cache) as hidden:
        assert {owner_of_directory(plain), owner_of_directory(hidden)} == {this_process()}
        assert (plain.parent, hidden.parent) == (apart, cache)
        assert remove_leftovers() == []
    assert not plain.exists()
    monkeypatch.setattr(owner, "this_process", lambda: dead)
    folders = [make_directory("n"), make_directory("n", cache)]
    assert remove_leftovers() == [f"removed directory {folder}" for folder in folders]


def test_without_proc_a_process_is_known_by_its_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As on macOS: a living process has a mark, a dead one none, and children of a run are found."""
    monkeypatch.setattr(owner, "PROC", tmp_path)
    child = subprocess.Popen(["sleep", "600"], env=child_environment("no-proc"))
    try:
        ticks = start_ticks(child.pid)
        assert ticks
        assert of(child.pid, ticks).state == "alive"
        assert of(child.pid, 1).state == "dead"
        # A clock that is set moves the boot in terms of it, and with it the starts that psutil tells.
        monkeypatch.setattr("psutil._psplatform.boot_time", lambda: 1.0)
        assert start_ticks(child.pid) == ticks
        assert Leftover("process", str(child.pid), this_process(), "no-proc") in marked_processes()
    finally:
        child.kill()
        child.wait()
    assert start_ticks(child.pid) is None
