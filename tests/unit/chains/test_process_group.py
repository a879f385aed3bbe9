"""What a program starts goes with it: wrappers, children that left the session, and those that outlive their parent."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.chains.processes import child
from lab.chains.processes.child import child_environment, how_ended
from lab.chains.processes.process_group import GROUP_VARIABLE, ProcessGroup
from lab.chains.processes.reaper import Reaper
from lab.owner import start_ticks
from tests.waiting import PATIENCE_S, eventually

# Says its pid, and on SIGTERM that it heard.
CHILD = """
import os, signal, sys, time
def stop(*_):
    with open(sys.argv[1], "a") as said: said.write("stopped\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
with open(sys.argv[1], "a") as said: said.write(f"{os.getpid()}\\n")
time.sleep(600)
"""
WRAPPERS = {
    "none": "exec {child}",
    "a shell": "{child}; echo ended",
    "a shell that exits at once": "{child} & exit 0",
    "a session of its own": "setsid {child}; true",
    "a daemon": "setsid -f {child}; sleep 600",
    "a daemon alone": "setsid -f {child}; exit 0",
    "a daemon without its environment": "setsid env -i {child}; true",
    "two shells": "sh -c '{child}; true'; true",
    "a shell deaf to SIGTERM": "trap '' TERM; {child}; true",
    "a held one": "{child}; true",
}


@pytest.fixture
def reaper() -> Iterator[Reaper]:
    with Reaper.start() as reaper:
        yield reaper


@pytest.fixture(params=["kept", "found"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a keeper above the group as on Linux, and without as elsewhere, where its members are looked for."""
    if request.param == "found":
        monkeypatch.setattr(child, "LINUX", False)


@pytest.mark.parametrize(("code", "said"), [(0, "exit code 0"), (-11, "signal SIGSEGV"), (-35, "35")])
def test_a_signal_that_ended_it_is_named(code: int, said: str) -> None:
    """Not as a negative number, which no documentation knows."""
    assert how_ended(code).endswith(said)


class Wrapped:
    """The child behind a wrapper."""

    def __init__(self, wrapper: str, folder: Path, reaper: Reaper) -> None:
        self._said = folder / "said"
        script = folder / "child.py"
        script.write_text(CHILD)
        # Without spaces, whatever folder the environment is in: wrappers quote the command in ways of their own.
        python = folder / "python"
        python.symlink_to(sys.executable)
        words = ["sh", "-c", wrapper.replace("{child}", f"{python} {script} {self._said}")]
        self.group = ProcessGroup.start(words, run_id="test", log=folder / "logs" / "log", reaper=reaper)
        eventually(lambda: self._said.exists() and self._said.read_text() != "", "the child to begin")
        self.child = int(self.said()[0])

    def said(self) -> list[str]:
        return self._said.read_text().splitlines()


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_stop_reaches_all_of_it(wrapper: str, tmp_path: Path, reaper: Reaper) -> None:
    """The child hears SIGTERM, whatever stands before it, and nothing is left, nor killed that ends by itself."""
    it = Wrapped(WRAPPERS[wrapper], tmp_path, reaper)
    if wrapper == "a held one":
        it.group.signal(signal.SIGSTOP)
    assert it.group.alive
    assert it.group.stop(PATIENCE_S) == []
    assert it.said()[-1] == "stopped"
    assert start_ticks(it.child) is None
    assert (it.group.alive, it.group.members()) == (False, [])


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_kill_and_a_pause_reach_all_of_it(wrapper: str, tmp_path: Path, reaper: Reaper) -> None:
    """No child goes on sending while its wrapper is held or dead."""
    it = Wrapped(WRAPPERS[wrapper], tmp_path, reaper)

    def condition() -> str:
        return Path(f"/proc/{it.child}/stat").read_text().rsplit(") ", 1)[1][0]

    assert it.group.signal(signal.SIGSTOP)
    eventually(lambda: condition() == "T", "the child to stand still")
    assert it.group.signal(signal.SIGCONT)
    eventually(lambda: condition() == "S", "the child to go on")
    it.group.kill()
    assert start_ticks(it.child) is None
    assert it.said() == [str(it.child)]
    assert not it.group.alive


def test_what_loses_parent_session_and_environment_is_still_of_it(tmp_path: Path) -> None:
    """A daemon that was started so that nothing of it leads back, long before anybody looks."""
    with Reaper.start() as reaper:
        it = Wrapped("setsid env -i setsid sh -c '{child} & exit 0' & sleep 600", tmp_path, reaper)
        it.group.signal_program(signal.SIGKILL)
        assert it.group.alive
        assert it.group.stop(PATIENCE_S) == []
        assert it.said()[-1] == "stopped"
        assert start_ticks(it.child) is None
        assert it.group.returncode == -signal.SIGKILL


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -TERM $$", -signal.SIGTERM)])
def test_its_exit_code_is_the_programs(script: str, code: int, tmp_path: Path, reaper: Reaper) -> None:
    group = ProcessGroup.start(["sh", "-c", script], run_id="test", log=tmp_path / "log", reaper=reaper)
    assert group.wait(PATIENCE_S)
    assert group.returncode == code


def test_what_cannot_be_started_is_an_error_of_the_system(tmp_path: Path, reaper: Reaper) -> None:
    """The same ones as without anything between."""
    bare, closed = tmp_path / "bare", tmp_path / "closed"
    for file, mode in ((bare, 0o755), (closed, 0o644)):
        file.write_text("echo\n")
        file.chmod(mode)
    kinds = {"no-such-program": errno.ENOENT, "./bare": errno.ENOEXEC, "./closed": errno.EACCES}
    for program, number in kinds.items():
        with pytest.raises(OSError, match=os.strerror(number)) as caught:
            ProcessGroup.start([program], run_id="test", log=tmp_path / "log", reaper=reaper, folder=tmp_path)
        assert caught.value.errno == number, program


def test_its_environment_is_the_callers(tmp_path: Path, reaper: Reaper, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the marks, and nothing that an interpreter between would add."""
    for name in ("LC_ALL", "LANG", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    log = tmp_path / "log"
    group = ProcessGroup.start(["env", "-0"], run_id="r", log=log, reaper=reaper, environment={"ADDED": "\udcff\n"})
    assert group.wait(PATIENCE_S)
    pairs = dict(pair.partition("=")[::2] for pair in os.fsdecode(log.read_bytes()).split("\0") if pair)
    assert pairs.pop(GROUP_VARIABLE)
    assert pairs == {**child_environment("r"), "ADDED": "\udcff\n"}


@pytest.mark.usefixtures("either")
def test_what_does_not_listen_is_killed_and_named(tmp_path: Path, reaper: Reaper) -> None:
    """After the time that it was given, and not before the others have ended by themselves."""
    it = Wrapped("trap '' TERM; {child}; while true; do sleep 0.1; done", tmp_path, reaper)
    (left, *_) = it.group.stop(0.5)
    assert it.said()[-1] == "stopped"
    assert left.startswith("`sh -c trap")
    assert f"pid {it.group.pid}" in left
    assert not it.group.alive


def test_two_of_the_same_program_are_two(tmp_path: Path, reaper: Reaper) -> None:
    """One's end is not the other's."""
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    one, other = (Wrapped(WRAPPERS["a daemon"], folder, reaper) for folder in folders)
    one.group.kill()
    assert other.group.alive
    assert start_ticks(other.child) is not None
    other.group.kill()
