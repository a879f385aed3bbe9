"""A program that the lab starts: its log, its start, its end. Nodes, relayers, Locust and supervisors are started here.

On Linux the kernel ends it with the lab, also where lab and watcher are killed together. `Child` is one process;
`process_group` beside this module is a program with all that it starts in turn.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Self

from lab.bounded_files import open_append
from lab.chains.loopback import without_proxy
from lab.chains.processes.guest_log import GuestLog
from lab.chains.processes.lasting_thread import on_lasting_thread
from lab.chains.processes.log_tail import last_lines
from lab.chains.processes.reaper import Reaper
from lab.owner import this_process

LINUX = sys.platform == "linux"
POLL_S = 0.05
# How long the kernel may take to end what was killed.
KILLED_WITHIN_S = 5.0
# Where util-linux's setpriv is missing, as in Alpine: the same, ten times slower.
_TIE = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execvp(sys.argv[1], sys.argv[1:])"


def child_environment(run_id: str, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, or `inherited`, plus the marks by which a child is found once this process is gone.

    No proxy stands before the loopback address in it. Not for a child that is meant to outlive this process.
    """
    return {**without_proxy(os.environ if inherited is None else inherited), **this_process().variables(run_id)}


@dataclass(frozen=True, slots=True)
class Launch:
    """A program to start in a session of its own: command line, log, the log's handle, environment, working folder."""

    words: list[str]
    log: Path
    output: int
    environment: dict[str, str] | None = None
    folder: Path | None = None
    pass_fds: tuple[int, ...] = ()

    def process(self) -> subprocess.Popen[bytes]:
        """The running program. Raises OSError."""
        return subprocess.Popen(
            self.words,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.output,
            env=self.environment,
            cwd=self.folder,
            pass_fds=self.pass_fds,
            start_new_session=True,
        )


class Child:
    """Made by `start` or `start_detached`."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self.log = log

    @classmethod
    def start(
        cls,
        words: Sequence[str],
        *,
        run_id: str,
        log: Path | GuestLog,
        reaper: Reaper,
        environment: Mapping[str, str] | None = None,
        inherited: Mapping[str, str] | None = None,
        folder: Path | None = None,
        pass_fds: tuple[int, ...] = (),
    ) -> Self:
        """Start a program that does not outlive this process; both its output streams are added to `log`.

        `environment` is added to `inherited`, which is this process's own if it is not given; `folder` is where it
        runs. Raises OSError.
        """
        marked = {**child_environment(run_id, inherited), **(environment or {})}
        with _output(log) as (path, output):
            launch = Launch(list(words), path, output, marked, folder, pass_fds)
            child = on_lasting_thread(lambda: cls._started(launch, run_id), Child.kill)
        reaper.watch_pid(child.pid)
        return child

    @classmethod
    def _started(cls, launch: Launch, run_id: str) -> Self:
        if tie := tied_to_parent():
            # What the system would say of the program, it would now say of the one that ties it.
            _require_executable(launch.words[0])
        return cls(replace(launch, words=[*tie, *launch.words]).process(), launch.log)

    @classmethod
    def start_detached(cls, words: Sequence[str], *, log: Path, pass_fds: tuple[int, ...] = ()) -> Self:
        """Start a program that outlives this process, and carries no mark of it. Raises OSError."""
        with open_append(log) as output:
            return cls(Launch(list(words), log, output.fileno(), pass_fds=pass_fds).process(), log)

    @property
    def pid(self) -> int:
        """Of the program itself."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Of the program itself; None while it runs."""
        return self._process.poll()

    @property
    def alive(self) -> bool:
        """Whether it runs, or is held."""
        return self._process.poll() is None

    def signal(self, number: signal.Signals) -> bool:
        """Send it a signal; False if nothing runs."""
        if not self.alive:
            return False
        self._process.send_signal(number)
        return True

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, after waiting for that at most so long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, seconds))
        return not self.alive

    def wait_ready(self, ready: Callable[[], bool], within_s: float, poll_s: float = POLL_S) -> bool:
        """Whether `ready` came true in time and before its end."""
        deadline = time.monotonic() + within_s
        while not ready():
            if not self.alive or time.monotonic() > deadline:
                return False
            time.sleep(poll_s)
        return True

    def stop(self, within_s: float) -> list[str]:
        """Ask it to end, and kill what is left after `within_s`; the names of what was killed."""
        self.signal(signal.SIGTERM)
        # What was held cannot hear.
        self.signal(signal.SIGCONT)
        if self.wait(within_s):
            return []
        left = self.names()
        self.kill()
        return left

    def kill(self) -> None:
        """End it at once, and wait for that."""
        self.signal(signal.SIGKILL)
        self._process.wait()

    def names(self) -> list[str]:
        """`sleep 60 (pid 17)` for each process of it that runs."""
        return [f"`{' '.join(map(str, self._command()))[:120]}` (pid {self.pid})"] if self.alive else []

    def log_tail(self, lines: int = 15) -> str:
        """Its last log lines, indented, as an error quotes them."""
        return last_lines(self.log, lines)

    def _command(self) -> Sequence[str]:
        args = self._process.args
        return [str(args)] if isinstance(args, (str, bytes, os.PathLike)) else [str(word) for word in args]


def how_ended(code: int | None) -> str:
    """What is said of an exit code: Python gives a negative one for a signal, whose name says more."""
    names = {int(number): number.name for number in signal.Signals}
    return f"signal {names.get(-code, -code)}" if code is not None and code < 0 else f"exit code {code}"


def was_killed(code: int | None) -> bool:
    """Whether SIGKILL ended a program, or the one that a shell around it ran: that of a kernel without memory left.

    Other signals are a program's own as often as not: SIGABRT, and SIGTERM to end itself in order.
    """
    return code in (-signal.SIGKILL, 128 + signal.SIGKILL)


@contextlib.contextmanager
def _output(log: Path | GuestLog) -> Iterator[tuple[Path, int]]:
    """The path of a log, and the handle that a program writes to."""
    if isinstance(log, GuestLog):
        yield log.path, log.fileno()
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with open_append(log) as output:
        yield log, output.fileno()


@lru_cache(maxsize=1)
def tied_to_parent() -> tuple[str, ...]:
    """What stands before a command so that the kernel kills it when its parent ends. Nothing where there is no such."""
    if not LINUX:
        return ()
    setpriv = shutil.which("setpriv")
    # Busybox has one, too, which cannot do it.
    if setpriv is not None and Path(setpriv).resolve().name == "setpriv":
        return (setpriv, "--pdeathsig", "KILL")
    return (sys.executable, "-I", "-S", "-c", _TIE)


def _require_executable(program: str) -> None:
    if shutil.which(program) is None:
        code = errno.EACCES if Path(program).exists() else errno.ENOENT
        raise OSError(code, os.strerror(code), program)
