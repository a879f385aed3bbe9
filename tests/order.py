"""Which tests a worker starts with: those that last long, so that none of them is left when the others have ended.

`tests/longest.txt` has what lasted two seconds or more; `python -m tests.order results/*.xml` writes it again from
the JUnit files of `make test`, `make judge` and `make torture`.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

FILE = Path(__file__).with_name("longest.txt")
LONG_S = 2.0
T = TypeVar("T")


class Place(NamedTuple):
    """What is known of a test: its file, how long it lasts (0: not long), and whether it mostly waits meanwhile."""

    file: str
    seconds: float
    waits: bool


def read_longest(path: Path = FILE) -> dict[str, float]:
    """Node id -> seconds."""
    lines = (line.partition(" ") for line in path.read_text(encoding="utf-8").splitlines())
    return {name: float(seconds) for seconds, _, name in lines}


def dealt(tests: Sequence[T], places: Sequence[Place], workers: int) -> list[T]:
    """An order for xdist's `worksteal`, which gives each worker one of equal pieces to begin with.

    What waits fills few workers, so that the others compute meanwhile. The files of all else that is long are spread
    evenly. Of a file all stay together, short ones as well: a second worker would set up anew what they share. Files
    without a long one stay in their order.
    """
    long = {place.file for place in places if place.seconds and not place.waits}
    waiting: dict[str, list[int]] = {}
    computing: dict[str, list[int]] = {}
    for index, place in enumerate(places):
        if place.waits:
            waiting.setdefault(place.file, []).append(index)
        elif place.file in long:
            computing.setdefault(place.file, []).append(index)
    units = [*_longest_first([*waiting.values()], places), *_longest_first([*computing.values()], places)]
    share = sum(place.seconds for place in places) / workers
    begin: list[list[int]] = [[] for _ in range(workers)]
    loads = [0.0] * workers
    for unit in units:
        seconds = sum(places[index].seconds for index in unit)
        free = [at for at, load in enumerate(loads) if load + seconds <= share]
        at = free[0] if free and places[unit[0]].waits else loads.index(min(loads))
        begin[at] += unit
        loads[at] += seconds
    taken = {index for unit in units for index in unit}
    short = [index for index in range(len(tests)) if index not in taken]
    order: list[int] = []
    for at, first in enumerate(begin):
        piece = (len(tests) - len(order)) // (workers - at)
        rest = max(0, piece - len(first))
        order += [*first, *short[:rest]]
        short = short[rest:]
    return [tests[index] for index in [*order, *short]]


def _longest_first(units: list[list[int]], places: Sequence[Place]) -> list[list[int]]:
    return sorted(units, key=lambda unit: -sum(places[index].seconds for index in unit))


def durations(path: Path) -> dict[str, float]:
    """Node id -> seconds, of a JUnit file."""
    cases = ET.parse(path).iter("testcase")
    return {
        f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}": float(case.get("time", 0))
        for case in cases
    }


def main(files: Sequence[str]) -> None:
    """What a file has is taken from it, all else stays as it was."""
    known = read_longest()
    for file in files:
        known |= durations(Path(file))
    lines = [f"{seconds:.0f} {name}\n" for name, seconds in known.items() if seconds >= LONG_S and "\n" not in name]
    FILE.write_text("".join(sorted(lines, key=lambda line: (-int(line.partition(" ")[0]), line))), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
