"""What of a backup a contract cannot become any more: an id is buffered once, and what ended stays as it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lab.ops.backup.file import Backup, Saved

# What a transaction can still become, from each state that it has on the chain; EXPIRED from READY by `mark_failed`.
NEXT: Mapping[str, frozenset[str]] = {
    "EMPTY": frozenset({"BUFFERED", "READY", "EXECUTED", "EXPIRED"}),
    "BUFFERED": frozenset({"BUFFERED", "READY", "EXECUTED", "EXPIRED"}),
    "READY": frozenset({"READY", "EXECUTED", "EXPIRED"}),
    "EXECUTED": frozenset({"EXECUTED"}),
    "EXPIRED": frozenset({"EXPIRED"}),
}
# What a child's parent has to be.
MET = ("READY", "EXECUTED")
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Lost:
    """A transaction that cannot become what it was; `why` follows its id."""

    tx_id: str
    why: str

    def __str__(self) -> str:
        """In words."""
        return f"{self.tx_id} {self.why}"


def lost_of(saved: Backup, there: Backup, *, now: int, window_s: int, fails: bool = True) -> list[Lost]:
    """All of them, children after their parents. `window_s`: the widest that the contract can be given.

    `fails`: the contract has `mark_failed`.
    """
    return list(_lost(saved, {one.tx_id: one for one in there.transactions}, now, window_s, fails))


def lapsed_of(saved: Backup, there: Backup, lost: list[Lost], *, now: int, window_s: int) -> frozenset[str]:
    """Ids that were EXPIRED after they had been READY, and can no longer become READY here: they just expire."""
    stored = {one.tx_id: one for one in there.transactions}
    parents = {one.tx_id for one in lost if one.tx_id not in stored or stored[one.tx_id].state not in MET}
    once_ready = [one for one in saved.transactions if one.state == "EXPIRED" and one.ready_order is not None]
    return frozenset(
        one.tx_id
        for one in once_ready
        if one.dependency in parents or (one.tx_id in stored and now > stored[one.tx_id].timestamp + window_s)
    )


def said_of(lost: list[Lost]) -> str:
    """The first ones, and how many more."""
    more = len(lost) - SHOWN
    return "; ".join(map(str, lost[:SHOWN])) + (f"; and {more} more" if more > 0 else "")


def _lost(saved: Backup, stored: Mapping[str, Saved], now: int, window_s: int, fails: bool) -> Iterator[Lost]:
    parents: set[str] = set()
    for one in sorted(saved.transactions, key=lambda one: (one.ready_order is None, one.ready_order or 0)):
        other = stored.get(one.tx_id)
        state = "EMPTY" if other is None else other.state
        why = _ended(one, state, fails)
        if why is None and one.state in MET and state in ("EMPTY", "BUFFERED"):
            why = _unready(one, other, parents, now, window_s)
        if why is not None:
            if state not in MET:
                parents.add(one.tx_id)
            yield Lost(one.tx_id, why)


def _ended(one: Saved, state: str, fails: bool) -> str | None:
    if one.state == state or one.state not in NEXT.get(state, ()):
        return None if one.state == state else f"was {one.state}, is {state} here"
    if state == "READY" and one.state == "EXPIRED" and not fails:
        return "was EXPIRED, is READY here, and the contract has no mark_failed"
    return None


def _unready(one: Saved, other: Saved | None, parents: set[str], now: int, window_s: int) -> str | None:
    """Why it cannot become READY, if it cannot."""
    if one.dependency in parents:
        return f"was {one.state}, and depends on {one.dependency}, which cannot become READY here"
    if other is None or now <= other.timestamp + window_s:
        return None
    return (
        f"was {one.state}, is BUFFERED here for time {other.timestamp}: its window of {window_s} s ended at "
        f"{other.timestamp + window_s}, the chain is at {now}"
    )
