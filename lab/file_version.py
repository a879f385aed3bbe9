"""The version that a file of the lab carries. It has to stand there: what states none is never taken for the newest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

FIELDS = ("schema_version", "version", "journal")
ADVICE = "it is for another version of the lab; make or write it again for this one"


@dataclass(frozen=True, slots=True)
class FileVersion:
    """The field that states a version, and the one that can be read."""

    field: str = "schema_version"
    number: int = 1

    def trouble(self, value: object) -> str:
        """Why a file's value cannot be read, in words; empty where it can, and for what is no object."""
        if not isinstance(value, Mapping):
            return ""
        stated = value.get(self.field)
        if stated == self.number and type(stated) is int:
            return ""
        got = "none" if self.field not in value else repr(stated)[:40]
        return f"expected {self.field} {self.number}, got {got}: {ADVICE}"


SCHEMA = FileVersion()


def version_of(model: type[BaseModel]) -> FileVersion | None:
    """What a file must state to be read as a model; None for one without a version."""
    for name in FIELDS:
        field: Any = model.model_fields.get(name)
        if field is not None and get_origin(field.annotation) is Literal:
            return FileVersion(name, get_args(field.annotation)[0])
    return None
