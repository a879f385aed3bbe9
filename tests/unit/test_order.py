"""In which order the library's scenarios are given to workers."""

from __future__ import annotations

import runpy
from typing import Any

import pytest

from lab.paths import SCENARIOS


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("waiting", [0, 1, 2, 3, 10, 20])
def test_those_that_wait_begin_the_shares_of_workers(workers: int, waiting: int) -> None:
    """Nothing is lost; unless all of them wait, the first ones are each at the head of a share."""
    spread: Any = runpy.run_path(str(SCENARIOS / "conftest.py"))["spread"]
    items = list(range(20))
    order = spread(items, lambda item: item >= len(items) - waiting, workers)
    assert sorted(order) == items
    if waiting == len(items):
        return
    left, begins = len(items), list[int]()
    for number in range(workers):
        begins.append(len(items) - left)
        left -= left // (workers - number)
    late = [item for item in items if item >= len(items) - waiting][:workers]
    assert [order[begin] for begin in begins[: len(late)]] == late
