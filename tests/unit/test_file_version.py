"""A file that states another version, or none, is refused in one sentence, whatever else is in it."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel

import lab
from lab.bounded_files import UnfitFile, parse_model, require_version
from lab.errors import InvalidFile
from lab.file_version import ADVICE, FIELDS, version_of
from lab.yamlsource import load_yaml, validate

ROOT = Path(lab.__file__).parent
STATED = re.compile(rf"^    ({'|'.join(FIELDS)}): Literal\[", re.MULTILINE)


def versioned() -> list[type[BaseModel]]:
    """Every model of the lab that carries a version."""
    modules = [path for path in ROOT.rglob("*.py") if STATED.search(path.read_text(encoding="utf-8"))]
    names = [".".join(("lab", *path.relative_to(ROOT).with_suffix("").parts)) for path in modules]
    members = [member for name in names for member in vars(importlib.import_module(name)).values()]
    models = {member for member in members if isinstance(member, type) and issubclass(member, BaseModel)}
    return sorted((model for model in models if version_of(model) is not None), key=lambda model: model.__name__)


@pytest.mark.parametrize("model", versioned(), ids=lambda model: model.__name__)
@pytest.mark.parametrize(("stated", "got"), [({}, "none"), (2, "2"), (0, "0"), ("1", "'1'"), (True, "True")])
def test_models_refuse_other_versions(model: type[BaseModel], stated: Any, got: str, tmp_path: Path) -> None:
    """As JSON and as YAML, with its place."""
    version = version_of(model)
    assert version is not None
    content = json.dumps({"what": "else", **({version.field: stated} if stated != {} else {})})
    with pytest.raises(UnfitFile) as refused:
        parse_model(content, model, "f.json")
    assert str(refused.value) == f"f.json: expected {version.field} {version.number}, got {got}: {ADVICE}"
    path = tmp_path / "f.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidFile) as invalid:
        validate(load_yaml(path), model)
    assert f"expected {version.field} {version.number}, got {got}: {ADVICE}" in str(invalid.value)
    assert len(str(invalid.value).splitlines()) == 1


class Small(BaseModel):
    """A file whose writers need not name its version."""

    schema_version: Literal[1] = 1
    name: str


def test_a_file_without_a_version_is_not_taken_for_the_newest() -> None:
    """Though everything else in it fits."""
    with pytest.raises(UnfitFile, match="expected schema_version 1, got none"):
        parse_model('{"name": "x"}', Small, "f.json")
    assert parse_model(Small(name="x").model_dump_json(), Small, "f.json").name == "x"


def test_objects_that_no_model_reads_state_their_version() -> None:
    """The same sentence."""
    assert require_version({"schema_version": 1}, Path("f.json")) == {"schema_version": 1}
    with pytest.raises(UnfitFile, match=r"^f.json: expected schema_version 1, got none"):
        require_version({}, Path("f.json"))
