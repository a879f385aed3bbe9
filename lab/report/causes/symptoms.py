"""What is wrong in one run, as a list: failed checks, unmet expectations, operations and functions that are missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lab.checks.attempts import silent_on
from lab.html.text import clean
from lab.model.effects import KNOWN_EVENTS, Step, steps, with_callers
from lab.model.history import History
from lab.model.record_parts.about import NOTHING
from lab.model.records import NO_RELAYER, RELAYER_ENDED, UNDECIDED, Expectation, Leg, Note, Operation
from lab.model.verdict import Actor, CheckResult, Finding, RunVerdict, Verdict
from lab.report.causes.demands import came_of, demanded, not_stored
from lab.report.causes.documentation import function_in
from lab.report.causes.shapes import Shaper
from lab.report.records.cause import Kind

_MISSING = re.compile(r"the contract has no function (\w+(?:, \w+)*)")
_BLOCKED = re.compile(r"^not (?:played|run), for the smoke run showed that ")
TEXT_MAX = 400
FINDINGS_MAX = 200
# What they say of a leg is that the relayer left it.
_LEFT = ("L1", "L2", "L4", "L5", "S9")
# The key of all that is left where the relayer sent nothing at all, whatever found it.
SILENT = "the relayer is silent on CHAIN"
# Behind every call of a block.
NO_PLACE = (1 << 30, 0)
# Behind every record of a history.
LAST = 1 << 30


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that is wrong. Symptoms with the same `key` are the same deviation, in whichever run.

    Attributes:
        key: What makes it that deviation.
        text: What was expected and what came, of this run.
        check: The id of the check that says it; empty for others.
        tx_id: The coordinator's transaction that it is about, if it is about one.
        flow: The flow which that belongs to.
        function: The contract's function that it is about, by its documented name.
        actor: Whose act it is, where the check that says it can tell.
        says: What the call ended with: a revert reason, or an event with its reason.
        came: What a call that was only simulated came to, or should have: a reason, an event, or a getter.
        tx: The hash of the transaction that shows it.
        demands: The reason that a call was expected to revert with, or not to; the check that demands it.
        field: What of a stored transaction is not as it was given; or the getter of the contract that is wrong.
        states: The state that a transaction should have been in, and the one that it was in, if it is about that.
        place: Where in the block of that moment: the transaction's index, then the call's.
        seq: The record of the history that shows it; behind all where none is known.
    """

    kind: Kind
    key: str
    text: str
    check: str = ""
    t_ms: int | None = None
    chain: str | None = None
    tx_id: str | None = None
    flow: str | None = None
    function: str = ""
    actor: Actor | None = None
    says: str = ""
    came: str = ""
    tx: str | None = None
    demands: str = ""
    field: str = ""
    states: tuple[str, str] | None = None
    place: tuple[int, int] = NO_PLACE
    seq: int = LAST

    @property
    def order(self) -> tuple[bool, int, bool, tuple[int, int], bool]:
        """By time, what knows none last; of one moment a check first, and of one block what came first in it.

        L5 asks of some legs what L1 asks of all, and says more.
        """
        return self.t_ms is None, self.t_ms or 0, self.kind != "check", self.place, self.check == "L1"


def symptoms_of(verdict: RunVerdict, history: History | None) -> list[Symptom]:
    """In the order of their times; each key once for each transaction and flow, as it shows there first."""
    reader = _Reader(history)
    symptoms = [*reader.blocked(), *reader.checks(verdict), *reader.expectations()]
    if not symptoms or verdict.verdict is not Verdict.FAIL:
        symptoms += reader.reasons(verdict, others=len(symptoms))
    first: dict[tuple[str, str | None, str | None], Symptom] = {}
    for symptom in sorted(symptoms, key=lambda symptom: symptom.order):
        first.setdefault((symptom.key, symptom.flow, symptom.tx_id), symptom)
    return list(first.values())


class _Reader:
    def __init__(self, history: History | None) -> None:
        self._history = history
        self._shaper = Shaper(history)
        self._flows = {leg.tx_id: leg.flow for leg in history.header.legs} if history is not None else {}
        self._steps: dict[str, list[Step]] = {}

    def blocked(self) -> Iterator[Symptom]:
        """A core operation that never succeeds, as the smoke run showed; functions and relayers that are not there."""
        for note in self._history.of(Note) if self._history is not None else ():
            if note.kind in (NO_RELAYER, RELAYER_ENDED):
                text = clean(note.text, TEXT_MAX)
                key = f"relayer {self._shaper.shape(text)}"
                yield Symptom("relayer", key, text, t_ms=note.t_ms, seq=note.seq, actor="relayer")
            if note.kind == "blocked":
                text = clean(_BLOCKED.sub("", note.text), TEXT_MAX)
                missing = list(_missing(note.text, text, note.t_ms))
                yield from missing
                if not missing:
                    function = text.partition(" never ")[0]
                    yield Symptom("operation", f"operation {text}", text, t_ms=note.t_ms, function=function)

    def checks(self, verdict: RunVerdict) -> Iterator[Symptom]:
        """Every finding of a failed check; the reason of one that has none."""
        for result in verdict.checks:
            if result.verdict is Verdict.FAIL:
                for finding in result.findings[:FINDINGS_MAX] or (Finding(message=result.reason),):
                    yield self._finding(result, finding)

    def _finding(self, result: CheckResult, finding: Finding) -> Symptom:
        # Its last call is not to blame for a state that it did not announce: any call may have left it there.
        about, at_end = finding.about or NOTHING, self._read_at_end(finding)
        lost = at_end and not_stored(about)
        step = None if at_end and about.states and not lost else self._step_of(finding)
        function = step.function or "" if step is not None else ""
        if step is not None and (lost or (at_end and about.field)):
            # Read at the end, and as wrong since that call.
            finding = finding.model_copy(update={"t_ms": step.block.t_ms})
        legs = self._history.header.legs if self._history is not None and result.check in _LEFT else ()
        silent = self._is_silent(next((leg for leg in legs if leg.tx_id == finding.tx_id), None))
        return Symptom(
            "check",
            SILENT if silent else f"check {result.check} {function}: {self._shaper.shape(finding.message)}",
            clean(finding.message, TEXT_MAX),
            check=result.check,
            t_ms=finding.t_ms,
            chain=finding.chain,
            tx_id=finding.tx_id,
            flow=self._flows.get(finding.tx_id or ""),
            function="" if silent else function,
            # Earlier evidence does not say whose act it is: what is late is the relayer's.
            actor=finding.actor or ("relayer" if result.check.startswith("L") else None),
            says=_said(step),
            tx=step.tx.hash if step is not None else None,
            field=about.field,
            states=about.states,
            place=step.order[1:] if step is not None and step.block.t_ms == finding.t_ms else NO_PLACE,
            seq=step.block.seq if step is not None else max(finding.evidence, default=LAST),
        )

    def expectations(self) -> Iterator[Symptom]:
        """Those that were not met."""
        if self._history is None:
            return
        operations = self._history.of(Operation)
        for expectation in self._history.of(Expectation):
            if expectation.met is not False:
                continue
            why = f" ({expectation.because})" if expectation.because else ""
            # What the relayer did last is shown, and is no call that was expected.
            text, shown = (
                clean(f"expected {expectation.expected}; got {came}{why}", TEXT_MAX)
                for came in (expectation.actual, expectation.outcome)
            )
            if missing := list(_missing(expectation.actual, text, expectation.t_ms)):
                yield from missing
                continue
            operation, about = _operation_of(expectation, operations), expectation.about or NOTHING
            named = about.function or function_in(f"{expectation.expected} {expectation.actual}")
            function = operation.function if operation else named
            shape = f"{self._shaper.shape(expectation.expected)}; got {self._shaper.shape(expectation.outcome)}"
            silent = expectation.tried is not None and self._is_silent(self._leg_of(expectation))
            yield Symptom(
                "expectation",
                SILENT if silent else f"expectation {shape}",
                shown,
                t_ms=expectation.t_ms,
                seq=expectation.seq,
                chain=operation.chain if operation else None,
                flow=self._flow_of(expectation, operation),
                function="" if silent else function,
                says=self._said_by(operation) or expectation.actual,
                tx=operation.tx if operation else None,
                came=came_of(about),
                demands=demanded(function, about),
                field=about.field,
                states=about.states,
            )

    def reasons(self, verdict: RunVerdict, *, others: int) -> Iterator[Symptom]:
        """Why a run is UNKNOWN, or anything that has no other symptom."""
        for reason in verdict.reasons:
            if not others or reason.partition(":")[0] in UNDECIDED:
                shape = self._shaper.shape(re.sub(r"^\S+\.\w+:\d+:\d+ \S+: ", "", reason))
                yield Symptom("unknown", f"unknown {shape}", clean(reason, TEXT_MAX))

    def _flow_of(self, expectation: Expectation, operation: Operation | None) -> str | None:
        if self._history is None:
            return None
        if operation is not None and operation.leg is not None:
            leg = self._history.leg(operation.leg)
            return leg.flow if leg else None
        tx_id = operation.args.get("tx_id") if operation is not None else None
        if isinstance(tx_id, str) and tx_id in self._flows:
            return self._flows[tx_id]
        named = self._leg_of(expectation)
        return named.flow if named is not None else None

    def _leg_of(self, expectation: Expectation) -> Leg | None:
        """The leg that an expectation names."""
        legs = self._history.header.legs if self._history is not None else ()
        return next((leg for leg in legs if re.search(rf"\b{re.escape(leg.name)}\b", expectation.expected)), None)

    def _is_silent(self, leg: Leg | None) -> bool:
        """Whether a leg is left because the relayer sent nothing at all on the chain that it needs."""
        if leg is None or self._history is None or not self._history.header.poll_ms:
            return False
        return silent_on(self._history, leg) is not None

    def _steps_of(self, chain: str) -> list[Step]:
        if chain not in self._steps:
            self._steps[chain] = with_callers(steps(self._history, chain)) if self._history is not None else []
        return self._steps[chain]

    def _read_at_end(self, finding: Finding) -> bool:
        """Whether the final read of a transaction shows it: it was so before, since some call or other."""
        final = self._history.final(finding.chain) if self._history is not None and finding.chain else None
        return final is not None and finding.tx_id is not None and final.seq in finding.evidence

    def _step_of(self, finding: Finding) -> Step | None:
        """The call that a finding is about: in the block of its moment, else in the last one that it names."""
        if self._history is None or finding.chain not in self._history.header.chains:
            return None
        seqs = set(finding.evidence)
        near = [
            step
            for step in self._steps_of(finding.chain)
            if step.block.seq in seqs and step.call is not None and finding.tx_id in (None, step.tx_id)
        ]
        about = finding.about or NOTHING
        if near and about.field and self._read_at_end(finding):
            return near[0]
        if about.events is not None and not about.events[1]:
            # A call without an event of its own, whatever another one emitted about the same transaction.
            near = [step for step in near if not step.logs]
        exact = [step for step in near if step.block.t_ms == finding.t_ms] or near
        named = [step for step in exact if step.function and step.function in finding.message]
        return next(reversed(named or exact), None)

    def _said_by(self, operation: Operation | None) -> str:
        if operation is None:
            return ""
        if operation.revert:
            return clean(operation.revert, 160)
        step = next((step for step in self._steps_of(operation.chain) if step.tx.hash == operation.tx), None)
        return _said(step)


def _missing(reason: str, text: str, t_ms: int) -> Iterator[Symptom]:
    """A deviation for each function that the contract does not have: it is documented, or a scenario calls it.

    Functions of optional parts do not come here: a scenario that needs one is not exercised.
    """
    match = _MISSING.search(reason)
    for function in match[1].split(", ") if match is not None else ():
        yield Symptom("missing", f"missing {function}", text, t_ms=t_ms, function=function)


def _said(step: Step | None) -> str:
    """The revert reason, else the reason of the event, else the event, a documented one rather than another."""
    if step is None or step.call is None:
        return ""
    if not step.ok:
        return clean(step.call.revert or "", 160)
    reasons = [str(log.args["reason"]) for log in step.logs if log.args.get("reason")]
    events = sorted((log.event for log in step.logs), key=lambda event: event not in KNOWN_EVENTS)
    return clean(next(iter([*reasons, *events]), ""), 160)


def _operation_of(expectation: Expectation, operations: Iterable[Operation]) -> Operation | None:
    """The call that an expectation is about: that of its step, or the one that it names by its id."""
    ids = {expectation.id, expectation.about.operation if expectation.about is not None else ""}
    return next((operation for operation in operations if operation.id in ids), None)
