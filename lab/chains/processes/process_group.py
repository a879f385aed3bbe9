"""A program with all that it starts in turn: signalled, watched, stopped and killed as one.

Wrappers are common (a shell, npm, uv, an entry point), and what matters is their child: it may outlive them, and may
have left their session. On Linux a keeper (`keeper`) stands above them all. Elsewhere, or where the keeper was killed,
the group is the session that the program leads, what carries its mark in the environment, and the children of both.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from signal import Signals
from uuid import uuid4

import psutil

from lab.chains.processes import child, keeper
from lab.chains.processes.child import KILLED_WITHIN_S, POLL_S, Child, Launch
from lab.owner import RUN_VARIABLE

GROUP_VARIABLE = "TESSERACT_LAB_GROUP"


class ProcessGroup(Child):
    """Made by `start`. `returncode` is the one of the program itself, None while anything of it runs under a keeper."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, program: int, mark: str) -> None:
        super().__init__(process, log)
        self._program, self._mark = program, mark
        self._gone = False
        self._known: list[psutil.Process] = []

    @classmethod
    def _started(cls, launch: Launch, run_id: str) -> ProcessGroup:
        mark = uuid4().hex
        marked = {**(launch.environment or {}), GROUP_VARIABLE: mark}
        words, pass_fds = launch.words, launch.pass_fds
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as said:
            try:
                if child.LINUX:
                    del marked[RUN_VARIABLE]
                    lead = [str(writing), str(os.getpid()), RUN_VARIABLE, run_id]
                    words = [sys.executable, "-I", "-S", str(keeper.__file__), *lead, *words]
                    pass_fds = (*pass_fds, writing)
                process = replace(launch, words=words, environment=marked, pass_fds=pass_fds).process()
            finally:
                os.close(writing)
            # The keeper closes its end once the program runs, or cannot.
            answer = dict(line.split() for line in said.read().decode().splitlines())
        if "error" in answer:
            process.wait()
            raise OSError(int(answer["error"]), os.strerror(int(answer["error"])))
        return cls(process, launch.log, int(answer.get("pid", process.pid)), mark)

    @property
    def pid(self) -> int:
        """Of the program itself."""
        return self._program

    @property
    def alive(self) -> bool:
        """Whether anything of it runs: a wrapper may have ended before its child."""
        if self._process.poll() is None:
            return True
        self._gone = self._gone or not self.members()
        return not self._gone

    def members(self) -> list[psutil.Process]:
        """All that runs of it now; what was seen once is known, though its parent be gone since."""
        if child.LINUX and self._process.poll() is None:
            with contextlib.suppress(psutil.Error):
                return [
                    process for process in psutil.Process(self._process.pid).children(recursive=True) if _runs(process)
                ]
        members = {process.pid: process for process in self._known if _runs(process)}
        others: dict[int, psutil.Process] = {}
        for process in psutil.process_iter(["status"]):
            if process.pid == os.getpid() or process.info["status"] == psutil.STATUS_ZOMBIE:
                continue
            if process.pid not in members:
                (members if self._belongs(process) else others)[process.pid] = process
        for process in list(members.values()):
            with contextlib.suppress(psutil.Error):
                members |= {below.pid: below for below in process.children(recursive=True) if below.pid in others}
        self._known = list(members.values())
        return self._known

    def oldest(self) -> int:
        """The process to look at: the program itself, after its end the first of those that it left."""
        running = [process.pid for process in self.members()]
        return self.pid if self.pid in running else min(running, default=self.pid)

    def names(self) -> list[str]:
        names = []
        for process in self.members():
            with contextlib.suppress(psutil.Error):
                names.append(f"`{' '.join(process.cmdline())[:120]}` (pid {process.pid})")
        return names

    def signal(self, number: signal.Signals) -> bool:
        """Send all of it a signal; False if nothing runs."""
        # One look may miss what is forked, or handed to the keeper by a parent that ends, while it lasts.
        signalled: set[psutil.Process] = set()
        looks_without_news = 0
        while looks_without_news < 2:
            news = set(self.members()) - signalled
            looks_without_news = 0 if news else looks_without_news + 1
            signalled |= news
            for process in news:
                with contextlib.suppress(psutil.Error, OSError):
                    process.send_signal(number)
        return bool(signalled)

    def signal_program(self, number: Signals) -> None:
        """Send the program alone a signal, as a terminal's user would to the one in front."""
        with contextlib.suppress(OSError):
            if self.alive:
                os.kill(self.pid, number)

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

    def kill(self) -> None:
        """End all of it at once, and wait for that."""
        deadline = time.monotonic() + KILLED_WITHIN_S
        # What forked meanwhile is found in the next round.
        while self.signal(signal.SIGKILL) and time.monotonic() < deadline:
            time.sleep(0.01)
        try:
            self._process.wait(KILLED_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _belongs(self, process: psutil.Process) -> bool:
        try:
            if os.getsid(process.pid) == self.pid:
                return True
            return process.environ().get(GROUP_VARIABLE) == self._mark
        except (psutil.Error, OSError):
            return False


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
