"""Locust as a process of its own: importing it patches sockets, so nothing else of the lab ever does."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import psutil

from lab.chains.processes.child import how_ended
from lab.chains.processes.process_group import ProcessGroup
from lab.chains.processes.python_child import python_command
from lab.chains.processes.reaper import Reaper
from lab.errors import EnvironmentFailure
from lab.load.generator.settings import without_settings
from lab.load.record.plan import PLAN, PLAN_VARIABLE, START, Plan
from lab.load.record.run_files import worker_files
from lab.paths import LOADTESTS

LOCUSTFILE = LOADTESTS / "locustfile.py"
STOPS_WITHIN_S = 15.0
# Workers that are not there by then have failed; with fewer of them the run is INVALID.
WORKERS_WITHIN_S = 60
GAVE_UP = "Gave up waiting for workers"


class LocustProcess:
    """`start` once, `wait` in slices, `interrupt` for an early but clean end, `kill` for certain."""

    def __init__(self, plan: Plan, folder: Path, reaper: Reaper, *, web_port: int | None = None) -> None:
        self._plan, self._folder, self._reaper, self._web_port = plan, folder, reaper, web_port
        self._group: ProcessGroup | None = None
        self._workers: set[int] = set()

    def command(self) -> list[str]:
        """Plain Locust; several processes where the plan has several workers."""
        files = ["--csv", str(self._folder / "locust"), "--html", str(self._folder / "locust.html")]
        command = python_command(
            "-m", "lab.load.generator.locust_main", "-f", str(LOCUSTFILE), *files, "--skip-log-setup", unbuffered=True
        )
        if self._plan.workers > 1:
            command += ["--processes", str(self._plan.workers), "--expect-workers-max-wait", str(WORKERS_WITHIN_S)]
        if self._web_port is None:
            return [*command, "--headless", "--only-summary"]
        return [*command, "--web-port", str(self._web_port), "--autostart", "--autoquit", "1"]

    @property
    def pid(self) -> int | None:
        """Of Locust itself; its workers are its children."""
        return self._group.pid if self._group is not None else None

    def start(self) -> None:
        """Start it. Its output goes into the run's logs. Raises OSError."""
        self._group = ProcessGroup.start(
            self.command(),
            run_id=self._plan.run_id,
            log=self._folder / "logs" / "locust.log",
            reaper=self._reaper,
            environment={PLAN_VARIABLE: str(self._folder / PLAN)},
            # The run is what its plan says, whatever the user has told Locust elsewhere.
            inherited=without_settings(os.environ),
            folder=self._folder,
        )

    def wait(self, seconds: float) -> bool:
        """Whether all of it has ended, after waiting for that at most so long."""
        assert self._group is not None
        if not self._group.wait(seconds) and self._group.oldest() != self._group.pid:
            # Locust itself has ended, so its workers had their time.
            self._group.stop(STOPS_WITHIN_S)
        return not self._group.alive

    def lost_workers(self) -> int:
        """How many workers ended without a report of themselves; the only process of a run with one is not counted."""
        if self._group is None or self._plan.workers == 1:
            return 0
        alive = set()
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self._group.pid).children():
                if child.status() != psutil.STATUS_ZOMBIE:
                    alive.add(child.pid)
        self._workers |= alive
        return max(0, len(self._workers - alive) - len(worker_files(self._folder)))

    def failure(self) -> str | None:
        """Why the load that it generated is not what was asked for; None where it ended as it should.

        Exit code 1 only says that requests failed. Raises EnvironmentFailure, with its last words, if no load began.
        """
        assert self._group is not None
        code, said = self._group.returncode, self._group.log_tail()
        began = (self._folder / START).is_file()
        if began and code in (0, 1, -signal.SIGINT, 130):
            return None
        if not began and GAVE_UP not in said:
            raise EnvironmentFailure(f"Locust ended with {how_ended(code)}, expected 0. Its last lines:\n{said}")
        return f"Locust ended with {how_ended(code)}" if began else f"not every worker came within {WORKERS_WITHIN_S} s"

    def interrupt(self) -> None:
        """Ask for a clean end: its workers write their reports."""
        if self._group is not None:
            self._group.signal_program(signal.SIGINT)
            if not self.wait(STOPS_WITHIN_S):
                self.kill()

    def kill(self) -> None:
        """End it and its workers at once."""
        if self._group is not None:
            self._group.kill()
