"""One chain as the relayer holds it: connection, scan position, window, and whether its contract takes calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from lab.coordinator import Codec, DecodedLog, Reader, StateNumbering
from lab.model.chain.finality import Finality
from lab.model.session import Session, SessionChain
from lab.relayer.memory.records import BlockId, ChainView, Head, Mark
from lab.relayer.memory.store import TRAIL_MAX
from lab.relayer.reading.finality import FinalityJudge
from lab.relayer.reading.headers import RawLog
from lab.rpc import Rpc, RpcMalformed, RpcRefused, Transport
from lab.rpc.client import quantity
from lab.rpc.prefetch import Prefetching

KNOCK_S, KNOCKS = 1.0, 4


class Chain:
    """Mutable state of one chain. `fresh`: scanned in this poll, so that what is known of it is canonical."""

    def __init__(
        self,
        session: Session,
        facts: SessionChain,
        order: int,
        transport: Transport,
        codec: Codec,
        judge: Callable[[Rpc, Finality, int], FinalityJudge] = FinalityJudge,
    ) -> None:
        self.name, self.facts, self.order, self.codec = facts.name, facts, order, codec
        self.genesis_time = session.genesis_time
        self.ahead = Prefetching(transport)
        self.rpc = Rpc(self.ahead)
        self.reader = Reader(self.rpc, codec, facts.contract, StateNumbering(session.state_numbering))
        self.judge = judge(self.rpc, facts.finality, session.genesis_time)
        self.trail: list[Mark] = []
        self.unsaved: list[Mark] = []
        self.head: Head | None = None
        self.window_s: int | None = None
        self.fresh = False
        # How many looks in a row ended without an answer.
        self.silent = 0
        # Whether the endpoint has said that it is this chain since it last showed another history than the known one.
        self.identified = False
        # How many looks in a row showed a head that may be what the known one stands on.
        self.lower_heads = 0
        # The contract's counts of transactions, by block hash, and whether it is one that can be relied upon.
        self.counted: dict[str, int] = {}
        self.counts = True
        # Polls in a row that lacked the log of a READY, and whether the contract is one that announces it.
        self.doubts, self.announces = 0, True
        # Transactions that may have become READY in a scanned block without their log being seen: when to look at each
        # again, in ms, and how long to wait after that.
        self.doubted: dict[str, tuple[int, int]] = {}
        # How many seconds the block to come is behind the clock (below 0: ahead), asked for since a call came too
        # early; None while nothing is known to be wrong. A clock that was set back stands: then it grows.
        self.behind_s: int | None = None
        self.shows_coming = False
        self._early: tuple[int, int] | None = None
        self.blocked_until_ms: int | None = None
        self._decoded: tuple[Sequence[RawLog], list[DecodedLog | None]] = (), []
        self._poll_ms = session.poll_interval_ms
        self._step_s = facts.block_time_ms // 1000 if facts.mines_empty_blocks else 0

    def decoded(self, logs: Sequence[RawLog]) -> list[DecodedLog | None]:
        """The logs of a scan, each as the contract's event; None for what is none."""
        if self._decoded[0] is not logs:
            self._decoded = logs, [self.codec.decode_log(raw.body) for raw in logs]
        return self._decoded[1]

    def advance(self, head: Head, marks: tuple[Mark, ...], ancestor: int | None) -> None:
        """Move the scan position in memory, after the scan's result is safe."""
        if ancestor is not None:
            self.trail = [mark for mark in self.trail if mark[0] <= ancestor]
        self.trail = (self.trail + list(marks))[-TRAIL_MAX:]
        self.head = head
        for _, block_hash, timestamp in marks:
            self.judge.note_timestamp(block_hash, timestamp)

    def checkpoint(self, head: Head, trail: Sequence[Mark], now_ms: int) -> tuple[int, str] | None:
        """Number and hash of the newest block of a trail that is known as final; None while its logs are in doubt."""
        if self.doubted:
            return None
        number = self.judge.final_number(head, list(trail), now_ms)
        final = [mark for mark in trail if mark[0] <= number]
        return final[-1][:2] if final else None

    def counted_at(self, block_hash: str) -> tuple[str, int] | None:
        """The contract's count of transactions at a block, with the block's hash; None where it is not known."""
        return (block_hash, self.counted[block_hash]) if block_hash in self.counted else None

    def doubt(self, tx_id: str) -> None:
        """Look at a transaction's state: its READY may have been missed."""
        if "TransactionReady" in self.codec.events:
            self.doubted.setdefault(tx_id, (0, 0))

    def timestamp_of(self, block: BlockId) -> int | None:
        """A scanned block's; None where it is not remembered."""
        return next((mark[2] for mark in reversed(self.trail) if mark[1] == block.hash), None)

    def knock(self) -> None:
        """Where there was no answer, see whether one comes in a short time; each fourth time, in that of any request.

        Raises RpcFailure.
        """
        if self.silent:
            self.rpc.call("eth_chainId", timeout_s=KNOCK_S if self.silent % KNOCKS else None)
            self.silent = 0

    def identify(self) -> None:
        """Make sure that the endpoint is of this chain, and has it: another's, or a part of it, looks plausible."""
        chain_id, self.identified = self.rpc.chain_id(), False
        if chain_id != self.facts.chain_id:
            raise RpcMalformed("eth_chainId", f"expected {self.name} with id {self.facts.chain_id}, got {chain_id}")
        # A node that does not know the method is taken at its word.
        with suppress(RpcRefused):
            if isinstance(syncing := self.rpc.call("eth_syncing"), dict):
                raise RpcMalformed("eth_syncing", f"expected a node of {self.name} with the whole chain, got {syncing}")
        self.identified = True

    def note_clock(self, number: int, timestamp: int, asked_unix_s: int) -> None:
        """A call came too early by its block's own timestamp. Where that stands still, be more patient each time."""
        lag_s, early, self._early = asked_unix_s - timestamp, self._early, (number, timestamp)
        stands = early is not None and number > early[0] and timestamp <= early[1]
        self.behind_s = 2 * lag_s if stands else max(self.behind_s or 0, lag_s)

    def check_clock(self, now_ms: int) -> None:
        """Where a call came too early, ask for the block to come, which shows its time. Raises RpcFailure.

        A node that shows its head in place of that block, or none, leaves what the heads themselves say.
        """
        if self.behind_s is None or self.head is None:
            return
        coming = None
        with suppress(RpcRefused):
            coming = self.rpc.block("pending")
        method, now = "eth_getBlockByNumber", self.genesis_time + now_ms // 1000
        self.shows_coming = coming is not None and quantity(method, coming.get("number")) > self.head.number
        if coming is not None and self.shows_coming:
            timestamp = quantity(method, coming.get("timestamp"))
            self.behind_s = None if timestamp >= max(self.head.timestamp + self._step_s, now) else now - timestamp
        elif self.head.timestamp <= now <= self.head.timestamp + self._step_s:
            self.behind_s = None

    def read_window(self) -> int:
        """The window in force at the head, in seconds. Raises an RpcFailure."""
        try:
            window = self.reader.get("coordination_window")
        except ValueError as error:
            raise RpcMalformed("eth_call", str(error)) from error
        if not isinstance(window, int):
            raise RpcMalformed("eth_call", f"expected coordination_window as a number, got {window!r}")
        return window

    def block_calls(self, now_ms: int) -> int:
        """The contract refuses every call (paused, or we are no operator): one is tried a poll. The wait in ms.

        It may announce when it takes calls again, but a node may lose that log, and no count tells that it did.
        """
        self.blocked_until_ms = now_ms + self._poll_ms
        return self._poll_ms

    def unblock_calls(self) -> None:
        self.blocked_until_ms = None

    def next_timestamp(self, now_ms: int) -> int:
        """The earliest that the next block can carry: not older than now, nor, where they come in turns, too early."""
        now, head_timestamp = self.genesis_time + now_ms // 1000, self.head.timestamp if self.head is not None else 0
        if self.behind_s is None:
            return max(head_timestamp + self._step_s, now)
        if self.shows_coming:
            return max(head_timestamp, now - self.behind_s)
        if self.facts.mines_empty_blocks:
            return head_timestamp
        if self._early is not None and head_timestamp > self._early[1]:
            self.behind_s = min(self.behind_s, max(0, now - head_timestamp))
        return max(head_timestamp, now - self.behind_s)

    def view(self, now_ms: int) -> ChainView:
        """What decisions need of it. A chain that was never reached has no times yet, and is not fresh."""
        head, facts = self.head, self.facts
        return ChainView(
            name=self.name,
            order=self.order,
            rollup=facts.rollup.lower(),
            block_time_ms=facts.block_time_ms,
            mines_empty_blocks=facts.mines_empty_blocks,
            head_timestamp=head.timestamp if head is not None else 0,
            next_timestamp=self.next_timestamp(now_ms),
            window_s=self.window_s or 0,
            fresh=self.fresh and head is not None and self.window_s is not None,
            accepting=self.blocked_until_ms is None or now_ms >= self.blocked_until_ms,
        )
