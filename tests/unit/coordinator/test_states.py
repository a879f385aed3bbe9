"""State numbering: both that exist in the wild, learnt from one number, and a number that is no state."""

from __future__ import annotations

from typing import Any

import pytest

from lab.coordinator import StateNumbering
from lab.coordinator.states import DOCUMENTED, FLAGS, FLAGS_FROM_BUFFERED, NAMES


@pytest.mark.parametrize(("buffered", "numbers"), [(2, FLAGS), (1, DOCUMENTED)])
def test_learnt_from_a_buffered_transaction(buffered: int, numbers: dict[str, int]) -> None:
    """2 is BUFFERED under flags and READY as documented: only the moment of reading tells them apart."""
    numbering = StateNumbering.learn(buffered)
    assert numbering.numbers == numbers
    assert {name: numbering.name(number) for name, number in numbers.items()} == {name: name for name in NAMES}


@pytest.mark.parametrize("buffered", [0, 3, 4, -1, 2**256 - 1])
def test_no_numbering_fits(buffered: int) -> None:
    """A guess would judge everything wrong."""
    with pytest.raises(ValueError, match=f"got BUFFERED {buffered}"):
        StateNumbering.learn(buffered)


def test_unset_storage_is_empty_under_flags_too() -> None:
    """Vyper's flags begin at 1, and storage at 0."""
    assert StateNumbering(FLAGS).name(0) == "EMPTY"
    assert StateNumbering(FLAGS).name(1) == "EMPTY"


@pytest.mark.parametrize("number", [3, 6, 32])
def test_a_number_that_is_no_state(number: int) -> None:
    """Two flags at once are none; the known numbers stand in the error."""
    with pytest.raises(ValueError, match=f"0=EMPTY, 1=EMPTY, 2=BUFFERED.*got {number}"):
        StateNumbering(FLAGS).name(number)


@pytest.mark.parametrize(
    ("outputs", "numbers"),
    [([{"type": "uint8"}], DOCUMENTED), ([{"type": "uint256"}], FLAGS), ([], FLAGS), (None, FLAGS)],
)
def test_a_guess_from_the_abi(outputs: Any, numbers: dict[str, int]) -> None:
    """Solidity's enums are uint8."""
    abi = [{"type": "event", "name": "x"}, {"type": "function", "name": "get_transaction_state", "outputs": outputs}]
    assert StateNumbering.of_abi(abi).numbers == numbers
    assert StateNumbering.of_abi([]).numbers == FLAGS


@pytest.mark.parametrize(
    ("seen", "numbers"),
    [
        ({"READY": 2, "EXECUTED": 3}, DOCUMENTED),
        ({"READY": 2, "EXECUTED": 4, "EXPIRED": 8}, FLAGS_FROM_BUFFERED),
        ({"READY": 2}, DOCUMENTED),
        ({"READY": 2, "EXECUTED": 3, "EXPIRED": 9}, DOCUMENTED | {"EXPIRED": 9}),
        ({"READY": 3, "EXECUTED": 5}, {"EMPTY": 0, "BUFFERED": 1, "READY": 3, "EXECUTED": 5}),
    ],
)
def test_learnt_from_a_whole_life(seen: dict[str, int], numbers: dict[str, int]) -> None:
    """A flag without a member for EMPTY begins as the documented numbers do; numbers of a contract's own do, too."""
    assert StateNumbering.learn(1, {"BUFFERED": 1, **seen}).numbers == numbers


@pytest.mark.parametrize(
    ("seen", "numbers"),
    [
        ({"BUFFERED": 2, "READY": 4, "EXECUTED": 16}, FLAGS),
        ({"BUFFERED": 2, "READY": 4, "EXECUTED": 16, "EXPIRED": 16}, FLAGS),
        ({"BUFFERED": 1, "READY": 2, "EXECUTED": 4, "EXPIRED": 4}, DOCUMENTED),
        ({"BUFFERED": 2, "READY": 4, "EXECUTED": 1}, FLAGS),
    ],
)
def test_a_wrong_state_is_no_numbering_of_its_own(seen: dict[str, int], numbers: dict[str, int]) -> None:
    """An execution that ends in another state of a usual numbering, or as expiry does: learnt, it would pass."""
    assert StateNumbering.learn(seen["BUFFERED"], seen).numbers == numbers


def test_half_a_life_fits_no_numbering() -> None:
    """READY as 3 alone does not say what EXECUTED is."""
    with pytest.raises(ValueError, match=r"expected BUFFERED .* got BUFFERED 1, READY 3"):
        StateNumbering.learn(1, {"READY": 3})
