"""How many items fit is for the contract to say, but it has to be one number."""

from __future__ import annotations

import pytest

from lab.runner.model_based.batch_sizes import BatchSizes


@pytest.mark.parametrize(
    ("tried", "said"),
    [
        ([(32, True), (33, False), (32, True), (34, False)], None),
        ([(33, True), (65, False), (64, True)], None),
        ([(32, False), (12, True), (20, False)], None),
        ([(7, False)], "expected 7 items to fit as 8 did, it reverted"),
        ([(32, True), (31, False)], "expected 31 items to fit as 32 did, it reverted"),
        ([(32, False), (33, True)], "expected 33 items to be too many as 32 were, it succeeded"),
    ],
)
def test_only_one_limit(tried: list[tuple[int, bool]], said: str | None) -> None:
    """All that are fewer fit, all that are more do not."""
    sizes = BatchSizes()
    *_, last = [sizes.judge("resolve_batch", size, taken=taken) for size, taken in tried]
    assert (last and last.text) == said
    assert sizes.judge("execute_batch", 1_000, taken=True) is None
