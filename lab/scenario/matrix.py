"""Multiplies a scenario file: one variant for each combination of its `matrix`, before it becomes a model.

Works on files as written, misshapen ones included: their problems are found later, in every variant. A value that was
put in has the position of its entry in the matrix, so that a problem with it points there.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.scenario.declared import mapping_in, step_ids
from lab.validation import shown, suggestion
from lab.yamlsource import Route, Source

MAX_COMBINATIONS = 200
Scalar = int | float | str | bool
Report = Callable[[Route, str, bool], None]


@dataclass(frozen=True, slots=True)
class Variant:
    """A file's content with one combination put in. `quoted`: texts are shown in quotes, else two would read alike."""

    values: Mapping[str, Scalar]
    source: Source
    quoted: bool = False

    def suffix(self) -> str:
        """`[lose-parent.depth=3-seed=2]`, or nothing without a matrix."""
        if not self.values:
            return ""
        return f"[{'-'.join(f'{key}={self._word(value)}' for key, value in self.values.items())}]"

    def _word(self, value: Scalar) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return json.dumps(value, ensure_ascii=False) if self.quoted and isinstance(value, str) else str(value)


def variants(source: Source, report: Report) -> list[Variant]:
    """All combinations, in the order of the file. Whatever is wrong with the matrix is reported and left out."""
    axes: list[tuple[str, Route, list[tuple[Scalar, Route]]]] = []
    for key, values in mapping_in(source.value, "matrix").items():
        if not isinstance(values, list):
            continue  # the model says what is wrong with it
        route = _target(key, source.value)
        if isinstance(route, str):
            report(("matrix", key), route, True)
            continue
        kept: list[tuple[Scalar, Route]] = []
        for index, value in enumerate(values):
            here: Route = ("matrix", key, index)
            if not isinstance(value, (int, float, str)):
                report(here, "expected a number, a text, true or false", False)
            elif any(value == other and type(value) is type(other) for other, _ in kept):
                report(here, f"the value {value} is already in the list: remove one", False)
            else:
                kept.append((value, here))
        if kept:
            axes.append((key, route, kept))
    count = 1
    for _, _, kept in axes:
        count *= len(kept)
    if count > MAX_COMBINATIONS:
        report(("matrix",), f"expected at most {MAX_COMBINATIONS} combinations, got {count}: split the file", True)
        return [Variant({}, source)]
    combinations = itertools.product(*(kept for _, _, kept in axes))
    results = [_variant(source, [(key, route) for key, route, _ in axes], values) for values in combinations]
    # The number 1 and the text "1" are two runs, and need two names.
    alike = len({variant.suffix() for variant in results}) < len(results)
    return [dataclasses.replace(variant, quoted=True) for variant in results] if alike else results


def _variant(source: Source, axes: list[tuple[str, Route]], chosen: tuple[tuple[Scalar, Route], ...]) -> Variant:
    value = copy.deepcopy(source.value)
    positions = dict(source.values)
    keys = dict(source.keys)
    values: dict[str, Scalar] = {}
    for (key, route), (scalar, origin) in zip(axes, chosen, strict=True):
        values[key] = scalar
        _put(value, route, scalar)
        positions[route] = source.position(origin)
        keys[route] = source.key_position(("matrix", key))
    return Variant(values, dataclasses.replace(source, value=value, values=positions, keys=keys))


def _put(value: Any, route: Route, scalar: Scalar) -> None:
    for index, part in enumerate(route[:-1]):
        if isinstance(value, dict) and isinstance(route[index + 1], str) and not isinstance(value.get(part), dict):
            value[part] = {}  # `optimism:` with nothing below it
        value = value[part]
        if part == "finality" and index == 2:
            value.clear()  # the policies exclude each other
    value[route[-1]] = scalar


def _target(key: str, value: dict[str, Any]) -> Route | str:
    """Where a matrix key leads, or what is wrong with it."""
    if key in ("seed", "window"):
        return (key,)
    head, *rest = key.split(".")
    networks, flows, steps = mapping_in(value, "networks"), mapping_in(value, "flows"), step_ids(value)
    if head in networks and len(rest) == 2 and rest[0] == "finality":
        misshapen = _misshapen(networks[head]) or _misshapen(mapping_in(networks, head).get("finality"))
        return (misshapen and f"the key '{key}' leads nowhere: {misshapen}") or ("networks", head, *rest)
    if head in steps and rest:
        return _step_target(key, value["timeline"][steps[head]], ("timeline", steps[head]), rest)
    if head in flows and len(rest) == 2 and isinstance(flows[head], dict) and rest[0] in flows[head]:
        misshapen = _misshapen(flows[head][rest[0]])
        return (misshapen and f"the key '{key}' leads nowhere: {misshapen}") or ("flows", head, *rest)
    if head in networks:
        return f"the key '{key}' leads nowhere: a network has {head}.finality.blocks, .seconds and .tag"
    if head in steps:
        return f"the key '{key}' leads nowhere: a parameter is missing, as in {head}.at"
    if head in flows:
        legs = ", ".join(mapping_in(flows, head)) or "none"
        return f"the key '{key}' leads nowhere: a leg's value is {head}.LEG.KEY with LEG one of {legs}"
    hint = suggestion(head, {*networks, *steps, *flows, "seed", "window"})
    return f"the key '{key}' matches nothing: no step id, network or flow is called '{head}'{hint}"


def _misshapen(value: object) -> str:
    """What is wrong with a place that values of the matrix go below; nothing below it yet is no fault."""
    return "" if value is None or isinstance(value, dict) else f"expected a mapping there, got {shown(value)}"


def _step_target(key: str, step: dict[str, Any], route: Route, rest: list[str]) -> Route | str:
    here: Any = step
    for part in rest[:-1]:
        here = here.get(part) if isinstance(here, dict) else None
    if not isinstance(here, dict):
        return f"the key '{key}' leads nowhere: the step has no {'.'.join(rest[:-1])} with keys below it"
    if rest in (["id"], ["fault"]):
        return f"the key '{key}' would change the kind of the step: vary its parameters instead"
    return (*route, *rest)
