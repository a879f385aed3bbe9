"""Locust as a process of its own: importing it patches sockets, so nothing else of the lab ever does."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from lab.chains.processes.process_group import ProcessGroup
from lab.chains.processes.python_child import python_command
from lab.chains.processes.reaper import Reaper
from lab.errors import EnvironmentFailure
from lab.load.generator.settings import without_settings
from lab.load.record.plan import PLAN, PLAN_VARIABLE, Plan
from lab.paths import LOADTESTS

LOCUSTFILE = LOADTESTS / "locustfile.py"
STOPS_WITHIN_S = 15.0
WEB_HOST = "127.0.0.1"


class LocustProcess:
    """`start` once, `wait` in slices, `interrupt` for an early but clean end, `kill` for certain."""

    def __init__(self, plan: Plan, folder: Path, reaper: Reaper, *, web_port: int | None = None) -> None:
        self._plan, self._folder, self._reaper, self._web_port = plan, folder, reaper, web_port
        self._group: ProcessGroup | None = None

    def command(self) -> list[str]:
        """Plain Locust; several processes where the plan has several workers."""
        files = ["--csv", str(self._folder / "locust"), "--html", str(self._folder / "locust.html")]
        command = python_command(
            "-m", "lab.load.generator.locust_main", "-f", str(LOCUSTFILE), *files, "--skip-log-setup", unbuffered=True
        )
        if self._plan.workers > 1:
            command += ["--processes", str(self._plan.workers)]
        if self._web_port is None:
            return [*command, "--headless", "--only-summary"]
        return [*command, "--web-host", WEB_HOST, "--web-port", str(self._web_port), "--autostart", "--autoquit", "1"]

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

    def check(self) -> None:
        """Raises EnvironmentFailure, with its last words, if it failed. Exit code 1 only says that requests did."""
        assert self._group is not None
        if self._group.returncode not in (0, 1, -signal.SIGINT, 130):
            raise EnvironmentFailure(
                f"Locust ended with exit code {self._group.returncode}, expected 0. Its last lines:\n"
                f"{self._group.log_tail()}"
            )

    def interrupt(self) -> None:
        """Ask for a clean end: its workers write their accounts."""
        if self._group is not None:
            self._group.signal_program(signal.SIGINT)
            if not self.wait(STOPS_WITHIN_S):
                self.kill()

    def kill(self) -> None:
        """End it and its workers at once."""
        if self._group is not None:
            self._group.kill()
