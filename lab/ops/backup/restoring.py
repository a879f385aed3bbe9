"""The calls that bring a contract to a saved state, from whatever state it is in: repeated after any end, it goes on.

A contract takes no timestamp in the past, so what had begun at the time of the backup gets a later one. What became
ready is made ready again in the same order, in portions that fit into the window; settings come last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.ops.backup.file import Backup, Saved
from lab.ops.planning import CallRequest

# Transactions that are buffered, made ready and executed together: all of it has to fit into one window.
PORTION = 1_000
OPERATOR, OWNER = "operator", "owner"
UNLIMITED = 0


@dataclass(frozen=True, slots=True)
class Phase:
    """Calls that belong together; `not_before` is the block time to wait for, before them or without any; or None."""

    name: str
    role: str
    calls: tuple[CallRequest, ...]
    not_before: int | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    """A backup to restore, and how: `lead_s` is how long buffering a portion takes at most.

    `expiry`: the contract has `expire_transaction`. `fails`: it has `mark_failed`.
    """

    saved: Backup
    lead_s: int
    expiry: bool
    fails: bool = True

    def first_settings(self, there: Backup) -> Phase:
        """While something is left to be done no failure counts towards a stop; and the window is the saved one."""
        calls: list[CallRequest] = []
        left = next(self.portions(there), None) is not None
        if left and there.settings.get("breaker_threshold", UNLIMITED) != UNLIMITED:
            calls.append(("set_breaker_threshold", (UNLIMITED,)))
        if there.settings.get("coordination_window") != self.saved.window_s:
            calls.append(("set_coordination_window", (self.saved.window_s,)))
        return Phase("settings to begin with", OWNER, tuple(calls))

    def portions(self, there: Backup) -> Iterator[tuple[Saved, ...]]:
        """Those that have something left to be done, first those that ever were ready, in that order."""
        states = {one.tx_id: one.state for one in there.transactions}
        ready = sorted((one for one in self.saved.transactions if one.ready_order is not None), key=_order)
        others = [one for one in self.saved.transactions if one.ready_order is None]
        left = [one for one in (*ready, *others) if states.get(one.tx_id, "EMPTY") != one.state]
        for start in range(0, len(left), PORTION):
            yield tuple(left[start : start + PORTION])

    def buffering(self, portion: Sequence[Saved], there: Backup, now: int) -> Phase:
        """Whatever is not there yet."""
        known, begun = {one.tx_id for one in there.transactions}, now + self.lead_s
        calls = tuple(
            ("buffer_transaction", _request(one, one.timestamp if waits(one, begun) else begun))
            for one in portion
            if one.tx_id not in known
        )
        return Phase("buffer", OPERATOR, calls)

    def readying(self, portion: Sequence[Saved], there: Backup) -> Iterator[Phase]:
        """Parents before their children: a phase for each depth."""
        stored = {one.tx_id: one for one in there.transactions}
        left = [one for one in portion if one.ready_order is not None and stored[one.tx_id].state == "BUFFERED"]
        while left:
            ids = {one.tx_id for one in left}
            now = [one for one in left if one.dependency not in ids]
            due = max(stored[one.tx_id].timestamp for one in now)
            yield Phase("ready", OPERATOR, tuple(("resolve_dependency", (one.tx_id,)) for one in now), due)
            left = [one for one in left if one.dependency in ids]

    def ending(self, portion: Sequence[Saved], there: Backup) -> Iterator[Phase]:
        """What was executed, failed, or ran out."""
        stored = {one.tx_id: one for one in there.transactions}
        ready = [one for one in portion if stored[one.tx_id].state == "READY"]
        executed = [("mark_executed", (one.tx_id,)) for one in ready if one.state == "EXECUTED"]
        failed = [("mark_failed", (one.tx_id,)) for one in ready if one.state == "EXPIRED" and self.fails]
        yield Phase("execute", OPERATOR, tuple(executed))
        yield Phase("fail", OPERATOR, tuple(failed))
        lapsed = [one for one in portion if one.state == "EXPIRED" and stored[one.tx_id].state == "BUFFERED"]
        if lapsed:
            due = max(stored[one.tx_id].timestamp for one in lapsed) + self.saved.window_s + 1
            function = "expire_transaction" if self.expiry else "resolve_dependency"
            yield Phase("expire", OPERATOR, tuple((function, (one.tx_id,)) for one in lapsed), due)

    def lapsing(self, there: Backup) -> Phase:
        """No call: what could not become READY any more must not be able to again, when the operators come back."""
        over = {one.tx_id for one in self.saved.transactions if self.saved.is_over(one)}
        due = [one.timestamp + self.saved.window_s + 1 for one in there.transactions if one.tx_id in over]
        return Phase("lapse", OPERATOR, (), max(due, default=None))

    def last_settings(self, there: Backup) -> Iterator[Phase]:
        """Settings, operators, the stop."""
        saved = self.saved
        yield Phase(
            "settings",
            OWNER,
            tuple(
                (f"set_{name}", (int(saved.settings[name]),))
                for name in ("breaker_threshold", "execution_window")
                if name in saved.settings and there.settings.get(name) != saved.settings[name]
            ),
        )
        missing = [one for one in saved.operators if one not in there.operators]
        extra = [one for one in there.operators if one not in saved.operators]
        calls = [("add_operator", (one,)) for one in missing] + [("remove_operator", (one,)) for one in extra]
        yield Phase("operators", OWNER, tuple(calls))
        if saved.settings.get("paused") and not there.settings.get("paused"):
            yield Phase("stop", OWNER, (("pause", ()),))


def waits(saved: Saved, begun: int) -> bool:
    """Whether its own timestamp can be given again."""
    return saved.state == "BUFFERED" and saved.timestamp >= begun


def _order(saved: Saved) -> int:
    return saved.ready_order or 0


def _request(saved: Saved, timestamp: int) -> tuple[object, ...]:
    return (saved.tx_id, saved.origin, saved.target, saved.payload or "0x", saved.dependency, timestamp)
