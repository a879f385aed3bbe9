"""Removes what a dead run leaves behind, at once: a watcher process for each run.

The watcher (`watcher`) reads from its stdin what there is to remove. When the pipe closes without `done`, the run died
(SIGKILL included), and the watcher kills its processes and removes its directories and containers.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

from lab.chains.processes import watcher
from lab.chains.processes.leftovers import CONTAINERS
from lab.owner import make_directory, remove_directory, start_ticks, this_process

_WATCHER = Path(watcher.__file__).resolve()
_ROOT = Path(__file__).resolve().parents[3]


def watcher_command(mark: str) -> list[str]:
    """Starts the watcher of the process with that mark."""
    return [sys.executable, "-I", str(_WATCHER), str(_ROOT), mark]


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
        command = watcher_command(this_process().mark)
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
