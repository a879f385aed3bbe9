"""Runs a module as its command line does, and ends it by SIGKILL at the n-th event of a kind: a moment that repeats.

    python -P killed.py KIND N VICTIMS MODULE ARGUMENTS...

Events are counted in this process and in those that it forks: lines of a history, files opened for writing, files put
in place, children started, connections made. With N = 0 nothing is killed, and the counts go to the file that
LAB_TEST_COUNTS names. Victims are this process (`main`), its watchers, too, or every Python process of the trial.
"""

from __future__ import annotations

import atexit
import json
import mmap
import os
import runpy
import signal
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

KINDS = ("record", "file", "rename", "child", "connect")
EVENTS = {
    "os.rename": "rename", "subprocess.Popen": "child", "os.fork": "child", "os.posix_spawn": "child",
    "socket.connect": "connect",
}  # fmt: skip
WATCHER, TRIAL = b"processes/watcher.py", "LAB_TEST_TRIAL"
MAIN = os.getpid()


class Counter:
    """Counts of all kinds, shared with the processes that are forked."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 8 * len(KINDS))

    def count(self, kind: str) -> int:
        """One more; how many there were."""
        place = 8 * KINDS.index(kind)
        (before,) = struct.unpack_from("q", self._shared, place)
        struct.pack_into("q", self._shared, place, before + 1)
        return int(before) + 1

    def counts(self) -> dict[str, int]:
        """So far."""
        return dict(zip(KINDS, struct.unpack_from(f"{len(KINDS)}q", self._shared), strict=True))


def of_trial() -> Iterator[tuple[int, bytes]]:
    """The processes that carry this trial's variable, with their command lines."""
    wanted = f"{TRIAL}={os.environ[TRIAL]}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name), (folder / "cmdline").read_bytes()


def kill(victims: str) -> None:
    """Never returns."""
    if victims != "main":
        for pid, words in of_trial():
            chosen = WATCHER in words or (victims == "every python" and b"python" in words.partition(b"\0")[0])
            if chosen and pid not in (os.getpid(), MAIN):
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
    os.kill(MAIN, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Count, and kill."""
    kind, number, victims, module, *words = sys.argv[1:]
    at, counter = int(number), Counter()

    def happened(what: str) -> None:
        if counter.count(what) == at and what == kind:
            kill(victims)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            if isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
                happened("file")
        elif event in EVENTS:
            happened(EVENTS[event])

    from lab.evidence import recorder

    add = recorder.Recorder.add

    def counted(self: Any, record: Any) -> Any:
        happened("record")
        return add(self, record)

    recorder.Recorder.add = counted  # type: ignore[method-assign]
    sys.addaudithook(hook)
    if "LAB_TEST_COUNTS" in os.environ:
        path = Path(os.environ.pop("LAB_TEST_COUNTS"))
        atexit.register(lambda: os.getpid() == MAIN and path.write_text(json.dumps(counter.counts())))
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
