"""Genesis is as far ahead as set-up takes on this machine, and no further."""

from __future__ import annotations

from lab.session.machine_watch import MARGIN_S, REMEMBERED, SetUpTime


def test_it_is_guessed_once_and_learnt_then() -> None:
    """The slowest of the last ones counts, for a run that begins late is worth nothing."""
    time = SetUpTime()
    guessed_s = time.expected_s(4)
    time.took(0.4, 4)
    assert MARGIN_S + 0.4 < time.expected_s(4) < guessed_s
    time.took(1.5, 3)
    slow_s = time.expected_s(4)
    assert slow_s > 2.0
    time.took(0.1, 1)
    assert time.expected_s(4) == slow_s
    # One set-up during which the machine was stopped does not hold up all that follow.
    for _ in range(REMEMBERED):
        time.took(0.1, 1)
    assert time.expected_s(4) < guessed_s
