"""A program that the lab started, with all that it started in turn: signalled, watched, stopped and killed as one.

Wrappers are common (a shell, npm, uv, an entry point), and what matters is their child: it may outlive them, and may
have left their session. So the group is the session that the program leads, what carries its mark in the environment,
and the children of both.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import psutil

from lab.chains.processes.reaper import Reaper, child_environment

GROUP_VARIABLE = "TESSERACT_LAB_GROUP"
POLL_S = 0.05
# How long the kernel may take to end what was killed.
KILLED_WITHIN_S = 5.0


class ProcessGroup:
    """Made by `start`. `returncode` is the one of the program itself, None while that runs."""

    def __init__(self, process: subprocess.Popen[bytes], mark: str) -> None:
        self._process, self._mark = process, mark
        self._gone = False
        self._known: list[psutil.Process] = []

    @classmethod
    def start(
        cls,
        words: Sequence[str],
        *,
        run_id: str,
        log: Path,
        reaper: Reaper,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> ProcessGroup:
        """Start a program; both its output streams are added to `log`. Raises OSError.

        `environment` is added to this process's own, `folder` is where it runs.
        """
        mark = uuid4().hex
        marked = {**child_environment(run_id), GROUP_VARIABLE: mark, **(environment or {})}
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                list(words), stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=marked, cwd=folder,
                start_new_session=True,
            )  # fmt: skip
        reaper.watch_pid(process.pid)
        return cls(process, mark)

    @property
    def pid(self) -> int:
        """Of the program itself."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """See the class."""
        return self._process.poll()

    @property
    def alive(self) -> bool:
        """Whether anything of it runs: a wrapper may have ended before its child."""
        if self._process.poll() is None:
            return True
        self._gone = self._gone or not self.members()
        return not self._gone

    def members(self) -> list[psutil.Process]:
        """All that runs of it now; what was found once is known, though its parent be gone since."""
        members = {process.pid: process for process in self._known if _runs(process)}
        others: dict[int, psutil.Process] = {}
        for process in psutil.process_iter(["status"]):
            if process.pid == os.getpid() or process.info["status"] == psutil.STATUS_ZOMBIE:
                continue
            if process.pid not in members:
                (members if self._belongs(process) else others)[process.pid] = process
        for process in list(members.values()):
            with contextlib.suppress(psutil.Error):
                members |= {child.pid: child for child in process.children(recursive=True) if child.pid in others}
        self._known = list(members.values())
        return self._known

    def oldest(self) -> int:
        """The process to look at: the program itself, after its end the first of those that it left."""
        if self._process.poll() is None:
            return self.pid
        return min((process.pid for process in self.members()), default=self.pid)

    def names(self) -> list[str]:
        """`sleep 60 (pid 17)` for each that runs."""
        found = []
        for process in self.members():
            with contextlib.suppress(psutil.Error):
                found.append(f"`{' '.join(process.cmdline())[:120]}` (pid {process.pid})")
        return found

    def signal(self, number: signal.Signals) -> bool:
        """Send all of it a signal; False if nothing runs."""
        members = self.members()
        for process in members:
            with contextlib.suppress(psutil.Error, OSError):
                process.send_signal(number)
        return bool(members)

    def wait(self, seconds: float) -> bool:
        """Whether all of it has ended, after waiting for that at most so long."""
        deadline = time.monotonic() + seconds
        while self.alive:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(min(POLL_S, left))
            if self._process.returncode is not None and self.alive:
                time.sleep(min(POLL_S, max(0.0, left)))
        return True

    def stop(self, within_s: float) -> list[str]:
        """Ask all of it to end, and kill what is left after `within_s`; the names of what was killed."""
        self.signal(signal.SIGTERM)
        # What was held cannot hear.
        self.signal(signal.SIGCONT)
        if self.wait(within_s):
            return []
        left = self.names()
        self.kill()
        return left

    def kill(self) -> None:
        """End all of it at once, and wait for that."""
        deadline = time.monotonic() + KILLED_WITHIN_S
        # What forked meanwhile is found in the next round.
        while self.signal(signal.SIGKILL) and time.monotonic() < deadline:
            time.sleep(0.01)
        self._process.wait()

    def _belongs(self, process: psutil.Process) -> bool:
        try:
            if os.getsid(process.pid) == self._process.pid:
                return True
            return process.environ().get(GROUP_VARIABLE) == self._mark
        except (psutil.Error, OSError):
            return False


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
