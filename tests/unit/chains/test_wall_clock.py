"""A clock that is set while a run goes on is noticed, one that is steered is not."""

from __future__ import annotations

import pytest

from lab.chains.wall_clock import JUMP_S, WallClockWatch


class Clocks:
    """Both clocks of a machine, moved by hand."""

    def __init__(self) -> None:
        self.wall, self.monotonic = 1_800_000_000.0, 50.0

    def watch(self) -> WallClockWatch:
        return WallClockWatch(lambda: self.wall, lambda: self.monotonic)

    def pass_s(self, seconds: float, *, wall: float | None = None) -> None:
        self.monotonic += seconds
        self.wall += seconds if wall is None else wall


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0, 2.0, -2.0, JUMP_S])
def test_a_jump_is_told_once_with_its_size(jump_s: float) -> None:
    clocks = Clocks()
    watch = clocks.watch()
    clocks.pass_s(0.5)
    assert watch.jump_s() is None
    clocks.pass_s(0.5, wall=0.5 + jump_s)
    assert watch.jump_s() == pytest.approx(jump_s)
    clocks.pass_s(0.5)
    assert watch.jump_s() is None


def test_steering_adds_up_to_no_jump() -> None:
    """500 ppm, as NTP steers at most, over a day."""
    clocks = Clocks()
    watch = clocks.watch()
    for _ in range(24 * 60):
        clocks.pass_s(60, wall=60 * 1.0005)
        assert watch.jump_s() is None
