"""Makes a failing case small: leaves parts out and simplifies what is left, as long as it still fails the same way.

Delta debugging over the document itself, in passes until a pass changes nothing: flows and steps in halves and one by
one, legs, chains, then values. What is left is what a person reads.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator

from lab.errors import InvalidFile
from lab.explore.swarm.edits import simpler_values, without_chain, without_flow, without_legs, without_steps

Document = dict[str, Any]

RUNS_MAX = 150
SECONDS_MAX = 90.0


def _in_parts(document: Document) -> Document:
    flows = document.get("flows")
    if not (
        isinstance(flows, dict)
        and all(isinstance(flow, dict) for flow in flows.values())
        and isinstance(document.get("networks"), dict)
        and isinstance(document.get("timeline"), list)
    ):
        raise ValueError("expected a scenario with networks, flows and a timeline")
    return document


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The smallest case found, and how many runs it took. `whole`: no time or run was lacking."""

    document: Annotated[Document, AfterValidator(_in_parts)]
    runs: int
    whole: bool


class _Spent(Exception):
    """No runs or time left."""


def shrink(
    document: Document,
    still_fails: Callable[[Document], bool],
    *,
    runs_max: int = RUNS_MAX,
    seconds_max: float = SECONDS_MAX,
) -> Shrunk:
    """The smallest document found for which `still_fails` holds; a candidate that is no scenario does not fail."""
    deadline = time.monotonic() + seconds_max
    runs = 0
    seen: set[str] = set()

    def fails(candidate: Document) -> bool:
        nonlocal runs
        text = repr(candidate)
        if text in seen:
            return False
        seen.add(text)
        if runs >= runs_max or time.monotonic() > deadline:
            raise _Spent
        runs += 1
        try:
            return still_fails(candidate)
        except InvalidFile:
            return False

    current, before = copy.deepcopy(document), None
    try:
        while current is not before:
            before = current
            for candidates in (_fewer_flows, _fewer_steps, _fewer_legs, _fewer_chains, simpler_values):
                while (smaller := next(filter(fails, candidates(current)), None)) is not None:
                    current = smaller
    except _Spent:
        return Shrunk(current, runs, whole=False)
    return Shrunk(current, runs, whole=True)


def _halves(count: int) -> Iterator[range]:
    """Ranges to leave out: halves first, then quarters, down to single ones; nothing twice, never everything."""
    size = count // 2
    while size >= 1:
        for start in range(0, count, size):
            part = range(start, min(start + size, count))
            if len(part) < count:
                yield part
        size //= 2


def _fewer_flows(document: Document) -> Iterator[Document]:
    names = list(document["flows"])
    for part in _halves(len(names)):
        candidate = document
        for index in part:
            candidate = without_flow(candidate, names[index])
        yield candidate


def _fewer_steps(document: Document) -> Iterator[Document]:
    optional = [index for index, step in enumerate(document["timeline"]) if "buffer" not in step]
    if len(optional) == 1 and len(document["timeline"]) > 1:
        yield without_steps(document, optional)
    for part in _halves(len(optional)):
        yield without_steps(document, [optional[index] for index in part])


def _fewer_legs(document: Document) -> Iterator[Document]:
    for flow, legs in document["flows"].items():
        for leg in reversed(list(legs)):
            if len(legs) > 1:
                yield without_legs(document, flow, [leg])


def _fewer_chains(document: Document) -> Iterator[Document]:
    """A chain that nothing needs, then one chain in the place of another."""
    names = list(document["networks"])
    for name in names:
        for instead in [None, *(other for other in names if other != name)]:
            candidate = without_chain(document, name, instead)
            if candidate is not None:
                yield candidate
