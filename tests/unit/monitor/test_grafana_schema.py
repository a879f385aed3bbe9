"""The dashboards against Grafana's published schema, as its own SDK has it: every field is one, every value fits.

The SDK drops what the schema does not know, so a field that does not come back is none that Grafana reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models
from pydantic import ConfigDict, TypeAdapter, ValidationError

from lab.monitor.alerting.limits import Thresholds
from lab.monitor.dashboards import grafana

DASHBOARDS = grafana.render(Thresholds())
plugins.register_default_plugins()


def differences(board: dict[str, Any]) -> list[str]:
    """Where a dashboard leaves the schema; empty: nowhere."""
    try:
        model = models.Dashboard.from_json(board)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return [f"not read: {error!r}"]
    back = json.loads(JSONEncoder(sort_keys=True).encode(model))
    return [*lost("", board, back), *misfits("", model)]


def lost(path: str, given: Any, back: Any) -> Iterator[str]:
    """Fields that do not come back as they are."""
    if isinstance(given, dict) and isinstance(back, dict):
        for key, value in given.items():
            yield from lost(f"{path}/{key}", value, back[key]) if key in back else [f"{path}/{key}: no such field"]
    elif isinstance(given, list) and isinstance(back, list) and len(given) == len(back):
        for place, (one, other) in enumerate(zip(given, back, strict=True)):
            yield from lost(f"{path}/{place}", one, other)
    elif given != back:
        yield f"{path}: {given!r} is read as {back!r}"


def misfits(path: str, value: Any) -> Iterator[str]:
    """Values that are not of the type that the schema gives them; a choice is one of its words."""
    if isinstance(value, list):
        for place, one in enumerate(value):
            yield from misfits(f"{path}/{place}", one)
    elif hasattr(value, "to_json"):
        for name, hint in get_type_hints(type(value)).items():
            field = getattr(value, name)
            yield from misfits(f"{path}/{name}", field)
            try:
                TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True)).validate_python(field)
            except ValidationError as error:
                yield f"{path}/{name}: {error.errors()[0]['msg']}"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_of_the_schema(name: str) -> None:
    """Whole: variables, links, panels with their options, units, thresholds and queries."""
    assert differences(json.loads(DASHBOARDS[name])) == []


BROKEN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a field of the dashboard": lambda board: board.update(colour="red"),
    "a field of a panel": lambda board: board["panels"][0].update(desciption="x"),
    "an option": lambda board: board["panels"][0]["options"]["legend"].update(place="bottom"),
    "a choice": lambda board: board["panels"][0]["options"]["legend"].update(placement="sideways"),
    "a field of a query": lambda board: board["panels"][0]["targets"][0].update(exprr="up"),
    "a type": lambda board: board["panels"][0]["gridPos"].update(w="wide"),
    "a variable's field": lambda board: board["templating"]["list"][1].update(querry="x"),
    "a threshold": lambda board: board["panels"][0]["fieldConfig"]["defaults"]["thresholds"].update(mode="relative"),
    "a field of the drawing": lambda board: board["panels"][0]["fieldConfig"]["defaults"]["custom"].update(line=1),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_not_of_the_schema_is_noticed(what: str) -> None:
    """By its path."""
    board = json.loads(DASHBOARDS["cost.json"])
    BROKEN[what](board)
    assert len(differences(board)) >= 1
