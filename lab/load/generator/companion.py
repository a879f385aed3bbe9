"""The process beside plain Locust that prepares, watches and reckons up; `lab load` does without it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.chains.loopback import without_proxy
from lab.chains.processes.python_child import python_command

ENDS_WITHIN_S = 600


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to run, as Locust's command line says."""

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
    def start(cls, wanted: Wanted, workers: int) -> Companion:
        """Raises NotPrepared."""
        command = python_command(
            "-m",
            "lab.load.standalone",
            "--session",
            wanted.session,
            "--profile",
            wanted.profile,
            "--workers",
            str(workers),
            "--results",
            wanted.results,
        )
        for file in wanted.locust_files:
            command += ["--beside", file]
        if wanted.tps:
            command += ["--tps", wanted.tps]
        if wanted.duration:
            command += ["--duration", wanted.duration]
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
        """Let it drain and reckon up."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(timeout=ENDS_WITHIN_S)
