"""What a backup holds is buffered, made ready and ended, in portions as large as the ones before showed to fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lab.coordinator.reads import Reader
from lab.errors import DeployFailure
from lab.ops.backup.clock import ChainClock
from lab.ops.backup.file import Backup, Saved
from lab.ops.backup.pace import Pace
from lab.ops.backup.reading import reading
from lab.ops.backup.restoring import Goal, Phase

# Each time there is twice as long to buffer in.
TOO_LATE_MAX = 6


class Portions:
    """`there` is the contract as of the last look; `sizes` are those of the portions, `begun` the latest timestamp."""

    def __init__(self, clock: ChainClock, goal: Goal, pace: Pace, there: Backup) -> None:
        self._clock, self._goal, self._pace, self.there = clock, goal, pace, there
        self.sizes: list[int] = []
        self.begun = 0

    def phases(self) -> Iterator[Phase]:
        """Whoever carries a phase out asks for the next one then: it is made of what the chain says by that time.

        Raises DeployFailure where the window of some has passed, or none can be buffered in time; an RpcFailure.
        """
        left, tries = self._goal.left(self.there), 0
        while left:
            portion = self._goal.portion(left, self.there, size=self._pace.size, depth=self._pace.depth)
            if portion[0].tx_id not in self._known():
                yield from self._buffered(portion)
                portion = tuple(one for one in portion if one.tx_id in self._known())
            tries = 0 if portion else tries + 1
            if tries > TOO_LATE_MAX:
                raise DeployFailure(
                    f"{self._clock.chain.name}: expected to buffer something within {self._pace.lead_s} s of the "
                    f"chain's time, its blocks come faster than calls get into them: use an endpoint nearer to it"
                )
            if portion:
                yield from self._finished(portion)
                self.sizes.append(len(portion))
            done = {one.tx_id for one in portion}
            left = [one for one in left if one.tx_id not in done]

    def _known(self) -> set[str]:
        return {one.tx_id for one in self.there.transactions}

    def _buffered(self, portion: Sequence[Saved]) -> Iterator[Phase]:
        since = self._clock.now()
        begun = since + self._pace.lead_s
        self.begun = max(self.begun, begun)
        yield self._goal.buffering(portion, self.there, begun, self._pace.margin_s)
        before = len(self._known())
        self._look(portion)
        self._pace.buffered(len(self._known()) - before, self._clock.now() - since)

    def _finished(self, portion: Sequence[Saved]) -> Iterator[Phase]:
        """Made ready and ended, as long as that opens the way to more: a child may want its parent executed."""
        first = self._unready(portion)
        count, now = len(first), self._clock.now()
        since, waiting = max([now, *(one.timestamp for one in first)]), count + 1
        while 0 < (unready := len(self._unready(portion))) < waiting:
            waiting = unready
            yield from self._goal.readying(portion, self.there, self._pace.margin_s)
            self._look(portion)
            if len(self._unready(portion)) == 0:
                self._pace.readied(count, self._clock.now() - since)
            yield from self._goal.ending(portion, self.there)
            self._look(portion)
        if count == 0:
            self._pace.readied(0, 0)
            yield from self._goal.ending(portion, self.there)
            self._look(portion)
        if missed := self._unready(portion):
            raise DeployFailure(self._missed(missed))

    def _unready(self, portion: Sequence[Saved]) -> list[Saved]:
        """Those that should be READY or further and are not, as they are stored; an EXPIRED one may be EXPIRED."""
        stored = {one.tx_id: one for one in self.there.transactions}
        wanted = [(one.state, stored[one.tx_id]) for one in portion if self._goal.is_to_be_ready(one)]
        return [there for state, there in wanted if there.state in ("BUFFERED", "EXPIRED") and there.state != state]

    def _missed(self, missed: Sequence[Saved]) -> str:
        """What is, and what helps."""
        first, now, window_s = missed[0], self._clock.now(), self._goal.window_s
        ended = first.timestamp + window_s
        over = first.state == "EXPIRED" or now + self._pace.margin_s > ended
        what = f"{first.tx_id} is {first.state} for time {first.timestamp}, its window of {window_s} s ends at {ended}"
        how = (
            "what is late stays so: the same command names all that is lost before it sends anything, and how to go on"
            if over
            else "its window is still open: the same command makes it ready now"
        )
        return (
            f"{self._clock.chain.name}: expected {len(missed)} transactions to be READY, they are not ({what}, the "
            f"chain is at {now}): {how}"
        )

    def _look(self, portion: Sequence[Saved]) -> None:
        """The portion as it stands now, by getters alone."""
        saved = {one.tx_id: one for one in portion}
        kept = tuple(one for one in self.there.transactions if one.tx_id not in saved)
        asked = reading(self._clock.chain, list(saved), ["get_transaction_details"])
        fresh = tuple(one for one in (_read(reader, saved[tx_id]) for tx_id, reader in asked) if one.state != "EMPTY")
        self.there = replace(self.there, transactions=kept + fresh)


def _read(reader: Reader, saved: Saved) -> Saved:
    """Its state and its timestamp; the payload, which takes a call of its own, is compared at the end."""
    origin, target, dependency, timestamp, state = reader.get("get_transaction_details", saved.tx_id)
    given = (origin, target, saved.payload, dependency, timestamp)
    return Saved(saved.tx_id, reader.numbering.name(state), *given, saved.ready_order)
