"""Runs a program within bounds on memory, processor time and output, and notes how it ended and what it took.

A program of its own, without a word of the lab and with the standard library only: `limiter.py NOTE MEMORY CPU OUTPUT
WORD...`, sizes in bytes, time in seconds. The note is missing where the limiter itself was never reached or was killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
from pathlib import Path


def main() -> None:
    """End as the program ends; a signal as 128 and its number."""
    note, memory_bytes, cpu_s, output_bytes, *words = sys.argv[1:]
    _end_with_parent(os.getppid())
    limiter = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(words, limiter, int(memory_bytes), int(cpu_s), int(output_bytes))
    _, status, usage = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    # macOS counts in bytes.
    peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    Path(note).write_text(json.dumps({"code": code, "peak_bytes": peak_bytes}), encoding="utf-8")
    sys.exit(code if code >= 0 else 128 - code)


def _become(words: list[str], limiter: int, memory_bytes: int, cpu_s: int, output_bytes: int) -> None:
    try:
        _end_with_parent(limiter)
        bounds = {
            resource.RLIMIT_DATA: (memory_bytes, memory_bytes),
            # The first ends it by a signal that has a name, the second in any case.
            resource.RLIMIT_CPU: (cpu_s, cpu_s + 5),
            resource.RLIMIT_FSIZE: (output_bytes, output_bytes),
            resource.RLIMIT_CORE: (0, 0),
        }
        for name, bound in bounds.items():
            # A lower bound may be set already, and not every system has each.
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(name, bound)
        os.execvp(words[0], words)
    except OSError as error:
        print(f"{words[0]}: {error.strerror}", file=sys.stderr)
    finally:
        os._exit(127)


def _end_with_parent(parent: int) -> None:
    """On Linux the kernel ends it with whoever started it."""
    if sys.platform != "linux":
        return
    import ctypes

    # PR_SET_PDEATHSIG, SIGKILL.
    ctypes.CDLL(None).prctl(1, 9)
    if os.getppid() != parent:
        os._exit(127)


if __name__ == "__main__":
    main()
