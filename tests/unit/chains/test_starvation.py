"""What the kernel says of processes that wait for a processor."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lab.chains.processes import starvation
from lab.chains.processes.starvation import Starvation


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux keeps this account")
def test_the_kernel_keeps_an_account_of_this_process() -> None:
    """Cumulative, so it never falls, and the first question has nothing to compare with."""
    watch = Starvation()
    assert watch.since_last_ms([]) == 0
    assert watch.since_last_ms([]) >= 0
    assert any(pid == os.getpid() for (pid, _), _ in starvation._waits([]))


def test_of_a_process_the_thread_counts_that_waited_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes add up, threads do not, and one that is new has no past."""
    answers = iter(
        [
            {(1, "a"): 5_000_000, (1, "b"): 0, (2, "a"): 1_000_000},
            {(1, "a"): 25_000_000, (1, "b"): 30_000_000, (2, "a"): 8_000_000, (3, "a"): 99_000_000},
        ]
    )
    monkeypatch.setattr(starvation, "_waits", lambda roots: next(answers).items())
    watch = Starvation()
    assert watch.since_last_ms([]) == 0
    assert watch.since_last_ms([]) == 30 + 7


GONE = 2**22 + 1  # No process has such a number.


def test_a_process_that_is_gone_is_left_out() -> None:
    """There is no such number."""
    assert {pid for (pid, _), _ in starvation._waits([GONE])} <= {os.getpid()}


def test_a_process_that_ends_while_it_is_looked_at_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was there when the children were listed, and is gone when its threads are."""
    monkeypatch.setattr(starvation, "_with_children", lambda roots: iter([GONE]))
    monkeypatch.setattr(Path, "is_dir", lambda path: True)
    assert {pid for (pid, _), _ in starvation._waits([])} <= {os.getpid()}
