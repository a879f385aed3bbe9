"""The state of one run while it goes: what steps act on, and how they record what they find."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from lab.checks.facts import clock
from lab.checks.safety.s7_payload import longest_payload
from lab.evidence import Recorder
from lab.faults import FAULTS, ActiveFault, Fault, LastingFault
from lab.faults.requests.base import RequestFault
from lab.model.history import History
from lab.model.record_parts.about import About
from lab.model.records import Expectation, FaultMark, Note
from lab.monitor.alerting.timeline import AlertSpan, SeriesLog
from lab.runner.difference import distinct
from lab.runner.operations import Operations, Pending
from lab.scenario.item import ScenarioItem, Step
from lab.session.lab import Lab

# On the wall clock every step is a little late.
LATE_S = 0.5
# Further ahead than anything that a run waits for.
FAR_S = 100_000


class Monitored(Protocol):
    """What watches a run: its series so far, what it logged, and the alerts that the rules gave for them."""

    log: SeriesLog

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of its JSON log."""
        ...

    def spans(self) -> list[AlertSpan]:
        """The alerts up to now. Raises EnvironmentFailure without promtool."""
        ...


@dataclass
class Run:
    """One run. `waiting` are the operations that the next step without a time of its own waits for."""

    item: ScenarioItem
    lab: Lab
    recorder: Recorder
    operations: Operations
    waiting: list[Pending] = field(default_factory=list)
    all_operations: list[Pending] = field(default_factory=list)
    faults: dict[str, tuple[Fault, ActiveFault]] = field(default_factory=dict)
    healed: dict[str, FaultMark] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    monitor: Monitored | None = None

    @property
    def far(self) -> int:
        """A timestamp far ahead of whatever a run does, in unix seconds, and within the contract's horizon."""
        horizon = self.lab.spec.target.limits.horizon_seconds
        return self.lab.genesis_time + (FAR_S if horizon is None else min(FAR_S, horizon // 2))

    @property
    def longest_payload(self) -> int:
        """Bytes of payload that the contract takes, of the documented ones."""
        return longest_payload(self.lab.spec.target.limits.payload_bytes)

    @property
    def now_ms(self) -> int:
        return self.lab.scheduler.now_ms

    def note(self, kind: str, text: str, chain: str | None = None) -> None:
        # What comes before genesis is there from the beginning.
        self.recorder.add(Note(t_ms=max(0, self.now_ms), kind=kind, text=text, chain=chain))

    def history(self) -> History:
        """All of it so far, with how late the machine was up to now."""
        if self.lab.watch is not None:
            self.lab.watch.look()
        return self.recorder.history()

    @property
    def usual_lateness_ms(self) -> int:
        """How late a step is at most on a machine with little to do."""
        return self.lab.scheduler.of_wall(LATE_S) if self.item.clock == "real" else 0

    def advance_to(self, t_ms: int, what: str) -> None:
        """Let time pass until `t_ms`, when `what` is to begin. If the lab comes late, that is on record."""
        self.lab.scheduler.advance_to(t_ms)
        self.note_late(what, t_ms)

    def note_late(self, what: str, due_ms: int) -> None:
        """What was due and came late by the lab's own doing: later expectations can then be nobody's fault."""
        late_ms = self.now_ms - due_ms
        if self.item.clock == "real" and late_ms > self.usual_lateness_ms:
            text = f"{what} was due at {clock(due_ms)} and came late, by {clock(late_ms)}"
            again = "run it again on a machine with less to do, or at a lower --speed where one was given"
            self.note("lab late", f"{text}: {again}")

    def leave_out(self, parts: Iterable[str]) -> None:
        """Note each optional part whose absence leaves something of this run out, once."""
        for part in parts:
            if part not in self.left_out:
                self.left_out.append(part)
                self.note("left out", part)

    def expectation(
        self,
        step: Step,
        expected: str,
        actual: str,
        *,
        met: bool | None,
        tried: str | None = None,
        suffix: str = "",
        rows: Sequence[str] = (),
        about: About | None = None,
    ) -> None:
        """Record an expectation, judged. Paths stay out of the history: a file's name is enough.

        `rows` of the checklist alone depend on it; by default all of the scenario's. `about` tells causes apart.
        """
        file, _, position = step.where.partition(":")
        self.recorder.add(
            Expectation(
                t_ms=self.now_ms,
                id=step.id + suffix,
                where=f"{Path(file).name}:{position}",
                expected=expected,
                actual=distinct(expected, actual) if met is False else actual,
                met=met,
                tried=tried,
                because=step.because,
                rows=tuple(rows),
                about=about if met is False else None,
            )
        )

    def inject(self, step_id: str, spec: Fault) -> None:
        """Start a fault, and arrange for its end if it has one of its own."""
        context = replace(self.lab.fault_context, over=self.heal)
        active = FAULTS[spec.fault].activate(context, step_id, spec)
        self.faults[step_id] = (spec, active)
        self.recorder.add(
            FaultMark(
                t_ms=self.now_ms,
                id=step_id,
                fault=spec.fault,
                chain=spec.chain_name(),
                phase="inject",
                params=spec.params(),
                effects=spec.effects(),
            )
        )
        active.inject()
        if not isinstance(spec, LastingFault):
            # What happens at once is over at once.
            self.heal(step_id)
        elif spec.for_ms is not None:
            due_ms = self.now_ms + spec.for_ms
            self.lab.scheduler.at(due_ms, lambda: self._heal_due(step_id, due_ms))

    def _heal_due(self, step_id: str, due_ms: int) -> None:
        if step_id not in self.healed:
            self.note_late(f"the end of {step_id}", due_ms)
            self.heal(step_id)

    def heal(self, step_id: str) -> None:
        """End a fault and record how often it acted. Healing one that was healed is no error."""
        if step_id in self.healed:
            return
        spec, active = self.faults[step_id]
        own = self.lab.spec.own_relayer is not None
        active.heal()
        self.healed[step_id] = self.recorder.add(
            FaultMark(
                t_ms=self.now_ms,
                id=step_id,
                fault=spec.fault,
                chain=spec.chain_name(),
                phase="heal",
                activations=active.activations,
                proof=active.proof,
                unasked=active.unasked if own and isinstance(active, RequestFault) else (),
            )
        )
