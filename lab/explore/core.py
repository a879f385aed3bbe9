"""A core for each process with a bench.

Process and nodes take turns: one of them waits while another works. On one core that costs less than where the one that
goes on has to be woken on another core; `make bench-scale` shows what it brings.
"""

from __future__ import annotations

import os
import socket


def claim_core(of: str = "tesseract-lab") -> socket.socket | None:
    """Keep this thread, and all that it starts, on a core that nobody else has claimed `of` the same.

    The claim is a name that the system forgets once it is closed, or its process gone. None where no core is left, or
    the system has no such names: then nothing is changed.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    for core in sorted(os.sched_getaffinity(0)):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0{of}/core/{core}")
            os.sched_setaffinity(0, {core})
        except OSError:
            claim.close()
        else:
            return claim
    return None
