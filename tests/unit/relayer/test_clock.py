"""When the relayer's polls come."""

from __future__ import annotations

import pytest

from lab.relayer.clock import next_poll_ms


@pytest.mark.parametrize(
    ("begun_ms", "poll_ms", "expected_ms"),
    [
        (0, 500, 125),
        (125, 500, 625),
        (126, 500, 625),
        (624, 500, 625),
        (1_980, 2_000, 2_500),
        (2_500, 2_000, 4_500),
        (-1_900, 2_000, -1_500),  # a relayer that is up before its chains' genesis
        (5, 1, 6),
    ],
)
def test_polls_come_soon_after_whole_seconds(begun_ms: int, poll_ms: int, expected_ms: int) -> None:
    """Whenever the last one began, and however long it took: what blocks brought is there, and not yet old."""
    assert next_poll_ms(begun_ms, poll_ms) == expected_ms
