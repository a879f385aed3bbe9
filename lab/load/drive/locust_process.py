"""Locust as a process of its own: importing it patches sockets, so nothing else of the lab ever does."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import psutil

from lab.chains.processes.python_child import python_command
from lab.chains.processes.reaper import Reaper, child_environment
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
        self._process: subprocess.Popen[bytes] | None = None
        self._workers: set[int] = set()

    def command(self) -> list[str]:
        """Plain Locust; several processes where the plan has several workers."""
        command = python_command(
            "-m",
            "lab.load.generator.locust_main",
            "-f",
            str(LOCUSTFILE),
            "--csv",
            str(self._folder / "locust"),
            "--html",
            str(self._folder / "locust.html"),
            "--skip-log-setup",
            unbuffered=True,
        )
        if self._plan.workers > 1:
            command += ["--processes", str(self._plan.workers), "--expect-workers-max-wait", str(WORKERS_WITHIN_S)]
        if self._web_port is None:
            return [*command, "--headless", "--only-summary"]
        return [*command, "--web-port", str(self._web_port), "--autostart", "--autoquit", "1"]

    @property
    def pid(self) -> int | None:
        """Of the process that was started; its workers are its children."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start it. Its output goes into the run's logs."""
        log_path = self._folder / "logs" / "locust.log"
        log_path.parent.mkdir(parents=True, exist_ok=True)
        # The run is what its plan says, whatever the user has set for Locust elsewhere.
        environment = without_settings(child_environment(self._plan.run_id)) | {PLAN_VARIABLE: str(self._folder / PLAN)}
        with log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
                cwd=self._folder,
            )
        self._reaper.watch_pid(self._process.pid)

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, after waiting for that at most so long."""
        assert self._process is not None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def lost_workers(self) -> int:
        """How many workers ended without a report of themselves; the only process of a run with one is not counted."""
        if self._process is None or self._plan.workers == 1:
            return 0
        alive = set()
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self._process.pid).children():
                if child.status() != psutil.STATUS_ZOMBIE:
                    alive.add(child.pid)
        self._workers |= alive
        return max(0, len(self._workers - alive) - len(worker_files(self._folder)))

    def failure(self) -> str | None:
        """Why the load that it generated is not what was asked for; None where it ended as it should.

        Exit code 1 only says that requests failed. Raises EnvironmentFailure, with its last words, if no load began.
        """
        assert self._process is not None
        code, said = self._process.returncode, self.log_tail()
        began = (self._folder / START).is_file()
        if began and code in (0, 1, -signal.SIGINT, 130):
            return None
        if not began and GAVE_UP not in said:
            raise EnvironmentFailure(f"Locust ended with exit code {code}, expected 0. Its last lines:\n{said}")
        return f"Locust ended with exit code {code}" if began else f"not every worker came within {WORKERS_WITHIN_S} s"

    def interrupt(self) -> None:
        """Ask for a clean end: its workers write their reports."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            if not self.wait(STOPS_WITHIN_S):
                self.kill()

    def kill(self) -> None:
        """End it and its workers at once."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def log_tail(self, lines: int = 15) -> str:
        """Its last lines, as they are quoted in an error."""
        path = self._folder / "logs" / "locust.log"
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        return "\n".join(f"  | {line}" for line in text.splitlines()[-lines:]) or "  | (no output)"
