"""What a script plans at once, and the blocks of a contract that takes few operations of an account in each.

Operations wait for a block of their own. What would come too late by that alone is no fault of the contract: NoRoom.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lab.checks.facts import clock
from lab.coordinator.calling import all_roles
from lab.model.contract.batches import ids_of, requests_of
from lab.model.records import Tx
from lab.runner.operations import Pending
from lab.runner.requirements.unmet import NoRoom
from lab.runner.run import Run

BUFFERINGS = ("buffer_transaction", "buffer_batch")
# Of these the window may close.
RESOLVES = ("resolve_dependency", "resolve_batch")


def buffers(calls: Iterable[tuple[str, Sequence[Any]]]) -> bool:
    """Whether one of these calls buffers something."""
    return any(function in BUFFERINGS for function, _ in calls)


class Room:
    """Keeps the plan of one script to the limit, declared or learnt; without one nothing is asked."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._due: dict[tuple[str, str], int] = {}

    @property
    def limit(self) -> int | None:
        """Operations of an account in a block."""
        return self._run.lab.spec.target.limits.per_block

    def spaced_ms(self, chain: str, count: int) -> int:
        """How much longer so many operations of an account take by the limit than in one block."""
        blocks = -(-count // self.limit) if self.limit else 1
        return max(0, blocks - 1) * self._slot_ms(chain)

    def due(self, chain: str, count: int, lead_s: int) -> int:
        """The unix second so long after so many operations of an account. NoRoom beyond the contract's horizon."""
        ahead_s = lead_s + -(-self.spaced_ms(chain, count) // 1000)
        horizon_s = self._run.lab.spec.target.limits.horizon_seconds
        if horizon_s is not None and lead_s <= horizon_s < ahead_s:
            raise self._lack(f"within {horizon_s} s for {count} operations of an account on {chain}")
        return self._run.lab.genesis_time + self._run.now_ms // 1000 + ahead_s

    def expect_room(self, chain: str, calls: Iterable[tuple[str, Sequence[Any]]], *, ahead: int = 0) -> None:
        """Raises NoRoom where one of these would come too late by the limit, behind so many `ahead` of them.

        That is a buffering behind its timestamp, and a resolve behind the window of what the script buffered.
        """
        if self.limit is None:
            return
        codec, window_ms = self._run.lab.spec.target.codec, None
        for function, args in calls:
            late_ms = self.spaced_ms(chain, ahead + 1)
            ahead += len(all_roles(function, codec.functions, codec.names))
            for tx_id, *_, timestamp in requests_of(function, args):
                due_ms = self._ms(timestamp)
                self._expect_by(chain, due_ms, late_ms)
                self._due[chain, tx_id] = due_ms
            for tx_id in ids_of(args) if late_ms and function in RESOLVES else ():
                if (due := self._due.get((chain, tx_id))) is not None:
                    if window_ms is None:
                        window_ms = int(self._run.lab.reader(chain).get("coordination_window")) * 1000
                    self._expect_by(chain, due + window_ms, late_ms)

    def expect_on_time(self, pendings: Sequence[Pending]) -> None:
        """Raises NoRoom where the time of a leg came while its buffering, or that of another, waited for a block."""
        legs = {leg.tx_id: leg for leg in self._run.item.legs}
        buffered = [one for one in pendings if one.function in BUFFERINGS and one.args.get("tx_id") in legs]
        end_ms, waited_ms = self._run.now_ms, max((one.spaced_ms for one in buffered), default=0)
        overtaken = [leg.at_ms for leg in legs.values() if end_ms - waited_ms < leg.at_ms <= end_ms]
        if overtaken:
            raise self._planned(min(overtaken))

    def expect_reached(self, due_ms: int) -> None:
        """Raises NoRoom where a moment that a script waits for is over, since time only goes on by what it does."""
        if self.limit is not None and self._run.item.clock == "virtual":
            raise self._planned(due_ms)

    def expect_apart(self, chain: str, tx: Tx) -> None:
        """Raises NoRoom where a transaction failed that holds more bufferings of one account than a block takes."""
        if self.limit is None or tx.status:
            return
        callers = [call.caller for call in tx.calls if call.function in BUFFERINGS]
        most = max((callers.count(caller) for caller in callers), default=0)
        if most > self.limit:
            raise self._lack(f"for {most} operations of an account in one transaction on {chain}")

    def _expect_by(self, chain: str, due_ms: int, late_ms: int) -> None:
        """A moment that is past already is meant to be."""
        now_ms = self._run.now_ms
        if late_ms and now_ms <= due_ms < now_ms + self._slot_ms(chain) + late_ms:
            raise self._lack(f"in the blocks of {chain} for all that is to be there until {clock(due_ms)}")

    def _planned(self, until_ms: int) -> NoRoom:
        return self._lack(f"in blocks for what is planned until {clock(until_ms)}")

    def _lack(self, what: str) -> NoRoom:
        return NoRoom(f"room {what} (limits: per_block {self.limit})")

    def _ms(self, timestamp: int) -> int:
        return (timestamp - self._run.lab.genesis_time) * 1000

    def _slot_ms(self, chain: str) -> int:
        return self._run.lab.chains[chain].profile.block_time_ms
