"""The process beside plain Locust that prepares, watches and reconciles; `lab load` does without it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.chains.loopback import without_proxy
from lab.chains.processes.python_child import python_command

ENDS_WITHIN_S = 600


@dataclass(frozen=True, slots=True)
class LocustOptions:
    """What to run, as the options of Locust's command line say."""

    session: str
    profile: str
    tps: str | None
    duration: str | None
    results: str
    locust_files: tuple[str, ...] = ()


class NotPrepared(RuntimeError):
    """The run could not be prepared; the reason is on stderr already. `exit_code` is the preparing process's."""

    def __init__(self, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(f"the run could not be prepared (exit code {exit_code}); the reason stands above")


class Companion:
    """`start` returns once the plan is written; `finish` returns the exit code, with the report written."""

    def __init__(self, process: subprocess.Popen[str], plan: Path) -> None:
        self._process, self.plan = process, plan

    @classmethod
    def start(cls, options: LocustOptions, workers: int) -> Companion:
        """Raises NotPrepared."""
        command = python_command(
            "-m",
            "lab.load.standalone",
            "--session",
            options.session,
            "--profile",
            options.profile,
            "--workers",
            str(workers),
            "--results",
            options.results,
        )
        for file in options.locust_files:
            command += ["--beside", file]
        if options.tps:
            command += ["--tps", options.tps]
        if options.duration:
            command += ["--duration", options.duration]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=without_proxy(os.environ),
        )
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        if not line:
            raise NotPrepared(process.wait())
        return cls(process, Path(line))

    def finish(self) -> int:
        """Let it drain and reconcile."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(timeout=ENDS_WITHIN_S)
