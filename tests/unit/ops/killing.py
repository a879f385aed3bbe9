"""Ends a command by SIGKILL at its n-th step, in a process of its own: before or after a request, or at a file.

Steps are every JSON-RPC request (one before it leaves, one once its answer is there), every file that is opened to be
written, and every file that is put in place: between two of them a command only computes.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NoReturn
from unittest.mock import patch

from lab.rpc import HttpTransport

FACTOR = float(os.environ.get("LAB_TORTURE") or 1)
SEED = int(os.environ.get("LAB_SEED") or 15)
# Of each command so many moments in the usual run, spread evenly; from here on every step is one.
MOMENTS, ALL_FROM = 4, 20.0


class Steps:
    """Counts, and kills at one of them."""

    def __init__(self, at: int | None) -> None:
        self.count, self._at, self._lock = 0, at, threading.Lock()

    def happened(self) -> None:
        """One more; it never returns from the one to be killed at."""
        with self._lock:
            self.count += 1
            if self.count == self._at:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """From now on, for as long as this process lasts."""
        plain = HttpTransport.call

        def call(transport: HttpTransport, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
            self.happened()
            answer = plain(transport, method, params, timeout_s)
            self.happened()
            return answer

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            written = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if written or event == "os.rename":
                self.happened()

        # For as long as this process lasts, which is one of its own.
        patch.object(HttpTransport, "call", call).start()
        sys.addaudithook(hook)


def steps_of(command: Callable[[], object]) -> int:
    """How many steps it has; it runs to its end."""
    status, count = _in_child(command, None)
    assert os.WIFEXITED(status), status
    assert os.WEXITSTATUS(status) == 0
    return count


def killed(command: Callable[[], object], at: int) -> bool:
    """Whether the command came to that step, and so was killed. One that ends sooner has to end well."""
    status, _ = _in_child(command, at)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def moments(count: int) -> Iterator[int]:
    """At which steps to kill: a few, spread evenly from a drawn one on; all of them in a long run."""
    stride = 1 if FACTOR >= ALL_FROM else max(1, count // max(1, round(MOMENTS * FACTOR)))
    yield from range(1 + random.Random(SEED).randrange(stride), count + 1, stride)


def _in_child(command: Callable[[], object], at: int | None) -> tuple[int, int]:
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        _run(command, at, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        text = answers.read()
    _, status = os.waitpid(child, 0)
    return status, int(text or 0)


def _run(command: Callable[[], object], at: int | None, answers: int) -> NoReturn:
    code = 1
    try:
        steps = Steps(at)
        steps.watch()
        command()
        os.write(answers, str(steps.count).encode())
        code = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)
