"""What a panel is: an expression, a unit, and the limit that it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.monitor.alerting.alerts import P

Unit = Literal["short", "s", "percentunit", "wei", "currencyUSD", "reqps", "bool"]
C = 'chain=~"$chain"'
# Counters of a deployment may stand still for hours, so panels show what was added in ten minutes, or all.
SPAN = "10m"


@dataclass(frozen=True, slots=True)
class Limit:
    """What a panel is held against: one `value` for all series, or the series of `expr`, drawn dashed, `legend` each.

    Trouble begins at a value, and beyond a series; `good_above` says that it lies below. `why` is for the description:
    what the limit is, and which file or rule it comes from.
    """

    why: str
    value: float | None = None
    expr: str = ""
    legend: str = "limit {{chain}}"
    good_above: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: the series of one expression. `legend` takes labels as `{{chain}}`; `alert` goes with its limit."""

    title: str
    about: str
    unit: Unit
    expr: str
    limit: Limit
    legend: str = "{{chain}}"
    alert: str | None = None

    @property
    def description(self) -> str:
        """What it shows, its limit, and the alert."""
        return f"{self.about} Limit: {self.limit.why}." + (f" Alert: {self.alert}." if self.alert else "")


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard. `row` is the row of the checklist that it serves."""

    uid: str
    title: str
    row: str
    panels: tuple[Panel, ...]


NONE = Limit("none at all", value=1)


def held(title: str, what: str, expr: str, alert: str, legend: str = "{{chain}}") -> Panel:
    """What shall be so at all times, 1 while it is."""
    return Panel(title, f"1 while {what}.", "bool", expr, Limit("always 1", 1, good_above=True), legend, alert)


def buffered(span: str = "") -> str:
    """How many transactions each chain has buffered: in `span`, or since the deployment."""
    counter = f'{P}events_total{{{C},event="TransactionBuffered"}}'
    return f"sum by (chain) (increase({counter}[{span}]))" if span else f"sum by (chain) ({counter})"
