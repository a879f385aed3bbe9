"""A relayer as a process of its own, under the real clock: started, stopped with SIGTERM, killed with SIGKILL.

Any program will do that finds its networks in the session file; nothing is known of it but what it sends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.chains.reaper import Reaper, child_environment
from lab.chains.scheduler import Scheduler
from lab.errors import LabError, UsageError
from lab.evidence import Recorder
from lab.faults.submits import Submits
from lab.model.records import RelayerEvent, RelayerMark
from lab.model.session import Session
from lab.session.relayer_command import without_secrets

SESSION_VARIABLE = "LAB_SESSION"
WATCH_MS = 200
STOP_S = 10.0
# The relayer rests when it has sent nothing for this many polls.
QUIET_POLLS = 3
LOG_LINES = 15


def reference_command(session: Path, store: Path) -> list[str]:
    """The reference relayer's command line."""
    return [sys.executable, "-m", "lab.relayer", "--session", str(session), "--store", str(store)]


class RelayerProcess:
    """Implements `RelayerControl`. A death that nobody asked for surfaces as a LabError where the clock is advanced."""

    def __init__(
        self,
        command: Sequence[str],
        session: Session,
        session_path: Path,
        log_path: Path,
        scheduler: Scheduler,
        recorder: Recorder,
        submits: Sequence[Submits],
        reaper: Reaper,
        *,
        name: str = "relayer",
        working_folder: Path | None = None,
        quiet_ms: int = 0,
    ) -> None:
        self._name = name
        self._working_folder, self._quiet_ms = working_folder, quiet_ms
        self._command = list(command)
        self._session = session
        self.session_path = session_path
        self.log_path = log_path
        self._scheduler = scheduler
        self._recorder = recorder
        self._submits = submits
        self._reaper = reaper
        self._process: subprocess.Popen[bytes] | None = None
        self._stop_by_ms: int | None = None
        self._started_ms = 0
        self.deaths = 0

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def store_path(self) -> Path:
        """See `RelayerControl.store_path`."""
        return Path(self._session.store_path)

    @property
    def sends(self) -> int:
        """Nobody can tell its transactions from another's: 1 while it runs."""
        return int(self.running)

    @property
    def pid(self) -> int | None:
        """Its process id while it is looked after."""
        return self._process.pid if self._process is not None else None

    @property
    def idle(self) -> bool:
        """Whether it sent nothing for a few polls and all it sent is mined; a dead or stopped one counts as idle."""
        if not self.running:
            return True
        since_ms = max([self._started_ms, *(submits.last_ms for submits in self._submits)])
        quiet_ms = max(QUIET_POLLS * self._session.poll_interval_ms, self._quiet_ms)
        quiet = self._scheduler.now_ms - since_ms >= quiet_ms
        return quiet and not any(submits.any_unmined() for submits in self._submits)

    def start(self) -> None:
        """See `RelayerControl.start`. One that is about to stop is waited for."""
        if self._process is not None and (self._stop_by_ms is not None or not self.running):
            self._wait()
            self._ended(self._process)
        if not self.running:
            self._note("start", "start")
            self._spawn()

    def stop(self) -> None:
        """Ask for a clean stop: it finishes its poll first."""
        if self.running and self._process is not None:
            self._process.terminate()
            self._stop_by_ms = self._scheduler.now_ms + round(STOP_S * 1000)

    def kill(self) -> None:
        """See `RelayerControl.kill`."""
        if self.running:
            self._end_group()
            self.deaths += 1
            self._note("kill", "killed")

    def kill_at(self, point: str) -> None:
        """Raises UsageError: nothing inside of a process can be seen from here."""
        raise UsageError(
            f"relayer_kill: the point {point} needs the virtual clock; under `clock: real` the relayer is a process of "
            "its own and can only be killed at once: leave `point` out"
        )

    def spare(self) -> None:
        """See `RelayerControl.spare`: there is never a kill to call off."""

    def pause(self) -> bool:
        """See `RelayerControl.pause`."""
        return self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """See `RelayerControl.resume`."""
        self._signal(signal.SIGCONT)

    def twin(self) -> RelayerProcess:
        """See `RelayerControl.twin`: the same command with a session file and a store of its own."""
        store, path = f"{self._session.store_path}.twin", self.session_path.with_name("session-twin.json")
        session = self._session.model_copy(update={"store_path": store})
        session.write(path)
        command = [
            word.replace(str(self.session_path), str(path)).replace(self._session.store_path, store)
            for word in self._command
        ]
        return RelayerProcess(
            command, session, path, self.log_path.with_name("relayer-twin.log"),
            self._scheduler, self._recorder, self._submits, self._reaper,
            name="second relayer", working_folder=self._working_folder, quiet_ms=self._quiet_ms,
        )  # fmt: skip

    def rotate(self, role: str) -> None:
        """See `RelayerControl.rotate`: the session file names the role whose key is used."""
        self.stop()
        self._session = self._session.model_copy(update={"relayer_role": role})
        self._session.write(self.session_path)
        self.start()

    def close(self) -> None:
        """End it for good, without a note."""
        if self.running and self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S / 2)
        self._end_group()

    def _spawn(self) -> None:
        environment = child_environment(self._session.run_id) | {SESSION_VARIABLE: str(self.session_path)}
        try:
            with self.log_path.open("ab") as log:
                process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    cwd=self._working_folder,
                    start_new_session=True,
                )
        except OSError as error:
            command = without_secrets(" ".join(self._command))
            raise UsageError(f"the relayer could not be started with `{command}`: {error}") from error
        self._reaper.watch_pid(process.pid)
        self._process, self._stop_by_ms, self._started_ms = process, None, self._scheduler.now_ms
        self._watch(process)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Look now and again whether it still lives, until it is another's turn."""
        if self._process is not process:
            return
        if process.poll() is not None:
            self._ended(process)
        elif self._stop_by_ms is not None and self._scheduler.now_ms > self._stop_by_ms:
            raise self._stuck()
        else:
            self._scheduler.at(self._scheduler.now_ms + WATCH_MS, lambda: self._watch(process))

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        self._end_group()
        if self._stop_by_ms is not None:
            self._note("stop", "stop" if process.returncode == 0 else f"stop, with exit code {process.returncode}")
            return
        self._note("crash", f"crashed: exit code {process.returncode}, nobody asked for it")
        raise LabError(
            f"the relayer ended by itself with exit code {process.returncode}; expected it to run until it is stopped. "
            f"Its last log lines ({self.log_path}):\n{self.log_tail()}"
        )

    def _wait(self) -> None:
        try:
            if self._process is not None:
                self._process.wait(STOP_S)
        except subprocess.TimeoutExpired as error:
            raise self._stuck() from error

    def _stuck(self) -> LabError:
        return LabError(
            f"the relayer still runs {STOP_S:g} s after SIGTERM; expected a clean stop. "
            f"Its last log lines ({self.log_path}):\n{self.log_tail()}"
        )

    def _end_group(self) -> None:
        """Kill the process and whatever it started: it leads a group of its own."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _signal(self, number: signal.Signals) -> bool:
        if not self.running or self._process is None:
            return False
        os.killpg(self._process.pid, number)
        return True

    def log_tail(self) -> str:
        """Its last log lines, indented."""
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        return "\n".join(f"  | {line}" for line in lines) or "  | (the log is empty)"

    def _note(self, event: RelayerEvent, text: str) -> None:
        # One that is started before genesis is there from the beginning.
        mark = RelayerMark(t_ms=max(0, self._scheduler.now_ms), kind=self._name, event=event, text=text)
        self._recorder.add(mark)
