"""What the documentation says of a call and of a view, beside what a contract did.

Where the documentation leaves something open the contract's own answer is taken over: whether an expired transaction
gets a state of its own, when a circuit breaker trips, whether a timestamp beyond all use is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from lab.coordinator.behaviour import ENDINGS, Behaviour
from lab.coordinator.codec import DecodedLog
from lab.coordinator.comparison import EXPIRED, changes_nothing, events_differing, late_and_unmet, may_refuse, unmet
from lab.coordinator.reads import ZERO_ID
from lab.coordinator.refused import Refused
from lab.model.effects import OPERATOR_FUNCTIONS
from lab.model.record_parts.about import NOTHING, About, Difference, no_revert
from lab.runner.model_based.sequence import Step

EVENTS = ("TransactionBuffered", "TransactionReady", "TransactionFailed")
REVERTED = "expected it to succeed, it reverted"
OVERFLOWS = "expected it to succeed, it reverted: timestamp + window is more than 2**256 - 1"
CROWDED = "expected it to succeed among many others, it reverted"
GROWS = "expected its gas not to grow with what was done before"
ANEW = "expected a lifted stop to begin the count of failures anew"
# So many operators are no crowd.
CROWDED_FROM = 8
# What the documentation says, by function; of one deviation what it means, too.
RULES = {
    "buffer_transaction": "an operator buffers a new id; it is then BUFFERED with all fields as given",
    "resolve_dependency": "READY within timestamp and timestamp + the window in force now, if its dependency itself is "
    "READY or EXECUTED, or it has none; else it succeeds with TransactionFailed",
    "mark_executed": "by an operator, only from READY, which never lapses",
    "add_operator": "by the owner; the account may call operator functions from now on",
    "remove_operator": "by the owner; the account, the owner's own included, may not call operator functions any more",
    "set_coordination_window": "by the owner, 5 to 300 seconds, in force at once for all transactions",
    OVERFLOWS: "the timestamp was accepted, so it must be resolved like any other: until it comes it succeeds with "
    "TransactionFailed. As it is, no call ever ends this transaction; others are not harmed, and only an operator can "
    "buffer it. Way out: compare without a sum (block.timestamp - timestamp > window), or refuse such a timestamp in "
    "buffer_transaction; or declare in lab.yaml how far ahead timestamps lie (limits: {horizon_seconds: N})",
    CROWDED: "the documentation sets no bound to the number of operators. Way out: declare it in lab.yaml (limits: "
    "{operators: N})",
    GROWS: "what it takes may differ by what is used for the first time; what grows with every operation does not fit "
    "into a block some day, and then stands still for ever. Way out: look up what is asked for (a mapping) instead of "
    "going through all there ever were; or declare a bound in lab.yaml (limits: {operators: N})",
    ANEW: "lifting the stop resets the count; as it is, one failure stops it again until its period is over. Way out: "
    "set the count to zero where the stop is lifted",
    "pause": "while paused no operator function succeeds; owner functions and views do",
    "unpause": "everything is as it was before the stop",
}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a contract has declared, so that it is not held against it.

    Attributes:
        patience_s: It may refuse a resolution that soon after the buffering.
        delay_s: The part of it that is declared in seconds: no number of blocks makes such a resolution succeed.
        horizon_s: It may refuse a timestamp further ahead; None: it may not.
        operators: It may refuse an operator beyond so many; None: it may not.
    """

    patience_s: int = 0
    delay_s: int = 0
    horizon_s: int | None = None
    operators: int | None = None


@dataclass(frozen=True, slots=True)
class Deviation:
    """Where a sequence left the documentation. `step` is None for a view at the end; `what` does not depend on ids."""

    step: Step | None
    what: str
    index: int
    about: About = NOTHING

    @property
    def signature(self) -> tuple[str, str]:
        """The same for deviations that one cause may have."""
        return (self.step.function if self.step else "views", self.what.partition("; ")[0])

    @property
    def cause(self) -> tuple[str, str]:
        """The signature without the values that happened to be drawn: what is shown once need not be shown again."""
        function, what = self.signature
        return function, re.sub(r" to be .*|( with \w+) .*", r"\1", what)

    @property
    def explains(self) -> set[tuple[str, str]]:
        """The causes that need not be shown any more: its own, and what ever more gas leads to."""
        own = self.cause
        return {own, *((function, REVERTED) for function in OPERATOR_FUNCTIONS if own[1] == GROWS)}


# Endings and the states in which nothing but the time can be against them.
SURE = (("expire_transaction", "BUFFERED"), ("mark_failed", "READY"))
SUCCEEDED_BEFORE = "expected it to succeed as it did for another transaction, it reverted"


class Judge:
    """One contract beside the documented behaviour, from one state of both on."""

    def __init__(self, model: Behaviour, learnt: dict[str, str], allowance: Allowance = Allowance()) -> None:
        self.model, self.learnt, self.allowance = deepcopy(model), learnt, allowance
        self._buffered_at: dict[str, int] = {}
        self._ended: dict[tuple[Any, ...], list[tuple[bool, str]]] = {}
        self._last = "", True

    def outcome(
        self, function: str, args: Sequence[Any], sender: str, now: int, ok: bool, events: Sequence[DecodedLog]
    ) -> Difference | None:
        """What of a call is not as documented; None if all is. The model moves on."""
        got = [event for event in events if event.event in EVENTS]
        self._last = sender, ok
        if not ok and (may_refuse(function, args) or self._beyond_limits(function, args, now)):
            return None
        # A contract may refuse what is resolved too soon for it as it refuses whatever comes too early.
        in_vain = {event.event for event in got} == {"TransactionFailed"}
        if in_vain and self._is_within(self.allowance.delay_s, function, args, now):
            return None
        # How a transaction ends that is not executed is for the contract to say, and that is the same each time.
        if function in ENDINGS and (refuses := self._refuses_now(function, args, sender, now, ok)):
            return Difference(refuses)
        if function in ENDINGS and (not ok or (not self.model.paused and self.model.may(function, args, sender, now))):
            # A circuit breaker may count it.
            self.model.events = [(event.event, args[0]) for event in got]
            ready = [event.event for event in got if event.event != "TransactionFailed"]
            return Difference(f"expected no {ready[0]} of a call that ends a transaction") if ready else None
        if (not ok or function in ("pause", "unpause")) and changes_nothing(self.model, function, args, sender):
            return None
        either = late_and_unmet(self.model, function, args, now)
        try:
            emitted = self.model.call(function, args, sender, now)
        except Refused as refused:
            words = f"expected it to revert ({refused}), it succeeded"
            return Difference(words, no_revert(refused.reasons)) if ok else None
        if not ok:
            overflows = function == "resolve_dependency" and self.model.may_overflow(function, args)
            crowded = function == "add_operator" and len(self.model.operators) > CROWDED_FROM
            return Difference(OVERFLOWS if overflows else CROWDED if crowded else REVERTED)
        expected = self._events(emitted, args)
        self._buffered_at.update((event["tx_id"], now) for event in expected if event["event"] == EVENTS[0])
        named = [event.args | ({"reason": EXPIRED} if unmet(event, either) else {}) for event in got]
        shown = [{"event": event.event, **event_args} for event, event_args in zip(got, named, strict=True)]
        return events_differing(shown, expected)

    def _refuses_now(self, function: str, args: Sequence[Any], sender: str, now: int, ok: bool) -> str | None:
        """What has ended one of an operator's transactions ends another in the same state, that is as late or later."""
        entry = self.model.entries.get(args[0])
        if entry is None or self.model.paused or not self.model.may(function, (ZERO_ID,), sender, now):
            return None
        late_s = now - entry.timestamp - self.model.window if entry.state == "BUFFERED" else 0
        if late_s < 0 or (function, entry.state) not in SURE or self.model.past_deadline(entry, now):
            return None
        since = int(self.learnt.get(f"{function} since", late_s if ok else late_s + 1))
        if ok:
            self.learnt[f"{function} since"] = str(min(since, late_s))
        return None if ok or late_s < since else SUCCEEDED_BEFORE

    def _beyond_limits(self, function: str, args: Sequence[Any], now: int) -> bool:
        """Whether the contract's declared limits let it refuse such a call."""
        if function == "add_operator":
            return self.allowance.operators is not None and len(self.model.operators) >= self.allowance.operators
        if function in ("buffer_transaction", "buffer_batch"):
            requests = args[0] if function == "buffer_batch" else [args]
            return self.allowance.horizon_s is not None and any(
                request[5] > now + self.allowance.horizon_s for request in requests
            )
        return self._is_within(self.allowance.patience_s, function, args, now)

    def _is_within(self, seconds: int, function: str, args: Sequence[Any], now: int) -> bool:
        """Whether a call resolves what was buffered within so many seconds; never within none."""
        ids = args[0] if function == "resolve_batch" else args[:1] if function == "resolve_dependency" else ()
        waited = (now - self._buffered_at[tx_id] for tx_id in ids if tx_id in self._buffered_at)
        return seconds > 0 and any(since <= seconds for since in waited)

    def _events(self, emitted: Sequence[tuple[str, str]], args: Sequence[Any]) -> list[dict[str, Any]]:
        """The documented ones with all arguments, from the model's short form: one for each id of a batch."""
        documented = [(name, detail) for name, detail in emitted if name in EVENTS]
        ids = args[0] if args and isinstance(args[0], list) else [args[0]] if args else []
        expected: list[dict[str, Any]] = []
        for (name, detail), subject in zip(documented, ids, strict=False):
            event: dict[str, Any] = {"event": name, "tx_id": detail}
            if name == "TransactionBuffered":
                entry = self.model.entries[detail]
                event |= {"origin_rollup": entry.origin, "target_rollup": entry.target, "timestamp": entry.timestamp}
            elif name == "TransactionFailed":
                event |= {"tx_id": subject, "reason": detail}
            expected.append(event)
        return expected

    def take_over(self, function: str, tx_id: str, state: str, now: int) -> str | None:
        """Learn from the state after a call whether it ends what expired; the same from then on.

        Returns how an ending differs from those of two other transactions, of which nothing but the id is another.
        """
        entry = self.model.entries.get(tx_id)
        if entry is None:
            return None
        odd = self._one_of_three(function, tx_id, state) if function in ENDINGS else None
        late = now > entry.timestamp + self.model.window
        lapsed = function == "expire_transaction" and self.model.past_deadline(entry, now)
        if ((function == "mark_failed" or lapsed) and (entry.state, state) == ("READY", "EXPIRED")) or (
            late
            and {entry.state, state} == {"BUFFERED", "EXPIRED"}
            and self.learnt.setdefault(function, state) == state
        ):
            entry.state = state
        return odd

    def _one_of_three(self, function: str, tx_id: str, state: str) -> str | None:
        """Of three such calls, one after the other, the one in the middle did something else than those around it."""
        entry, (sender, ok) = self.model.entries[tx_id], self._last
        # Not the time: whatever changes with it had not changed by the third.
        about = (entry.origin, entry.target, entry.payload, entry.dependency, entry.timestamp, entry.state)
        alike = function, sender, self.model.paused, self._buffered_at.get(tx_id), about
        done = self._ended.setdefault(alike, [])
        done.append((ok, state))
        if len(done) < 3 or done[-1] != done[-3] or done[-1] == done[-2]:
            return None
        (others_ok, others), (odd_ok, odd) = done[-1], done[-2]
        words = {True: "succeeds", False: "reverts"}
        return (
            f"expected the same for every id: it {words[others_ok]} and leaves {others}; for the one before it "
            f"{words[odd_ok]} and leaves {odd}"
        )
