"""Cuts the misshapen parts out of a scenario file, so that lint can look at the rest and all problems come at once."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

from lab.errors import Problem
from lab.scenario.model import ScenarioFile
from lab.yamlsource import Route, Source, attempt

_HARMLESS_STEP = {"wait": "0s"}
_PLACEHOLDERS: dict[str, Any] = {"name": "?", "description": "?", "timeline": [_HARMLESS_STEP]}
_ATTEMPTS = 4


def salvage(source: Source, problems: list[Problem]) -> ScenarioFile | None:
    """The sound rest of a file, or None where too little is left; what is wrong with it goes to `problems`."""
    value = copy.deepcopy(source.value)
    for round_number in range(_ATTEMPTS):
        attempted = attempt(dataclasses.replace(source, value=value), ScenarioFile)
        if isinstance(attempted, ScenarioFile):
            return attempted
        for issue in attempted:
            if round_number == 0:
                problems.append(source.problem(issue.path, issue.message, at_key=issue.at_key))
            if isinstance(value, dict):
                _cut(value, issue.path, whole_parts=round_number > 0)
    return None


def _cut(value: dict[str, Any], path: Route, *, whole_parts: bool) -> None:
    """Removes what stands at `path`; `whole_parts` takes the step or the leg around it as well.

    Steps are replaced, not removed: their number is part of the position of every other step.
    """
    if not path:
        for key, placeholder in _PLACEHOLDERS.items():
            value.setdefault(key, placeholder)
        return
    if path[0] == "timeline" and len(path) > 1 and isinstance(path[1], int):
        if whole_parts or len(path) == 2:
            value["timeline"][path[1]] = _HARMLESS_STEP
            return
    elif path[0] == "flows" and whole_parts:
        path = path[:3]
    # An entry of a list cannot go without moving the others, so its list goes.
    keys = list(path)
    while len(keys) > 1 and isinstance(keys[-1], int):
        keys.pop()
    parent: Any = value
    for part in keys[:-1]:
        try:
            parent = parent[part]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(parent, dict):
        parent.pop(keys[-1], None)
