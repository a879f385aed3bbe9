"""A Dask cluster on 127.0.0.1: scheduler and workers as programs of their own, which a test may kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PATIENCE_S = 600.0
ROOT = Path(__file__).parents[2]
# Else both listen on every interface, workers wherever their scheduler is, and their pages even without a dashboard.
LISTENING = ("--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")


def until(happened: Callable[[], object], what: str) -> None:
    """Raises AssertionError where it does not happen."""
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE_S:g} s"
        time.sleep(0.05)


@dataclass
class DaskCluster:
    """Close it. Files of all programs lie in `folder`."""

    folder: Path
    programs: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def _file(self) -> Path:
        return self.folder / "scheduler.json"

    @property
    def address(self) -> str:
        address: str = json.loads(self._file.read_text())["address"]
        return address

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        """At a port that is free."""
        self._file.unlink(missing_ok=True)
        program = self._start("scheduler", "--port", "0", "--scheduler-file", str(self._file))
        until(lambda: self._file.is_file() and self._file.read_text().strip().endswith("}"), "a scheduler")
        return program

    def start_worker(self, name: str, **environment: str) -> subprocess.Popen[bytes]:
        """One process, without a nanny that would start another in its place."""
        words = ("--nthreads", "1", "--no-nanny", "--name", name, "--local-directory", str(self.folder / name))
        program, log = self._start("worker", self.address, *words, **environment), self._log()
        until(lambda: "Registered to" in log.read_text(), f"worker {name} at the scheduler")
        return program

    def _log(self, following: int = 0) -> Path:
        return self.folder / f"{len(self.programs) + following}.log"

    def _start(self, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        with self._log(1).open("wb") as log:
            program = subprocess.Popen(
                [sys.executable, "-m", "dask", *words, *LISTENING],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.programs.append(program)
        return program

    def close(self) -> None:
        """End whatever still runs of it."""
        for program in self.programs:
            program.kill()
            program.wait()


def below(programs: list[subprocess.Popen[bytes]]) -> list[psutil.Process]:
    """All that these programs have started, and what that has started."""
    started: list[psutil.Process] = []
    for program in programs:
        with suppress(psutil.Error):
            started += psutil.Process(program.pid).children(recursive=True)
    return started
