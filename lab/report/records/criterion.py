"""A success criterion as the report shows it, and what evidence says of it before it meets its definition."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lab.model.outcome import Outcome
from lab.report.catalogue.frozen import Frozen


class Derived(Frozen):
    """What runs say about a criterion, before it meets its definition."""

    state: Outcome
    figure: str
    value: float | None = None
    interval: str = ""
    low: float | None = None
    high: float | None = None
    n: int | None = None
    needed: str = Field(default="", description="how many more runs would decide")
    reason: str = ""
    assumptions: tuple[str, ...] = ()


class Criterion(Derived):
    """A success criterion: what was measured, how sure that is, and what it would take to be sure."""

    row: str
    title: str
    target: str
    definition: str
    kind: Literal["technical", "business"]
    limit: float | None = Field(default=None, description="the target as a number, in the unit of `value`")
    unit: str = ""
    evidence: tuple[str, ...] = Field(default=(), description="paths relative to the results folder")
