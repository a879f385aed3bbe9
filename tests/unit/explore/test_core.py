"""Each process with a bench has a core of its own, as long as there are some."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid

import pytest

CLAIM = """
import os, sys
from lab.explore.core import claim_core
claim = claim_core(sys.argv[1])
print(claim is not None, *sorted(os.sched_getaffinity(0)), flush=True)
input()
"""

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system binds no process to a core")


class Claimant:
    """A process that claims a core, and keeps it until it is ended."""

    def __init__(self, of: str) -> None:
        words = [sys.executable, "-c", CLAIM, of]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        claimed, *cores = self.process.stdout.readline().split()
        self.claimed, self.cores = claimed == "True", {int(core) for core in cores}

    def kill(self) -> None:
        """As a machine without memory would."""
        self.process.kill()
        self.process.communicate()


def test_each_has_one_of_its_own_and_who_comes_late_has_them_all() -> None:
    """What a process that was killed had is free again."""
    of, there = f"test-{uuid.uuid4()}", os.sched_getaffinity(0)
    claimants = [Claimant(of) for _ in there]
    late = Claimant(of)
    try:
        assert [(claimant.claimed, len(claimant.cores)) for claimant in claimants] == [(True, 1)] * len(there)
        assert set().union(*(claimant.cores for claimant in claimants)) == there
        assert (late.claimed, late.cores) == (False, there)
        claimants[0].kill()
        again = Claimant(of)
        again.kill()
        assert again.cores == claimants[0].cores
    finally:
        for claimant in (*claimants, late):
            claimant.kill()
