"""A process with a bench of its own, which does one task after the other and ends with whoever started it.

Functions travel to it by name, so they must be functions of a module.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, Protocol

from lab.chains.processes.python_child import HERE, python_command
from lab.errors import LabError
from lab.explore.core import claim_core
from lab.garbage import loading

CLOSED_WITHIN_S = 30.0
_END = b""
_CHILD = "import sys; sys.path.append(sys.argv[1]); from lab.explore.bench_process import main; main(int(sys.argv[2]))"


class Closable(Protocol):
    """What a process keeps from job to job."""

    def close(self) -> None: ...


class JobFailure(LabError):
    """A job ended in an exception that it should have turned into an outcome: a bug of the lab."""


class ProcessDied(Exception):
    """The process is gone, and its task with it."""


class BenchProcess:
    """Opens its bench with the first task. One task at a time: `submit`, then `reply`.

    What opens the bench, and a task with its job, come pickled: who hands them on need not load what they are of.
    """

    def __init__(self, open_bench: bytes) -> None:
        self.connection, theirs = Pipe()
        # A session of its own, for Ctrl-C is the parent's business.
        self._process = subprocess.Popen(
            python_command("-c", _CHILD, str(HERE), str(theirs.fileno())),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self.submit(pickle.dumps(sys.path))
        self.submit(open_bench)

    @property
    def pid(self) -> int:
        return self._process.pid

    def submit(self, work: bytes) -> None:
        """Begin a task, pickled with its job. Of a process that is gone `reply` says so."""
        with suppress(OSError):
            self.connection.send_bytes(work)

    def reply(self) -> bytes:
        """What came of the task, once something has; `outcome_of` reads it. Raises ProcessDied."""
        try:
            return self.connection.recv_bytes()
        except (EOFError, OSError) as gone:
            raise ProcessDied from gone

    def close(self) -> None:
        """Let it close its bench and end; not while it has a task."""
        self.submit(_END)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(CLOSED_WITHIN_S)
        self.kill()

    def kill(self) -> None:
        """End it at once. What it had started is removed by the reaper of its bench."""
        self._process.kill()
        self._process.wait()
        self.connection.close()


def outcome_of(reply: bytes) -> Any:
    """What the job returned. Raises LabError of the job, JobFailure."""
    outcome, error = pickle.loads(reply)
    if error is not None:
        raise error
    return outcome


def main(number: int) -> None:
    """In the process: do what comes over the connection of this number, until its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Held until the process ends. Before it has threads, which would be left out.
    claim = claim_core()
    connection, messages = Connection(number), SimpleQueue[bytes]()
    threading.Thread(target=_listen, args=(connection, messages), daemon=True).start()
    # First of all, for what comes next may lie where only the parent looks for it.
    sys.path[:] = pickle.loads(messages.get())
    open_bench, bench = messages.get(), None
    while (work := messages.get()) != _END:
        outcome: Any = None
        error: LabError | None = None
        try:
            if bench is None:
                with loading():
                    bench = pickle.loads(open_bench)()
            job, task = pickle.loads(work)
            outcome = job(bench, task)
        except LabError as failure:
            plain = type(failure).__init__ is LabError.__init__
            error = (type(failure) if plain else LabError)(str(failure))
        except Exception:
            error = JobFailure(f"a job crashed, which is a bug of the lab:\n{traceback.format_exc()}")
        # Of a parent that is gone the other thread knows.
        with suppress(OSError):
            connection.send((outcome, error))
    if bench is not None:
        bench.close()
    if claim is not None:
        claim.close()


def _listen(connection: Connection, messages: SimpleQueue[bytes]) -> None:
    """A parent that was killed asks nobody to stop. The reaper then removes what this process had started."""
    with suppress(EOFError, OSError):
        while True:
            messages.put(connection.recv_bytes())
    os._exit(1)
