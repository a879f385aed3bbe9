"""A success criterion as the report shows it, and what evidence says of it before it meets its definition."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lab.model.outcome import Outcome
from lab.report.records.frozen import Frozen


class Criterion(Frozen):
    """A success criterion: what was measured, how sure that is, and what it would take to be sure."""

    row: str
    title: str
    target: str
    definition: str
    kind: Literal["technical", "business"]
    state: Outcome
    figure: str
    value: float | None = None
    limit: float | None = Field(default=None, description="the target as a number, in the unit of `value`")
    unit: str = ""
    interval: str = ""
    low: float | None = None
    high: float | None = None
    n: int | None = None
    needed: str = Field(default="", description="how many more runs would decide")
    reason: str = ""
    assumptions: tuple[str, ...] = ()
    evidence: tuple[str, ...] = Field(default=(), description="paths relative to the results folder")


class Derived(Frozen):
    """What runs say about a criterion, before it meets its definition."""

    state: Outcome
    figure: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    interval: str = ""
    n: int | None = None
    needed: str = ""
    reason: str = ""
    assumptions: tuple[str, ...] = ()
