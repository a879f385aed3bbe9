"""Commands of the lab, each in a child process of its own, with a bound on time and memory, and what it took measured.

Run as a program this is a server: it loads the lab once and forks for each call, so that a call costs milliseconds.
"""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import LabError

# Of processor time, so that a busy machine is no finding; beyond the second bound, of time, it waits for something.
CPU_S = 60
DEADLINE_S = 900
# What a file of any size may cost; the issue's own bound.
MEMORY_MB_MAX = 300
# Beyond it the child's own memory ends, before that of the machine does.
ADDRESS_SPACE_BYTES = 4 << 30
STARTED = 99
BOUND = "A SOCKET WAS BOUND TO"
# What takes time, or looks at the whole machine. A command that comes to it has accepted its options.
PLACES = (
    "lab.chains.processes.reaper.Reaper.start",
    "lab.commands.up.start_background",
    "lab.commands.up.remove_leftovers",
    "lab.commands.explore.mutate.fit_runs",
    "lab.commands.explore.swarm.run_swarm",
    "lab.commands.load.actions.run_load",
    "lab.commands.load.actions.run_long",
    "lab.commands.load.actions.run_remote",
    "lab.commands.load.actions.saturate",
    "lab.session.doctor.diagnose",
    "lab.session.up.supervisor.supervise",
    "lab.commands.monitor.exporting.become",
    "lab.commands.live.rehearsal.open_explorer",
    "lab.chains.nodes.image.build_image",
    "lab.session.suite.open_suite",
)


class Started(LabError):
    """In place of everything that takes time: the options were accepted."""

    exit_code = STARTED


def start(*arguments: object, **options: object) -> None:
    """Stands in for what takes time."""
    raise Started("started")


@dataclass(frozen=True)
class Outcome:
    """How a call ended: its exit code (minus a signal's number), output, peak memory and duration."""

    code: int
    output: str
    peak_mb: float
    seconds: float

    @property
    def trouble(self) -> str:
        """What is wrong with it in one line; empty where nothing is."""
        if self.code < 0:
            return f"signal {-self.code} after {self.seconds:.0f} s"
        if BOUND in self.output:
            return f"listens beyond this machine: {self.output[self.output.index(BOUND) :][:80]}"
        if "Traceback" in self.output or "INTERNALERROR" in self.output:
            return f"a traceback: ...{self.output[-600:]}"
        if self.code not in (0, 1, 2, 3, 4, STARTED):
            return f"exit code {self.code}: {self.output[-300:]}"
        return f"{self.peak_mb:.0f} MB" if self.peak_mb > MEMORY_MB_MAX else ""


class Caller:
    """Calls `lab` with arguments; each call is a process of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._output = folder / "output"
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder), "COLUMNS": "200"}
        self._server = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )

    def __call__(self, arguments: Sequence[str], folder: Path) -> Outcome:
        """`lab` with these arguments in a working folder."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        call = {"arguments": list(arguments), "folder": str(folder), "output": str(self._output)}
        self._server.stdin.write(json.dumps(call).encode() + b"\n")
        self._server.stdin.flush()
        code, peak_mb, seconds = json.loads(self._server.stdout.readline())
        with self._output.open("rb") as stream:
            output = stream.read(1 << 20).decode(errors="replace")
        return Outcome(code, output, peak_mb, seconds)

    def close(self) -> None:
        """End the server."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(DEADLINE_S)


@contextmanager
def calling(folder: Path) -> Iterator[Caller]:
    """A caller that is closed at the end."""
    caller = Caller(folder)
    try:
        yield caller
    finally:
        caller.close()


def _serve() -> None:
    import unittest.mock
    from importlib import import_module

    for module in (
        "lab.commands.release.report",
        "lab.commands.check",
        "lab.commands.load.actions",
        "lab.load.profile.profile",
    ):
        import_module(module)
    for place in PLACES:
        unittest.mock.patch(place, start).start()
    for line in sys.stdin.buffer:
        call = json.loads(line)
        begun = time.monotonic()
        child = os.fork()
        if child == 0:
            _call(call)
        _, status, usage = os.wait4(child, 0)
        answer = [os.waitstatus_to_exitcode(status), usage.ru_maxrss / 1024, time.monotonic() - begun]
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _watch_sockets(event: str, arguments: tuple[Any, ...]) -> None:
    """Says so where a socket of the network is bound to any address but this machine's own."""
    if event == "socket.bind" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        if not (host.startswith("127.") or host in ("::1", "localhost")):
            os.write(2, f"{BOUND} {host!r}\n".encode())


def _call(call: dict[str, Any]) -> None:
    """Never returns."""
    import signal
    import traceback

    code = 70
    try:
        os.chdir(call["folder"])
        handle = os.open(call["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        null = os.open(os.devnull, os.O_RDONLY)
        for number, source in ((0, null), (1, handle), (2, handle)):
            os.dup2(source, number)
        sys.stdin = io.TextIOWrapper(io.FileIO(0))
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w"), encoding="utf-8", errors="replace", write_through=True)
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w"), encoding="utf-8", errors="replace", write_through=True)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 5))
        signal.alarm(DEADLINE_S)
        sys.addaudithook(_watch_sockets)
        sys.argv = ["lab", *call["arguments"]]
        from lab.cli import main

        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    _serve()
