"""An expectation with a time limit, on a machine that is late itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.runner.conditions import Judged
from lab.runner.steps import judging


@pytest.mark.parametrize(
    ("comes_ms", "lag_ms", "met"),
    [
        (9_000, 0, True),
        (12_000, 0, False),  # the virtual clock, or a machine that is never late
        (12_000, 3_000, None),
        (14_000, 3_000, False),
        (25_000, 60_000, False),  # no more than the limit once again
    ],
)
def test_what_comes_later_than_the_machine_is_late_is_not_met(
    monkeypatch: pytest.MonkeyPatch, comes_ms: int, lag_ms: int, met: bool | None
) -> None:
    """Within 10 s, seen at `comes_ms`; both figures are in the text where nobody knows."""
    run: Any = SimpleNamespace(now_ms=0, recorder=SimpleNamespace(history=lambda: None))
    run.lab = SimpleNamespace(scheduler=SimpleNamespace(advance_to=lambda ms: setattr(run, "now_ms", ms)))
    run.expectation = lambda step, expected, actual, met: said.append((actual, met))
    said: list[tuple[str, bool | None]] = []
    monkeypatch.setattr(judging, "late_ms", lambda history, start_ms, end_ms: lag_ms)
    monkeypatch.setattr(judging, "_look", lambda *_: Judged(run.now_ms >= comes_ms, "a leg READY", "the leg's state"))
    step: Any = SimpleNamespace(within_ms=10_000, hold_ms=None, condition=object())
    judging.expect(run, step)
    ((actual, judged),) = said
    assert judged is met
    assert ("missed by 2.000 s; the machine itself was late by up to 3.000 s" in actual) is (met is None)
