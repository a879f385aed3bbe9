"""The success criteria as data: what each one means and what its target is, read from `criteria.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from lab.report.catalogue.frozen import Frozen
from lab.yamlsource import load_yaml, validate

CRITERIA = Path(__file__).with_name("criteria.yaml")


class Definition(Frozen):
    """One criterion. `limit` is None where the target is no number."""

    row: str
    kind: Literal["technical", "business"]
    target: str
    limit: float | None = None
    unit: str
    definition: str


class _File(Frozen):
    schema_version: Literal[1]
    criteria: tuple[Definition, ...]


@cache
def definitions(path: Path = CRITERIA) -> tuple[Definition, ...]:
    """As committed beside this module, or of another file. Raises InvalidFile."""
    return validate(load_yaml(path), _File).criteria
