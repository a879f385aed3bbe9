"""How long processes were ready to run while others ran: the kernel's own account of a machine that is too busy.

Linux keeps it for each thread (`/proc/PID/task/TID/schedstat`, the second figure, in nanoseconds). Elsewhere nothing is
known, and none is claimed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import psutil

NS_PER_MS = 1_000_000


class Starvation:
    """Counts from one question to the next."""

    def __init__(self) -> None:
        self._waited_ns: dict[tuple[int, str], int] = {}

    def since_last_ms(self, roots: Iterable[int]) -> int:
        """Milliseconds that these processes, their children and this one waited for a processor.

        A request waits in one process after the other, so what they waited for adds up; of a process the thread counts
        that waited longest, for most requests need but one.
        """
        before, now = self._waited_ns, dict(_waits(roots))
        self._waited_ns = now
        longest: dict[int, int] = {}
        for (pid, thread), ns in now.items():
            if (pid, thread) in before:
                longest[pid] = max(longest.get(pid, 0), ns - before[pid, thread])
        return sum(longest.values()) // NS_PER_MS


def _waits(roots: Iterable[int]) -> Iterable[tuple[tuple[int, str], int]]:
    for pid in (os.getpid(), *_with_children(roots)):
        for thread in _threads(pid):
            try:
                account = Path(f"/proc/{pid}/task/{thread}/schedstat").read_text(encoding="ascii")
                yield (pid, thread), int(account.split()[1])
            except (OSError, IndexError, ValueError):
                continue


def _threads(pid: int) -> list[str]:
    """None of a process that has ended: it may end between any two looks, so nothing here walks what may be gone."""
    try:
        return [thread.name for thread in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return []


def _with_children(roots: Iterable[int]) -> Iterable[int]:
    for pid in roots:
        try:
            process = psutil.Process(pid)
            yield from (pid, *(child.pid for child in process.children(recursive=True)))
        except psutil.Error:
            continue
