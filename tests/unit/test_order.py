"""In which order the library's scenarios are given to workers."""

from __future__ import annotations

import runpy

import pytest

from lab.paths import SCENARIOS
from lab.plugin.side_by_side import dealt, workers_of


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("waiting", [0, 1, 2, 3, 10, 20])
def test_those_that_wait_begin_the_shares_of_workers(workers: int, waiting: int) -> None:
    """Nothing is lost; unless all of them wait, the first ones are each at the head of a share."""
    items = list(range(20))
    order = dealt(items, lambda item: float(item >= len(items) - waiting), workers)
    assert sorted(order) == items
    if waiting == len(items):
        return
    left, begins = len(items), list[int]()
    for number in range(workers):
        begins.append(len(items) - left)
        left -= left // (workers - number)
    late = [item for item in items if item >= len(items) - waiting][:workers]
    assert [order[begin] for begin in begins[: len(late)]] == late


def test_the_longest_come_first_each_before_a_short_one() -> None:
    """What stands second cannot be taken from a worker that is busy with the first."""
    seconds = {"a": 1.0, "b": 9.0, "c": 5.0, "d": 0.0, "e": 0.0, "f": 3.0}
    assert dealt(list(seconds), lambda item: seconds[item], 1) == ["b", "d", "c", "f", "a", "e"]
    assert dealt(list(seconds), lambda item: seconds[item], 2) == ["b", "d", "a", "c", "e", "f"]


def test_what_lasts_longer_than_the_rest_together_leaves_it_to_others() -> None:
    """A worker that is busy for so long begins nothing else that lasts."""
    seconds = {"a": 30.0, "b": 5.0, "c": 4.0, "d": 3.0, "e": 2.0} | dict.fromkeys("fghijklmno", 0.0)
    order = dealt(list(seconds), lambda item: seconds[item], 3)
    shares = [set(order[start : start + 5]) & set("abcde") for start in (0, 5, 10)]
    assert shares == [{"a"}, {"b", "e"}, {"c", "d"}]


def test_those_that_are_said_to_last_are_there() -> None:
    """One that got another name would start with the short ones."""
    lasting = runpy.run_path(str(SCENARIOS / "conftest.py"))["LASTING"]
    assert lasting
    assert [name for name in lasting if not (SCENARIOS / name).is_file()] == []


def test_fewer_at_once_the_faster_time_passes() -> None:
    """One for each core at least, and no more than are worth their own start."""
    counts = [workers_of(2, speed) for speed in (1, 2, 5, 10, 50)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 2
    assert workers_of(64, 50) == 64
    assert workers_of(1, 50) == 1
    assert workers_of(8, 1) == workers_of(16, 1)
