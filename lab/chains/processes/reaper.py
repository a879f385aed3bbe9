"""Removes what a dead run leaves behind, at once: a watcher process for each run.

The watcher reads from its stdin what there is to remove. When the pipe closes without `done`, the run died (SIGKILL
included), and the watcher kills its processes and removes its directories and containers. It runs isolated: of the
lab only this folder is loaded until a container has to go.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from lab.chains.processes.leftovers import CONTAINERS, end_marked, kill, remove_containers
from lab.owner import Owner, make_directory, remove_directory, start_ticks, this_process

OWNER_POLL_S = 0.5
# A container may still be on its way into the engine when its run dies, so there is a second and a third look.
SWEEPS_AFTER_S = (0.0, 1.0, 3.0)
# Isolated as it is, the watcher knows no folder but the environment's, and the lab may lie elsewhere (PYTHONPATH).
_WATCHER = "import sys; sys.path.append(sys.argv[1]); from lab.chains.processes.reaper import watch; watch(sys.argv[2])"
_ROOT = Path(__file__).resolve().parents[3]


class Reaper:
    """The handle of a run on its watcher. Announce a thing before or right after it exists."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._closed = False
        self._containers: Path | None = None

    @classmethod
    def start(cls) -> Reaper:
        """Start the watcher of this process. It has a session of its own, so that Ctrl-C does not reach it."""
        command = [sys.executable, "-I", "-c", _WATCHER, str(_ROOT), this_process().mark]
        quiet = subprocess.DEVNULL
        return cls(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True))

    @property
    def pid(self) -> int:
        return self._process.pid

    def watch_pid(self, pid: int) -> None:
        if ticks := start_ticks(pid):
            self._send(f"pid {pid} {ticks}")

    def watch_dir(self, path: Path) -> None:
        self._send(f"dir {path}")

    def watch_containers(self) -> None:
        """This process is about to start containers. A directory says so to the next run, should the watcher die too.

        Raises OSError where there is no room for it.
        """
        if self._containers is None:
            self._send("containers")
            self._containers = make_directory(CONTAINERS)
            self.watch_dir(self._containers)

    def close(self) -> None:
        """The run has cleaned up after itself: the watcher goes without touching anything. May be called twice."""
        if self._closed:
            return
        if self._containers is not None:
            remove_directory(self._containers)
        self._send("done")
        self._closed = True
        with contextlib.suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Reaper:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _send(self, line: str) -> None:
        """A watcher that is gone takes no lines; the run goes on, and the next one's sweep is there for the rest."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            if self._process.stdin:
                self._process.stdin.write(os.fsencode(line) + b"\n")
                self._process.stdin.flush()


def watch(mark: str) -> None:
    """The watcher: read until the pipe closes or the owner is gone, then remove what was announced.

    The owner is looked at too: a process it forked may hold the pipe open after its death.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    owner, announced = Owner.parse(mark, this_process().place), _Announced()
    pending = b""
    while True:
        readable, _, _ = select.select([0], [], [], OWNER_POLL_S)
        chunk = os.read(0, 65536) if readable else None
        if chunk == b"" or (chunk is None and owner.state == "dead"):
            break
        *lines, pending = (pending + (chunk or b"")).split(b"\n")
        for line in lines:
            if line == b"done":
                return
            announced.add(*os.fsdecode(line).split(" ", 1))
    began = time.monotonic()
    for after_s in SWEEPS_AFTER_S:
        time.sleep(max(0.0, began + after_s - time.monotonic()))
        announced.remove(owner)


@dataclass
class _Announced:
    """What the run has said of itself. `pids` are with the start of each."""

    pids: dict[int, int] = field(default_factory=dict)
    directories: list[Path] = field(default_factory=list)
    containers: bool = False

    def add(self, word: str, rest: str = "") -> None:
        if word == "pid":
            pid, _, ticks = rest.partition(" ")
            self.pids[int(pid)] = int(ticks)
        elif word == "dir":
            self.directories.append(Path(rest))
        elif word == "containers":
            self.containers = True

    def remove(self, owner: Owner) -> None:
        for pid, ticks in self.pids.items():
            kill(pid, ticks)
        end_marked(owner)
        done = remove_containers(owner) if self.containers else True
        for path in self.directories:
            # Where no engine answers, the directory that stands for its containers is left for the next run.
            if done or f".{CONTAINERS}." not in path.name:
                remove_directory(path)
