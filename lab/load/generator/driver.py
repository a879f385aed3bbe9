"""Drives one stream on one worker: an open loop that sends what is due, whatever became of what was sent before.

Arrivals that cannot be sent (no free connection, chain down) wait, become late, and are dropped after a while; a
dropped arrival takes no nonce. A transaction once taken is sent until its node answers: skipping it would leave a gap
in its sender's nonces, and everything behind it would wait for ever.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import gevent  # type: ignore[import-untyped]  # has no type information
from gevent.event import Event  # type: ignore[import-untyped]  # has no type information
from gevent.pool import Pool  # type: ignore[import-untyped]  # has no type information

from lab.load.generator.chain import ChainClient
from lab.load.generator.cursor import Cursor, Slot, slots_of
from lab.load.generator.wire import NoAnswer, Refusal
from lab.load.record.plan import Plan, Stream
from lab.load.record.worker_report import Tally
from lab.traffic.attempts import AttemptLog, Outcome
from lab.traffic.signer import SignedTransaction

RETRY_AFTER_S = 0.25
ENDS_WITHIN_S = 3.0
# How late the driver woke up, of so many times at most: a report with those of many streams must be read again.
LAGS_MAX = 10_000
# What a node says of a transaction that it has already; after a first attempt that means: it arrived.
HAS_IT = ("already imported", "already known", "nonce too low")

Fire = Callable[[str, str, float, int, str | None], None]
"""(label, chain, milliseconds since the intended time, bytes, error): one event for each transaction."""


@dataclass(slots=True)
class Item:
    """A transaction on its way."""

    cursor: Cursor
    transaction: SignedTransaction
    intended_us: int
    attempt: int = 0


class StreamDriver:
    """`run` returns when all is sent and answered, or when the time for that is over."""

    def __init__(
        self,
        plan: Plan,
        stream: Stream,
        chains: dict[str, ChainClient],
        log: AttemptLog,
        fire: Fire,
        *,
        rank: int,
        workers: int,
    ) -> None:
        self.plan, self.stream = plan, stream
        self.tally = Tally()
        self._log, self._fire = log, fire
        self._chains = {leg.chain: chains[leg.chain] for leg in stream.legs}
        self._rank, self._workers = rank, workers
        self._schedule = plan.schedule(stream)
        self._slots: deque[Slot] = deque(slots_of(stream, rank, workers))
        self._all_slots = list(self._slots)
        self.tally.senders = len(self._slots)
        self._waiting: deque[int] = deque()
        self._held = 0
        self._next = rank
        self._pool = Pool()
        self._ended = Event()
        self._zero = 0.0
        self._blocked: set[tuple[str, int]] = set()
        for name, chain in self._chains.items():
            chain.on_recovery(lambda name=name: self._resync(name))  # type: ignore[misc]

    def run(self, starts_at: float) -> None:
        """Drive the whole schedule. `starts_at` in unix time."""
        self._zero = time.monotonic() + (starts_at - time.time())
        tick_s = self.plan.tick_ms / 1000
        gives_up_s = self.plan.latest_s
        wakes_s = 0.0
        try:
            while (now_s := self._sleep_until(wakes_s)) < gives_up_s:
                self.tally.tick_lag_us.append(round((now_s - wakes_s) * 1e6))
                if len(self.tally.tick_lag_us) >= LAGS_MAX:
                    # Every second one is enough for the percentiles of a long run, in a bounded space.
                    del self.tally.tick_lag_us[::2]
                self._take_arrivals(now_s)
                self._dispatch(now_s)
                if now_s >= self._schedule.seconds and not self._waiting and not self._pool:
                    break
                wakes_s = max(wakes_s + tick_s, now_s - tick_s)
            self.tally.finished = not self._waiting and not self._pool
        finally:
            # What is under way is known to nobody until it is answered: an early end waits a moment for it.
            try:
                self._pool.join(timeout=ENDS_WITHIN_S)
            finally:
                self._pool.kill()
                self._log.flush()
                self._ended.set()

    def await_end(self) -> None:
        """Wait until what was under way has been noted: whoever closes the log before would lose it."""
        self._ended.wait(timeout=2 * ENDS_WITHIN_S)

    def _sleep_until(self, at_s: float) -> float:
        gevent.sleep(max(0.0, self._zero + at_s - time.monotonic()))
        return time.monotonic() - self._zero

    def _now_us(self) -> int:
        return round((time.monotonic() - self._zero) * 1e6)

    def _take_arrivals(self, now_s: float) -> None:
        due = self._schedule.due(now_s)
        while self._next < due:
            self._waiting.append(round(self._schedule.time_of(self._next) * 1e6))
            self._next += self._workers
            self.tally.arrivals += 1

    def _dispatch(self, now_s: float) -> None:
        while self._waiting:
            if any(not chain.free for chain in self._chains.values()):
                break
            batches: dict[str, list[Item]] = {name: [] for name in self._chains}
            for _ in range(min(len(self._waiting), self.plan.batch_max)):
                taken = self._take()
                if taken is None:
                    break
                intended_us = self._waiting.popleft()
                self._held = max(0, self._held - 1)
                for cursor, transaction in taken:
                    batches[cursor.leg.chain].append(Item(cursor, transaction, intended_us))
            for name, items in batches.items():
                if items:
                    self._spawn(name, items)
            if not any(batches.values()):
                break
        self._hold(now_s)

    def _hold(self, now_s: float) -> None:
        """Mark what waits for the system, not for the generator, and drop what has waited too long."""
        self.tally.held += len(self._waiting) - self._held
        self._held = len(self._waiting)
        oldest_us = round(now_s * 1e6) - self.plan.drop_after_ms * 1000
        while self._waiting and self._waiting[0] < oldest_us:
            intended_us = self._waiting.popleft()
            self._held -= 1
            self.tally.dropped += 1
            for leg in self.stream.legs:
                self._log.add(leg.number, Outcome.DROPPED, 0, 0, 0, intended_us, 0, 0)

    def _take(self) -> list[tuple[Cursor, SignedTransaction]] | None:
        while self._slots:
            slot = self._slots[0]
            self._slots.rotate(-1)
            if self._blocked and any((c.leg.chain, c.sender) in self._blocked for c in slot.cursors):
                self._slots.remove(slot)
                continue
            taken = slot.take()
            if taken is not None:
                return taken
            self._slots.remove(slot)
        return None

    def _spawn(self, name: str, items: list[Item]) -> None:
        chain = self._chains[name]
        chain.busy += 1
        self.tally.connections_peak = max(self.tally.connections_peak, chain.busy)
        self._pool.spawn(self._send, chain, items)

    def _send(self, chain: ChainClient, items: list[Item]) -> None:
        sent_us = self._now_us()
        failure = ""
        answers: list[Refusal | None] = []
        try:
            self.tally.requests += 1
            answers = chain.wire.send_raw([item.transaction.raw for item in items])
        except NoAnswer as error:
            failure = str(error)
        except BaseException:
            # Whatever ends it here, the node may have taken them: what nobody noted, the ledger cannot explain.
            for item in items:
                self._note(item, Outcome.LOST, sent_us, self._now_us(), "given up before it was answered")
            raise
        finally:
            chain.busy -= 1
        answered_us = self._now_us()
        if failure:
            self._count(self.tally.failures, failure)
            chain.suspect()
            for item in items:
                self._note(item, Outcome.LOST, sent_us, answered_us, failure)
        again = [item for item in items if failure]
        for item, refusal in zip(items, answers, strict=False):
            if refusal is None or (item.attempt and any(words in refusal.message for words in HAS_IT)):
                self._note(item, Outcome.ACCEPTED, sent_us, answered_us, None)
            else:
                self._count(self.tally.refusals, str(refusal))
                self._note(item, Outcome.REFUSED, sent_us, answered_us, str(refusal))
                again.append(item)
        if again:
            self._send_again(chain, again)

    def _send_again(self, chain: ChainClient, items: list[Item]) -> None:
        """The same bytes once more: what arrived the first time is refused as already known."""
        for item in items:
            item.attempt += 1
        kept = [item for item in items if item.attempt < self.plan.attempts_max]
        for item in items:
            if item.attempt >= self.plan.attempts_max and not chain.down:
                self._blocked.add((chain.name, item.cursor.sender))
                self.tally.senders_blocked = len(self._blocked)
        if not kept:
            return
        gevent.sleep(RETRY_AFTER_S * kept[0].attempt)
        # A chain that is down gets everything that it misses when it is back.
        if not chain.down:
            self.tally.resent += len(kept)
            chain.busy += 1
            self._send(chain, kept)

    def _resync(self, name: str) -> None:
        """After an outage: hand over again what the node has lost, from the nonce that it knows of each sender."""
        chain = self._chains[name]
        self.tally.recoveries += 1
        cursors = [c for slot in self._all_slots for c in slot.cursors if c.leg.chain == name]
        try:
            nonces = chain.nonces([cursor.sender for cursor in cursors])
        except NoAnswer:
            chain.suspect()
            return
        # Those that were given up are taken up again; one without transactions leaves by itself.
        self._slots.extend(slot for slot in self._all_slots if slot not in self._slots)
        for cursor, nonce in zip(cursors, nonces, strict=True):
            self._blocked.discard((name, cursor.sender))
            missing = cursor.again(nonce) if nonce is not None else []
            for start in range(0, len(missing), self.plan.batch_max):
                batch = missing[start : start + self.plan.batch_max]
                self.tally.resent += len(batch)
                self._spawn(name, [Item(cursor, transaction, self._now_us(), 1) for transaction in batch])

    def _note(self, item: Item, outcome: Outcome, sent_us: int, answered_us: int, error: str | None) -> None:
        leg, transaction = item.cursor.leg, item.transaction
        self._log.add(
            leg.number,
            outcome,
            item.attempt,
            item.cursor.sender,
            transaction.nonce,
            max(0, item.intended_us),
            max(0, sent_us),
            max(0, answered_us),
        )
        self._fire(leg.label, leg.chain, (answered_us - item.intended_us) / 1000, len(transaction.raw), error)

    @staticmethod
    def _count(table: dict[str, int], reason: str) -> None:
        # Reasons may carry hashes or figures: a table of a thousand of them adds nothing.
        key = reason if reason in table or len(table) < 50 else "other"
        table[key] = table.get(key, 0) + 1
