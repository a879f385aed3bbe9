"""One chain as the relayer holds it: connection, scan position, window, and whether its contract takes calls."""

from __future__ import annotations

from collections.abc import Callable

from lab.coordinator import Codec, Reader, StateNumbering
from lab.model.finality import Finality
from lab.model.session import Session, SessionChain
from lab.relayer.finality import FinalityJudge
from lab.relayer.records import ChainView, Head
from lab.relayer.scan import Mark
from lab.relayer.store import TRAIL_MAX
from lab.rpc import Rpc, RpcMalformed, Transport

BACKOFF_POLLS_MAX = 16


class Chain:
    """Mutable state of one chain. `fresh`: scanned in this poll, so that what is known of it is canonical."""

    def __init__(
        self, session: Session, facts: SessionChain, order: int, transport: Transport, codec: Codec,
        judge: Callable[[Rpc, Finality, int], FinalityJudge] = FinalityJudge,
    ) -> None:  # fmt: skip
        self.name, self.facts, self.order, self.codec = facts.name, facts, order, codec
        self.rpc = Rpc(transport)
        self.reader = Reader(self.rpc, codec, facts.contract, StateNumbering(session.state_numbering))
        self.judge = judge(self.rpc, facts.finality, session.genesis_time)
        self.trail: list[Mark] = []
        self.unsaved: list[Mark] = []
        self.head: Head | None = None
        self.window_s: int | None = None
        self.fresh = False
        self.blocked_until_ms: int | None = None
        self._poll_ms, self._backoff_polls = session.poll_interval_ms, 0

    def advance(self, head: Head, marks: tuple[Mark, ...], ancestor: int | None) -> None:
        """Move the scan position in memory, after the scan's result is safe."""
        if ancestor is not None:
            self.trail = [mark for mark in self.trail if mark[0] <= ancestor]
        self.trail = (self.trail + list(marks))[-TRAIL_MAX:]
        self.head = head
        for _, block_hash, timestamp in marks:
            self.judge.note_timestamp(block_hash, timestamp)

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
        """The contract refuses every call (paused, or we are no operator): wait longer each time. The wait in ms."""
        self._backoff_polls = min(BACKOFF_POLLS_MAX, max(1, 2 * self._backoff_polls))
        self.blocked_until_ms = now_ms + self._backoff_polls * self._poll_ms
        return self._backoff_polls * self._poll_ms

    def unblock_calls(self) -> None:
        """The contract takes calls again."""
        self.blocked_until_ms, self._backoff_polls = None, 0

    def view(self, now_ms: int, now_unix_ms: int) -> ChainView:
        """What decisions need of it. A chain that was never reached has no times yet, and is not fresh."""
        head, facts = self.head, self.facts
        head_timestamp = head.timestamp if head is not None else 0
        # The next block cannot be older than now, nor, where blocks come by themselves, come before its turn.
        step_s = facts.block_time_ms // 1000 if facts.mines_empty_blocks else 0
        return ChainView(
            name=self.name,
            order=self.order,
            rollup=facts.rollup.lower(),
            block_time_ms=facts.block_time_ms,
            mines_empty_blocks=facts.mines_empty_blocks,
            head_timestamp=head_timestamp,
            next_timestamp=max(head_timestamp + step_s, now_unix_ms // 1000),
            window_s=self.window_s or 0,
            fresh=self.fresh and head is not None and self.window_s is not None,
            accepting=self.blocked_until_ms is None or now_ms >= self.blocked_until_ms,
        )
