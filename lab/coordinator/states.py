"""State numbers differ between contracts: 0..3 as documented, 1, 2, 4, 8 as Vyper compiles flags. So learn them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.model.chain.facts import CoreState

NAMES: tuple[CoreState, ...] = ("EMPTY", "BUFFERED", "READY", "EXECUTED", "EXPIRED")
FLAGS: dict[str, int] = {"EMPTY": 1, "BUFFERED": 2, "READY": 4, "EXECUTED": 8, "EXPIRED": 16}
DOCUMENTED: dict[str, int] = {"EMPTY": 0, "BUFFERED": 1, "READY": 2, "EXECUTED": 3, "EXPIRED": 4}
# A flag without a member for what is not there.
FLAGS_FROM_BUFFERED: dict[str, int] = {"EMPTY": 0, "BUFFERED": 1, "READY": 2, "EXECUTED": 4, "EXPIRED": 8}


class StateNumbering:
    """Maps a contract's numbers to state names. 0 reads as EMPTY under either numbering: unset storage."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        self.numbers = dict(numbers)
        self._names: dict[int, CoreState] = {self.numbers[name]: name for name in NAMES if name in self.numbers}
        self._names.setdefault(0, "EMPTY")

    def name(self, number: int) -> CoreState:
        """The state's name. Raises ValueError for a number that is no state."""
        try:
            return self._names[number]
        except KeyError:
            known = ", ".join(f"{number}={name}" for number, name in sorted(self._names.items()))
            raise ValueError(f"expected a state number ({known}), got {number}") from None

    @classmethod
    def learn(cls, buffered: int, seen: Mapping[str, int] | None = None) -> StateNumbering:
        """From the number read right after a buffering, and from those `seen` later in a transaction's life.

        A usual numbering that agrees completes them. Where the end of an execution reads as another state of a usual
        one, or as what expired does, it is the contract that is wrong. Raises ValueError if none fits and READY or
        EXECUTED was not seen.
        """
        later = {name: number for name, number in (seen or {}).items() if name != "BUFFERED"}
        if "EXECUTED" in later and later["EXECUTED"] == later.get("EXPIRED"):
            del later["EXECUTED"], later["EXPIRED"]
        core = {name: number for name, number in later.items() if name != "EXPIRED"}
        usual = [numbers for numbers in (FLAGS, DOCUMENTED, FLAGS_FROM_BUFFERED) if numbers["BUFFERED"] == buffered]
        for numbers in usual:
            if core.items() <= numbers.items():
                return cls(numbers | later)
        for numbers in usual:
            if core.get("READY") == numbers["READY"] and core.get("EXECUTED") in numbers.values():
                return cls(numbers)
        if core.keys() == {"READY", "EXECUTED"}:
            return cls({"EMPTY": 0, "BUFFERED": buffered, **later})
        got = ", ".join(f"{name} {number}" for name, number in {"BUFFERED": buffered, **core}.items())
        raise ValueError(f"expected BUFFERED to read as 2 (flags) or 1 (documented numbering), READY to fit, got {got}")

    @classmethod
    def of_abi(cls, abi: list[dict[str, Any]]) -> StateNumbering:
        """A first guess from the ABI alone: Vyper gives flags as uint256, Solidity's enums are uint8."""
        for entry in abi:
            if entry.get("name") == "get_transaction_state" and entry.get("outputs"):
                return cls(DOCUMENTED if entry["outputs"][0].get("type") == "uint8" else FLAGS)
        return cls(FLAGS)
