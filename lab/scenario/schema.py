"""The JSON schema of scenario files, for editors.

`python -m lab.scenario.schema` writes scenarios/scenario.schema.json.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lab.faults import FAULTS
from lab.model.units import format_duration
from lab.paths import SCENARIOS
from lab.scenario.model import ScenarioFile
from lab.scenario.steps import STEPS

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
    schema["properties"]["timeline"]["items"] = _one_step(schema["properties"]["timeline"]["items"]["oneOf"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _one_step(references: list[dict[str, str]]) -> dict[str, Any]:
    """A step by its kind: an editor then speaks of the fields of this one fault, not of every step that there is."""
    by_model = {reference["$ref"].rpartition("/")[2]: reference for reference in references}
    kinds = [kind for kind in STEPS if kind != "fault"]
    rules = [
        {"if": {"required": ["fault"], "properties": {"fault": {"const": kind}}}, "then": by_model[fault.spec.__name__]}
        for kind, fault in FAULTS.items()
    ]
    others = [{"required": [kind]} for kind in (*kinds, "fault") if kind != "expect"]
    for kind in kinds:
        # Beside another kind `expect` is that step's outcome.
        alone: dict[str, Any] = {"not": {"anyOf": others}} if kind == "expect" else {}
        rules.append({"if": {"required": [kind], **alone}, "then": by_model[STEPS[kind].__name__]})
    return {
        "type": "object",
        "properties": {"fault": {"enum": list(FAULTS)}},
        "anyOf": [{"required": [kind]} for kind in STEPS],
        "allOf": rules,
    }


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
    models: list[type[BaseModel]] = [root]
    pending: list[type[BaseModel]] = [root.__mro__[1]]
    while pending:
        below = pending.pop().__subclasses__()
        models += below
        pending += below
    return models


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
