"""Changes to a scenario document that make it smaller and keep it a scenario. Each returns a new document."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from typing import Any

from lab.model.units import duration_ms, format_duration, offset_ms

Document = dict[str, Any]

# Keys that a fault need not have.
DROPPABLE = ("jitter", "http_status", "code", "methods", "share", "orphans", "point")
DURATIONS = ("for", "restart_after", "delay")
TIMES_MIN_MS = 1_000


def without_flow(document: Document, flow: str) -> Document:
    """Without a flow and every step about it."""
    return without_legs(document, flow, list(document["flows"][flow]))


def without_legs(document: Document, flow: str, legs: Collection[str]) -> Document:
    """Without some legs of a flow; their children get the grandparent, or none. Steps about them go, too."""
    changed = copy.deepcopy(document)
    gone = {f"{flow}.{leg}" for leg in legs}
    after = {leg: changed["flows"][flow][leg].get("after") for leg in legs}
    for leg in legs:
        del changed["flows"][flow][leg]
    for other, uses in changed["flows"].items():
        for use in uses.values():
            while (parent := _full(other, use.get("after"))) in gone:
                _adopt(use, after[parent.partition(".")[2]], same_flow=other == flow, flow=flow)
    if not changed["flows"][flow]:
        del changed["flows"][flow]
        gone.add(flow)
    changed["timeline"] = [step for step in changed["timeline"] if not gone & set(_mentions(step))]
    return changed


def without_steps(document: Document, indices: Collection[int]) -> Document:
    """Without some steps."""
    changed = copy.deepcopy(document)
    changed["timeline"] = [step for index, step in enumerate(changed["timeline"]) if index not in set(indices)]
    return changed


def without_chain(document: Document, name: str, instead: str | None) -> Document | None:
    """Without a chain: `instead` takes its place. With None only a chain that nothing needs goes; None if it does."""
    changed = copy.deepcopy(document)
    if len(changed["networks"]) == 1:
        return None
    users = [use for legs in changed["flows"].values() for use in legs.values() if use["chain"] == name]
    users += [place for step in changed["timeline"] for place in _places(step) if place["chain"] == name]
    if instead is None and users:
        return None
    del changed["networks"][name]
    for place in users:
        place["chain"] = instead
    return changed


def simpler_values(document: Document) -> Iterator[Document]:
    """One value made simpler at a time: settings left out, payloads and durations shorter, times rounded."""
    for path, value in _simplifications(document):
        changed = copy.deepcopy(document)
        here: Any = changed
        for part in path[:-1]:
            here = here[part]
        if value is None:
            del here[path[-1]]
        else:
            here[path[-1]] = value
        if _in_order(changed):
            yield changed


def _simplifications(document: Document) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if document.get("relayer", "reference") != "reference":
        yield ("relayer",), "reference"
    for name, use in document["networks"].items():
        if use:
            yield ("networks", name), {}
    for flow, legs in document["flows"].items():
        for leg, use in legs.items():
            yield from ((("flows", flow, leg, key), None) for key in ("payload", "after") if key in use)
    for index, step in enumerate(document["timeline"]):
        yield from ((("timeline", index, key), value) for key, value in _simpler_step(step))


def _simpler_step(step: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Keys of a step with a simpler value; None to leave one out."""
    yield from ((key, None) for key in DROPPABLE if key in step)
    for key in DURATIONS:
        if key in step and duration_ms(step[key]) >= 2 * TIMES_MIN_MS:
            yield key, format_duration(duration_ms(step[key]) // 2_000 * 1_000)
    if "at" in step:
        at_ms = offset_ms(step["at"])
        rounded = (at_ms // unit_ms * unit_ms for unit_ms in (10_000, 1_000))
        yield from (("at", format_duration(value_ms)) for value_ms in rounded if value_ms != at_ms)


def _in_order(document: Document) -> bool:
    times = [offset_ms(step["at"]) for step in document["timeline"] if "at" in step]
    return times == sorted(times)


def _adopt(use: dict[str, Any], grandparent: str | None, *, same_flow: bool, flow: str) -> None:
    if grandparent is None:
        del use["after"]
    else:
        use["after"] = grandparent if same_flow or "." in grandparent else f"{flow}.{grandparent}"


def _full(flow: str, parent: str | None) -> str:
    if parent is None:
        return ""
    return parent if "." in parent else f"{flow}.{parent}"


def _mentions(step: dict[str, Any]) -> Iterator[str]:
    yield from (step[key] for key in ("buffer", "resolve", "execute") if key in step)


def _places(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of a step that name a chain."""
    yield from (
        part for part in (step, step.get("admin"), step.get("call")) if isinstance(part, dict) and "chain" in part
    )
