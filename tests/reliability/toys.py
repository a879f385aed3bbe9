"""Jobs for a cluster's workers that cost nothing: each leaves a file, so that a test sees what was done, and where."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

VERSION = "LAB_TEST_VERSION"


@dataclass(frozen=True)
class Toy:
    """A bench: a folder."""

    folder: Path

    def close(self) -> None:
        (self.folder / f"closed-{os.getpid()}").touch()


@dataclass(frozen=True)
class ToyOpener:
    """Of a version that the worker's environment decides."""

    folder: Path

    def __call__(self) -> Toy:
        (self.folder / f"opened-{os.getpid()}").touch()
        return Toy(self.folder)

    def made_with(self, bench: Toy, _: object) -> dict[str, str]:
        return {"lab": os.environ.get(VERSION, "1"), "contract": "Mine 1234"}


def square(bench: Toy, number: int) -> int:
    """Takes a moment, and leaves its process' number."""
    (bench.folder / f"begun-{number}-{os.getpid()}").touch()
    time.sleep(0.05)
    return number * number


def die_once(bench: Toy, number: int) -> int:
    """At every third task the process kills itself, the first time."""
    mark = bench.folder / f"died-{number}"
    if number % 3 == 0 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def die_at_three(bench: Toy, number: int) -> int:
    """At one task it kills itself whenever that is tried."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def kill_worker_once(bench: Toy, number: int) -> int:
    """The Dask worker itself dies at one task, the first time, and this process with it."""
    mark = bench.folder / f"killed-{number}"
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return number * number


def wait_but_for_nought(bench: Toy, number: int) -> int:
    """Is at it until it is ended; the first only until another is begun."""
    (bench.folder / f"begun-{number}-{os.getpid()}").touch()
    until = time.monotonic() + 60
    while time.monotonic() < until and (number or not list(bench.folder.glob("begun-1-*"))):
        time.sleep(0.05)
    return number


def kill(bench: Toy, pid: int) -> int:
    """Something else dies, and nothing comes of this task."""
    os.kill(pid, signal.SIGKILL)
    time.sleep(5)
    return pid
