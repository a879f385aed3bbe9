"""The JSON schema of scenario files, for editors.

`python -m lab.scenario.schema` writes scenarios/scenario.schema.json.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lab.model.units import format_duration
from lab.paths import SCENARIOS
from lab.scenario.model import ScenarioFile

TARGET = SCENARIOS / "scenario.schema.json"


def scenario_schema() -> dict[str, Any]:
    """The schema, with defaults as a file would write them."""
    schema = ScenarioFile.model_json_schema(by_alias=True)
    models = {model.__name__: model for model in _models(ScenarioFile)}
    for name, definition in {**schema.get("$defs", {}), "ScenarioFile": schema}.items():
        for field, info in _fields(models.get(name)):
            entry = definition["properties"][info.alias or field]
            entry.pop("title", None)
            if info.default_factory is not None or info.is_required() or info.default in (None, ()):
                entry.pop("default", None)
            else:
                entry["default"] = written_default(field, info)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def written_default(field: str, info: FieldInfo) -> Any:
    """A field's default as a file would write it: 2000 in `poll_ms` is `2s`."""
    default = info.default
    if field.endswith("_ms") and isinstance(default, int):
        return format_duration(default)
    if field == "payload":
        return f"{default}B"
    if isinstance(default, float) and default.is_integer():
        return int(default)
    return list(default) if isinstance(default, tuple) else default


def render() -> str:
    """The text of the committed file."""
    return json.dumps(scenario_schema(), indent=2) + "\n"


def _fields(model: type[BaseModel] | None) -> list[tuple[str, FieldInfo]]:
    return list(model.model_fields.items()) if model else []


def _models(root: type[BaseModel]) -> list[type[BaseModel]]:
    """`root` and all models of this package: pydantic knows them as the subclasses of their base."""
    found: list[type[BaseModel]] = [root]
    pending: list[type[BaseModel]] = [root.__mro__[1]]
    while pending:
        below = pending.pop().__subclasses__()
        found += below
        pending += below
    return found


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
