"""The relayer as a process: started, killed, stopped, watched, and gone when its run is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from lab.chains.processes.reaper import Reaper
from lab.chains.scheduler import Scheduler
from lab.coordinator import role_account
from lab.errors import RelayerFailure, UsageError
from lab.evidence import Recorder
from lab.faults.transport.submits import Submits
from lab.model.records import Note
from lab.model.session import Session
from lab.owner import start_ticks
from lab.session.relayer import process as relayer_process
from lab.session.relayer.launch import Launch
from lab.session.relayer.process import RelayerProcess
from tests.waiting import eventually

POLITE = """
import os, pathlib, signal, sys, time
def stop(*_): sys.exit(0)
signal.signal(signal.SIGTERM, stop)
pathlib.Path(sys.argv[1]).write_text(f"{os.getpid()} {os.environ['LAB_SESSION']}")
time.sleep(600)
"""
DEAF = POLITE.replace("def stop(*_): sys.exit(0)", "stop = signal.SIG_IGN")
CRASHING = POLITE.replace("time.sleep(600)", "print('no such chain\\x1b[2J', file=sys.stderr); sys.exit(3)")
PARENT = POLITE.replace(
    "pathlib.Path", "import subprocess; child = subprocess.Popen(['sleep', '600']); pathlib.Path"
).replace("{os.getpid()}", "{child.pid}")


class QuietSubmits:
    """Nothing was ever sent."""

    last_ms = 0
    unmined = False

    def any_unmined(self) -> bool:
        return self.unmined


class Bench:
    """A relayer process of any script, with what it needs around it."""

    def __init__(self, folder: Path, reaper: Reaper) -> None:
        self.scheduler, self.recorder, self.submits = Scheduler("real"), Recorder(None), QuietSubmits()
        self.said, self.log = folder / "said", folder / "relayer.log"
        self._folder, self._reaper = folder, reaper
        self._made: list[RelayerProcess] = []

    def relayer(self, script: str, command: list[str] | None = None) -> RelayerProcess:
        session = Session(
            run_id="test",
            backend="process",
            clock="real",
            genesis_time=1_800_000_000,
            chains={},
            accounts={},
            key_file=str(self._folder / "keys.json"),
            store_path="relayer.sqlite",
            poll_interval_ms=50,
            state_numbering={},
            abi=[],
        )
        launch = Launch(
            tuple(command or [sys.executable, "-c", script, str(self.said)]),
            session,
            self._folder / "session.json",
            self.log,
        )
        made = RelayerProcess(
            launch,
            self.scheduler,
            self.recorder,
            [cast("Submits", self.submits)],
            self._reaper,
        )
        self._made.append(made)
        return made

    def begun(self) -> list[str]:
        """What the script said of itself, once it has."""
        eventually(lambda: self.said.exists() and self.said.read_text() != "", "the process to begin")
        words = self.said.read_text().split()
        self.said.unlink()
        return words

    def pass_time(self, ms: int = 500) -> None:
        """Let the clock go on."""
        self.scheduler.advance_to(self.scheduler.now_ms + ms)

    def notes(self) -> list[str]:
        """The relayer's marks on the time line."""
        return [record.text for record in self.recorder.records if isinstance(record, Note)]

    def close(self) -> None:
        for made in self._made:
            made.kill()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Reaper.start() as reaper:
        bench = Bench(tmp_path, reaper)
        yield bench
        bench.close()


def test_it_runs_and_is_told_its_session(bench: Bench, tmp_path: Path) -> None:
    """The process finds the session file by an environment variable; a second start changes nothing."""
    relayer = bench.relayer(POLITE)
    relayer.start()
    pid, session = bench.begun()
    relayer.start()
    assert relayer.running
    assert (relayer.pid, session) == (int(pid), str(tmp_path / "session.json"))
    assert bench.notes() == ["start"]


def test_a_kill_is_a_death_and_a_start_another_life(bench: Bench) -> None:
    """SIGKILL reaches even a process that is deaf to SIGTERM; it counts, and the next life is a new process."""
    relayer = bench.relayer(DEAF)
    relayer.start()
    first = int(bench.begun()[0])
    relayer.kill()
    assert not relayer.running
    assert start_ticks(first) is None
    bench.pass_time()
    relayer.start()
    second = int(bench.begun()[0])
    assert relayer.running
    assert second != first
    assert relayer.deaths == 1
    assert bench.notes() == ["start", "killed", "start"]


def test_a_stop_is_asked_for_and_no_death(bench: Bench) -> None:
    """SIGTERM lets the process end by itself."""
    relayer = bench.relayer(POLITE)
    relayer.start()
    bench.begun()
    relayer.stop()
    eventually(lambda: not relayer.running, "the process to stop")
    bench.pass_time()
    assert relayer.deaths == 0
    assert bench.notes() == ["start", "stop"]


def test_a_start_after_a_stop_waits_for_it(bench: Bench) -> None:
    """Two lives never overlap on one store."""
    relayer = bench.relayer(POLITE)
    relayer.start()
    first = int(bench.begun()[0])
    relayer.stop()
    relayer.start()
    assert start_ticks(first) is None
    assert int(bench.begun()[0]) != first
    assert bench.notes() == ["start", "stop", "start"]


def test_one_that_does_not_stop_is_an_error(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever ignores SIGTERM does not stall the run for ever."""
    monkeypatch.setattr(relayer_process, "STOP_S", 0.3)
    relayer = bench.relayer(DEAF)
    relayer.start()
    bench.begun()
    relayer.stop()
    with pytest.raises(RelayerFailure, match="still runs"):
        bench.pass_time(5000)


def test_a_death_of_its_own_surfaces_with_its_last_words(bench: Bench) -> None:
    """An exit that nobody asked for ends the run, with the exit code and the log."""
    relayer = bench.relayer(CRASHING)
    relayer.start()
    bench.begun()
    eventually(lambda: not relayer.running, "the process to end")
    with pytest.raises(RelayerFailure, match=r"exit code 3[\s\S]*\| no such chain") as failure:
        bench.pass_time()
    assert failure.value.reason.startswith("the relayer ended by itself with exit code 3: no such chain")
    assert not failure.value.killed
    assert relayer.deaths == 0
    assert bench.notes() == ["start", "crashed: exit code 3, nobody asked for it"]
    relayer.close()
    assert relayer.log_path.read_text(encoding="utf-8") == "no such chain\\x1b[2J\n"


def test_who_is_killed_by_another_did_not_end_by_itself(bench: Bench) -> None:
    """A machine that runs out of memory sends SIGKILL; it is nothing that a relayer does."""
    relayer = bench.relayer(POLITE)
    relayer.start()
    os.kill(int(bench.begun()[0]), signal.SIGKILL)
    eventually(lambda: not relayer.running, "the process to end")
    with pytest.raises(RelayerFailure, match="signal SIGKILL") as failure:
        bench.pass_time()
    assert failure.value.killed


def test_what_it_started_goes_with_it(bench: Bench) -> None:
    """A kill takes the whole process group: a wrapper's child does not go on sending."""
    relayer = bench.relayer(PARENT)
    relayer.start()
    child = int(bench.begun()[0])
    assert start_ticks(child) is not None
    relayer.kill()
    eventually(lambda: start_ticks(child) is None, "the child's end")


def test_it_stands_still_and_goes_on(bench: Bench) -> None:
    """Stopped by the system, not dead; one that does not run cannot be held."""
    relayer = bench.relayer(POLITE)
    assert not relayer.pause()
    relayer.start()
    pid = bench.begun()[0]

    def condition() -> str:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]

    assert relayer.pause()
    eventually(lambda: condition() == "T", "it to stand still")
    bench.pass_time()
    assert relayer.running
    relayer.resume()
    eventually(lambda: condition() == "S", "it to go on")
    assert bench.notes() == ["start"]


def test_a_twin_has_a_session_and_a_store_of_its_own(bench: Bench, tmp_path: Path) -> None:
    """The same command otherwise, and marks of its own on the time line; it ends without the first."""
    command = [sys.executable, "-c", POLITE, str(bench.said), str(tmp_path / "session.json"), "relayer.sqlite"]
    relayer = bench.relayer("", command)
    relayer.start()
    first = bench.begun()[0]
    second = relayer.second()
    second.start()
    pid, session = bench.begun()
    assert session == str(tmp_path / "session-second.json")
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    assert words[-3:-1] == [session, "relayer.sqlite.second"]
    assert Session.read(Path(session)).store_path == "relayer.sqlite.second"
    assert second.sends == 1
    kinds = [record.kind for record in bench.recorder.records if isinstance(record, Note)]
    assert kinds == ["relayer", "second relayer"]
    second.close()
    assert second.sends == 0
    assert (relayer.running, relayer.pid) == (True, int(first))


def test_a_rotated_key_is_named_in_the_session(bench: Bench, tmp_path: Path) -> None:
    """A clean stop, another role, a new process."""
    relayer = bench.relayer(POLITE)
    relayer.start()
    first = bench.begun()[0]
    relayer.rotate("operator2")
    second, session = bench.begun()
    assert first != second
    given = Session.read(Path(session))
    assert given.relayer_role == "operator2"
    assert json.loads(Path(given.key_file).read_text())["operator2"] == "0x" + role_account("operator2").key.hex()
    assert bench.notes() == ["start", "stop", "start"]


def test_points_need_the_virtual_clock(bench: Bench) -> None:
    """A process cannot be killed at a place in its code."""
    with pytest.raises(UsageError, match="after_scan needs the virtual clock"):
        bench.relayer(POLITE).kill_at("after_scan")


def test_a_command_that_is_not_there(bench: Bench) -> None:
    """The error names the command."""
    with pytest.raises(RelayerFailure, match="/nowhere/relayer --fast"):
        bench.relayer("", ["/nowhere/relayer", "--fast"]).start()


def test_it_rests_when_it_sends_nothing_and_all_is_mined(bench: Bench) -> None:
    """Idle is told from the chains, whatever the program: a few polls without a send, and nothing unmined."""
    relayer = bench.relayer(POLITE)
    assert relayer.idle
    relayer.start()
    assert not relayer.idle
    bench.pass_time(200)
    assert relayer.idle
    bench.submits.unmined = True
    assert not relayer.idle
    bench.submits.unmined = False
    bench.submits.last_ms = bench.scheduler.now_ms
    assert not relayer.idle


def test_closing_lets_it_end_by_itself_and_says_nothing(bench: Bench) -> None:
    """The end of a run is no event of the run; a process with manners gets the chance to write down where it was."""
    relayer = bench.relayer(POLITE.replace("sys.exit(0)", "print('written', flush=True); sys.exit(0)"))
    relayer.start()
    pid = int(bench.begun()[0])
    relayer.close()
    relayer.close()
    bench.pass_time()
    assert start_ticks(pid) is None
    assert bench.log.read_text() == "written\n"
    assert bench.notes() == ["start"]


OWNER = """
import sys, time
from pathlib import Path
from lab.chains.processes.reaper import Reaper
from tests.unit.session.test_relayer_process import DEAF, Bench
bench = Bench(Path(sys.argv[1]), Reaper.start())
bench.relayer(DEAF).start()
time.sleep(600)
"""


def test_a_killed_run_leaves_no_relayer(tmp_path: Path) -> None:
    """SIGKILL of the run takes the relayer with it, which cannot be told by a signal."""
    root = Path(__file__).parents[3]
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], cwd=root, start_new_session=True)
    try:
        said = tmp_path / "said"
        eventually(lambda: said.exists() and said.read_text() != "", "the relayer to begin")
        relayer = int(said.read_text().split()[0])
        assert start_ticks(relayer) is not None
    finally:
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
    eventually(lambda: start_ticks(relayer) is None, "the relayer's end")
