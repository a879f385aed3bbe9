"""What a Dask worker keeps of a run, without a cluster around it."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

import pytest

from lab.explore.bench_process import outcome_of
from lab.explore.dask import hosting
from tests.reliability.toys import ToyOpener, square


def test_a_bench_that_was_closed_as_idle_is_opened_for_the_next_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task that comes late, tried again after another worker's end, is no second death."""
    monkeypatch.setattr(hosting, "IDLE_S", 0.01)
    opener = ToyOpener(tmp_path)
    reply, _ = hosting.join("late", pickle.dumps(opener), pickle.dumps((opener.made_with, None)))
    assert reply is not None
    deadline = time.monotonic() + 600
    while not list(tmp_path.glob("closed-*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    monkeypatch.setattr(hosting, "IDLE_S", 600)
    reply, _ = hosting.work("late", pickle.dumps((square, 7)))
    assert reply is not None
    assert outcome_of(reply) == 49
    assert len(list(tmp_path.glob("opened-*"))) == 2
    hosting.leave("late")
    assert len(list(tmp_path.glob("closed-*"))) == 2
    assert hosting.work("late", pickle.dumps((square, 7)))[0] is None
