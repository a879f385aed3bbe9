"""The relayer under load, the reference one or the user's: a process that finds its networks in a session file."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from lab.chains.reaper import Reaper, child_environment
from lab.errors import UsageError
from lab.session.relayer_command import RelayerCommand
from lab.session.relayer_process import SESSION_VARIABLE, reference_command

STOPS_WITHIN_S = 10.0


class LoadRelayer:
    """Started before the load, stopped after it; its death is seen by the sampler and costs uptime."""

    def __init__(self, own: RelayerCommand | None, session: Path, store: Path, log: Path) -> None:
        """`own` None is the reference relayer."""
        self._folder = own.folder if own is not None else Path.cwd()
        self.command = own.argv(session) if own is not None else reference_command(session, store)
        self._session, self._log = session, log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """While it is looked after."""
        return self._process.pid if self._process is not None else None

    def start(self, run_id: str, reaper: Reaper) -> None:
        """Raises UsageError where the command cannot be started."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        environment = child_environment(run_id) | {SESSION_VARIABLE: str(self._session)}
        try:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                    start_new_session=True, cwd=self._folder,
                )  # fmt: skip
        except OSError as error:
            raise UsageError(f"--relayer-cmd: `{' '.join(self.command)}` could not be started: {error}") from error
        reaper.watch_pid(self._process.pid)

    def stop(self) -> None:
        """Ask first; whatever it started goes with it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOPS_WITHIN_S)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
