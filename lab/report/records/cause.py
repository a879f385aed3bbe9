"""Causes: what failures of a session come from, each said once. The record behind `causes.json` and its page."""

from __future__ import annotations

from typing import Literal

from lab.html.text import plural
from lab.model.frozen import Frozen
from lab.model.under_test import UnderTest
from lab.model.verdict import Verdict

Layer = Literal["documented", "demanded"]
Kind = Literal["operation", "relayer", "missing", "check", "expectation", "unknown", "evidence"]


class QuotedLine(Frozen):
    """A line of the contract's source. `place` is `Mine.vy:91`, without folders."""

    place: str
    text: str


class Moment(Frozen):
    """Something that happened, as the time line of a run has it.

    Attributes:
        t_ms: When, in milliseconds of the run's clock.
        chain: Where; empty for what belongs to no chain.
        text: What.
        nearness: Its place among what is shown when ordered by distance from the deviation; 0 is the nearest.
    """

    t_ms: int
    chain: str
    text: str
    nearness: int = 0


class AffectedRun(Frozen):
    """A run that shows a cause. `folder` is as seen from the results folder; `t_ms` is when it shows there first."""

    item: str
    scenario: str
    folder: str
    verdict: Verdict
    t_ms: int | None = None
    words: str


class Cause(Frozen):
    """One root cause.

    Attributes:
        id: The same for the same deviation in every session.
        title: What it is, with the check's title where a check shows it.
        demand: What the check demands; empty without one.
        deviation: What was expected and what came, in the run that shows it best.
        function: The contract's function that deviates, by its documented name; empty where none is known.
        documented: What the documentation says of that function, or the checklist of the capability that it is part of.
        layer: Which of the two.
        source: The line of the contract that decided, where it can be named.
        shown_by: The smallest run that shows it.
        events: What happened around its moment there, in the order of time.
        runs: Every run that shows it, the smallest first.
        rows: The readiness rows that these runs claim.
        follows: Other deviations counted with it: seen only behind it, or about the same outcome of the same function.
        relayer_log: The last that a relayer of the user's own said in `shown_by`.
        command: What runs `shown_by` alone.
    """

    id: str
    kind: Kind
    title: str
    demand: str = ""
    deviation: str
    function: str = ""
    documented: str = ""
    layer: Layer = "documented"
    source: QuotedLine | None = None
    shown_by: AffectedRun
    events: tuple[Moment, ...] = ()
    runs: tuple[AffectedRun, ...]
    rows: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    relayer_log: tuple[str, ...] = ()
    command: str = ""


class CauseReport(Frozen):
    """All causes, the one that takes down most first. `runs` counts all runs looked at, `failed` those not PASS.

    `excesses` are sentences on runs that took many times what they take with the reference.
    """

    schema_version: Literal[1] = 1
    title: str
    under_test: UnderTest | None = None
    runs: int
    failed: int
    causes: tuple[Cause, ...] = ()
    excesses: tuple[str, ...] = ()

    @property
    def head(self) -> str:
        """How many of how many."""
        return f"{plural(len(self.causes), 'cause')}, of {plural(self.failed, 'failed run')}"
