"""A comparison that differs shows the difference, whatever its values print as."""

from __future__ import annotations

from typing import Any

import pytest

from lab.runner.difference import SAME, distinct, unequal


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("ethereum: 0 bytes to cost 42 wei", "42 wei, 0 of them for data", True),
        ("ethereum: 0 bytes to cost 42 wei", "142 wei, 0 of them for data", False),
        ("the owner to be 0xab", "0xab", True),
        ("f.pay READY on ethereum", "f.pay is BUFFERED", False),
        ("x", "", False),
        ("True", "True", True),
    ],
)
def test_a_text_that_reads_like_what_was_expected(expected: str, actual: str, same: bool) -> None:
    """It says that something else differs; all others stay as they are."""
    assert distinct(expected, actual) == (f"{actual}, {SAME}" if same else actual)


class Silent:
    """Prints like all others of its kind."""

    def __repr__(self) -> str:
        return "silent"


class Mute(Silent):
    """Prints like its parent."""


@pytest.mark.parametrize(("actual", "wanted"), [(1, "1"), (1, 2), (None, "None"), (Silent(), Mute()), ([1], "[1]")])
def test_values_that_are_not_equal(actual: Any, wanted: Any) -> None:
    """Their texts are not either."""
    shown, asked = unequal(actual, wanted)
    assert shown != asked
