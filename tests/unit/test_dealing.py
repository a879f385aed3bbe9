"""The order of tests for several workers: nothing is lost, every piece starts with what is long, files stay whole."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.order import FILE, LONG_S, Place, dealt, durations, read_longest

PLACES = st.lists(st.builds(Place, st.sampled_from("abc"), st.sampled_from([0, 2, 50]), st.booleans()), max_size=40)


@given(PLACES, st.integers(1, 5))
def test_every_test_is_dealt_once(places: list[Place], workers: int) -> None:
    assert sorted(dealt(range(len(places)), places, workers)) == list(range(len(places)))


def test_what_waits_fills_one_worker_and_the_rest_is_spread() -> None:
    """Three pieces of four: the waiting files whole in the first, one long one at the head of each other."""
    places = [Place("short", 0, False)] * 4 + [
        Place("b", 30, False),
        Place("a", 10, True),
        Place("c", 20, False),
        Place("a", 0, True),
        Place("d", 10, True),
    ]
    places += [Place("short", 0, False)] * 3
    assert dealt(range(12), places, 3) == [5, 7, 8, 0, 4, 1, 2, 3, 6, 9, 10, 11]


def test_what_waits_is_not_left_to_one_worker_where_it_is_most() -> None:
    places = [Place("a", 50, True), Place("b", 50, True), Place("c", 10, False), Place("d", 0, False)]
    assert dealt("abcd", places, 2) == ["a", "c", "b", "d"]


def test_a_file_with_a_long_one_is_not_divided() -> None:
    """One worker sets up what its tests share; its short ones come with it."""
    places = [Place("a", 0, False), Place("b", 4, False), Place("a", 5, False), Place("c", 0, False)]
    places += [Place("b", 0, False), Place("a", 5, False), Place("c", 0, False), Place("c", 0, False)]
    assert dealt(range(8), places, 2) == [0, 2, 5, 3, 1, 4, 6, 7]


def test_names_are_those_of_pytest(tmp_path: Path) -> None:
    file = tmp_path / "tests.xml"
    file.write_text('<s><testcase classname="tests.unit.test_x" name="test_y[a b]" time="3.2" /></s>')
    assert durations(file) == {"tests/unit/test_x.py::test_y[a b]": 3.2}


def test_the_record_is_of_tests_that_are_there() -> None:
    longest = read_longest()
    assert min(longest.values()) >= LONG_S
    assert [name for name in longest if not (FILE.parents[1] / name.partition("::")[0]).is_file()] == []
