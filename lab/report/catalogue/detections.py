"""What shows that a row is able to fail: the broken contracts that its checks caught, and the faults of its runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from lab.model.checks import check_name
from lab.report.catalogue.rows import Row
from lab.yamlsource import load_yaml, validate

DETECTIONS = Path(__file__).with_name("detections.yaml")


class Detections(BaseModel):
    """Check -> the broken contracts that it is known to catch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1]
    checks: dict[str, tuple[str, ...]]


@cache
def detections() -> Mapping[str, tuple[str, ...]]:
    """As committed beside this module."""
    return validate(load_yaml(DETECTIONS), Detections).checks


def can_fail(row: Row, faults: Iterable[str]) -> tuple[str, ...]:
    """In words, one sentence a fact; empty where nothing is known."""
    facts = []
    for check in dict.fromkeys(name for proof in row.proofs for name in proof.check):
        bugs = detections().get(check)
        if bugs:
            facts.append(f"{check_name(check)} caught the broken contracts {', '.join(bugs)}")
    acted = sorted(set(faults))
    if acted:
        facts.append(f"faults that acted in its runs: {', '.join(acted)}")
    return tuple(facts)
