"""The reviewed list of mutants that behave as the original does, each with the reason why no run shows it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from lab.model.frozen import Frozen
from lab.yamlsource import load_yaml, validate

FILE = "equivalent-mutants.yaml"


class ReviewedMutant(Frozen):
    """One entry: which mutant, what it changes (for the reader), why it does not matter."""

    key: str
    change: str
    reason: str = Field(min_length=10)


class ReviewedList(Frozen):
    """The file."""

    mutants: tuple[ReviewedMutant, ...] = ()


def read_reviewed(contract: Path) -> dict[str, ReviewedMutant]:
    """The list beside a contract, by key; empty without one. Raises InvalidFile."""
    path = contract.parent / FILE
    if not path.is_file():
        return {}
    return {entry.key: entry for entry in validate(load_yaml(path), ReviewedList).mutants}
