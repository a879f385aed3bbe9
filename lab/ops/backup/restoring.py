"""The calls that bring a contract to a saved state, from whatever state it is in: repeated after any end, it goes on.

A contract takes no timestamp in the past, so what had begun at the time of the backup gets a later one. What became
ready is made ready again in the same order, in portions that fit into the window. Until that is done the window is as
wide as the contract allows, and nothing else ends a transaction either: no deadline, no stop by failures. The saved
settings come last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lab.ops.backup.file import Backup, Saved
from lab.ops.planning import CallRequest

OPERATOR, OWNER = "operator", "owner"
UNLIMITED = 0
LAST_SETTINGS = ("coordination_window", "breaker_threshold", "execution_window")


@dataclass(frozen=True, slots=True)
class Phase:
    """Calls that belong together; `not_before` is the block time to wait for, before them or without any; or None.

    `not_after`: the block time from which on they can no longer do what they are for; None: whenever.
    """

    name: str
    role: str
    calls: tuple[CallRequest, ...]
    not_before: int | None = None
    not_after: int | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    """A backup to restore, and how.

    `expiry`: the contract has `expire_transaction`. `fails`: it has `mark_failed`. `window_s`: the one to restore in,
    the widest that the contract can be given. `lost`: ids that cannot become what they were, and are left. `lapsed`:
    those that were EXPIRED once they had been READY, and have only to expire here.
    """

    saved: Backup
    expiry: bool
    fails: bool = True
    window_s: int = 0
    lost: frozenset[str] = frozenset()
    lapsed: frozenset[str] = frozenset()

    def first_settings(self, there: Backup) -> Phase:
        """While something is left to be done nothing but the window ends a transaction, and that is the widest."""
        calls: list[CallRequest] = []
        left, window = self.left(there), there.settings.get("coordination_window")
        busy = bool(left or self._to_expire(there))
        if busy and there.settings.get("paused"):
            calls.append(("unpause", ()))
        for name in ("breaker_threshold", "execution_window"):
            if busy and there.settings.get(name, UNLIMITED) != UNLIMITED:
                calls.append((f"set_{name}", (UNLIMITED,)))
        needed = self.window_s if any(one.ready_order is not None for one in left) else self.saved.window_s
        if window != max(needed, self.saved.window_s):
            calls.append(("set_coordination_window", (max(needed, self.saved.window_s),)))
        return Phase("settings to begin with", OWNER, tuple(calls))

    def then(self, there: Backup) -> Backup:
        """As it is once the first settings are in force."""
        settings = {
            function.removeprefix("set_"): args[0] for function, args in self.first_settings(there).calls if args
        }
        return replace(there, settings=there.settings | settings)

    def left(self, there: Backup) -> list[Saved]:
        """Those that have something left to be done, first those that ever were ready, in that order.

        What has only to expire, which needs its window to end, is none of them once it is buffered.
        """
        states = {one.tx_id: one.state for one in there.transactions}
        ready = sorted((one for one in self.saved.transactions if one.ready_order is not None), key=_order)
        others = [one for one in self.saved.transactions if one.ready_order is None]
        return [one for one in (*ready, *others) if self._is_left(one, states.get(one.tx_id, "EMPTY"))]

    def _is_left(self, one: Saved, state: str) -> bool:
        if state == "EMPTY":
            return True
        if one.state == state or one.tx_id in self.lost:
            return False
        return self.is_to_be_ready(one) or state != "BUFFERED"

    def _to_expire(self, there: Backup) -> list[Saved]:
        """As they are stored: what is BUFFERED, and was EXPIRED."""
        states = {one.tx_id: one.state for one in self.saved.transactions}
        return [one for one in there.transactions if one.state == "BUFFERED" and states.get(one.tx_id) == "EXPIRED"]

    @staticmethod
    def portion(left: Sequence[Saved], there: Backup, *, size: int, depth: int) -> tuple[Saved, ...]:
        """The first of them: at most `size`, and `depth` generations. What is buffered already goes by itself.

        Its window runs already, and would not wait for those that are still to be buffered.
        """
        known = {one.tx_id for one in there.transactions}
        generations: dict[str, int] = {}
        chosen: list[Saved] = []
        for one in left[:size]:
            generation = 1 + generations.get(one.dependency, 0) if one.ready_order is not None else 0
            if (one.tx_id in known) != (left[0].tx_id in known) or generation > depth:
                break
            generations[one.tx_id] = generation
            chosen.append(one)
        return tuple(chosen)

    def buffering(self, portion: Sequence[Saved], there: Backup, begun: int, margin_s: int = 0) -> Phase:
        """Whatever is not there yet, for the time `begun` or its own later one; not in the last seconds before it."""
        known = {one.tx_id for one in there.transactions}
        calls = tuple(
            ("buffer_transaction", _request(one, one.timestamp if waits(one, begun) else begun))
            for one in portion
            if one.tx_id not in known
        )
        return Phase("buffer", OPERATOR, calls, not_after=begun - margin_s + 1)

    def readying(self, portion: Sequence[Saved], there: Backup, margin_s: int = 0) -> Iterator[Phase]:
        """Parents before their children: a phase for each depth."""
        stored = {one.tx_id: one for one in there.transactions}
        left = [one for one in portion if self.is_to_be_ready(one) and stored[one.tx_id].state == "BUFFERED"]
        while left:
            ids = {one.tx_id for one in left}
            now = [one for one in left if one.dependency not in ids]
            times = [stored[one.tx_id].timestamp for one in now]
            calls = tuple(("resolve_dependency", (one.tx_id,)) for one in now)
            yield Phase("ready", OPERATOR, calls, max(times), min(times) + self.window_s - margin_s + 1)
            left = [one for one in left if one.dependency in ids]

    def is_to_be_ready(self, one: Saved) -> bool:
        """Whether it ever was READY, and can be again."""
        return one.ready_order is not None and one.tx_id not in self.lost and one.tx_id not in self.lapsed

    def ending(self, portion: Sequence[Saved], there: Backup) -> Iterator[Phase]:
        """What was executed or failed."""
        stored = {one.tx_id: one for one in there.transactions}
        ready = [one for one in portion if one.tx_id in stored and stored[one.tx_id].state == "READY"]
        executed = [("mark_executed", (one.tx_id,)) for one in ready if one.state == "EXECUTED"]
        failed = [("mark_failed", (one.tx_id,)) for one in ready if one.state == "EXPIRED" and self.fails]
        yield Phase("execute", OPERATOR, tuple(executed))
        yield Phase("fail", OPERATOR, tuple(failed))

    def running_out(self, there: Backup) -> Iterator[Phase]:
        """What ran out does so again, in the saved window; what could not become READY any more waits."""
        lapsed, lapse = self._to_expire(there), self.lapsing(there)
        if (lapsed or lapse.not_before is not None) and (
            there.settings.get("coordination_window", self.saved.window_s) != self.saved.window_s
        ):
            yield Phase("window", OWNER, (("set_coordination_window", (self.saved.window_s,)),))
        if lapsed:
            due = max(one.timestamp for one in lapsed) + self.saved.window_s + 1
            function = "expire_transaction" if self.expiry else "resolve_dependency"
            yield Phase("expire", OPERATOR, tuple((function, (one.tx_id,)) for one in lapsed), due)
        yield lapse

    def lapsing(self, there: Backup) -> Phase:
        """No call: what could not become READY any more must not be able to again, when the operators come back."""
        over = {one.tx_id for one in self.saved.transactions if self.saved.is_over(one)}
        due = [one.timestamp + self.saved.window_s + 1 for one in there.transactions if one.tx_id in over]
        return Phase("lapse", OPERATOR, (), max(due, default=None))

    def last_settings(self, there: Backup) -> Iterator[Phase]:
        """Settings, operators, the stop or its end."""
        saved = self.saved
        yield Phase(
            "settings",
            OWNER,
            tuple(
                (f"set_{name}", (int(saved.settings[name]),))
                for name in LAST_SETTINGS
                if name in saved.settings and there.settings.get(name) != saved.settings[name]
            ),
        )
        missing = [one for one in saved.operators if one not in there.operators]
        extra = [one for one in there.operators if one not in saved.operators]
        calls = [("add_operator", (one,)) for one in missing] + [("remove_operator", (one,)) for one in extra]
        yield Phase("operators", OWNER, tuple(calls))
        stopped, now = saved.settings.get("paused"), there.settings.get("paused")
        if bool(stopped) != bool(now) and stopped is not None:
            yield Phase("stop", OWNER, (("pause" if stopped else "unpause", ()),))


def waits(saved: Saved, begun: int) -> bool:
    """Whether its own timestamp can be given again."""
    return saved.state == "BUFFERED" and saved.timestamp >= begun


def _order(saved: Saved) -> int:
    return saved.ready_order or 0


def _request(saved: Saved, timestamp: int) -> tuple[object, ...]:
    return (saved.tx_id, saved.origin, saved.target, saved.payload or "0x", saved.dependency, timestamp)
