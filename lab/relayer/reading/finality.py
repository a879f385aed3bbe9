"""Whether a block is final: by depth, by age, or by the node's own tag. Asked only of blocks that a decision needs."""

from __future__ import annotations

from lab.model.chain.finality import Finality
from lab.relayer.memory.records import BlockId, Head
from lab.relayer.reading.headers import parse_head
from lab.rpc import Rpc


class FinalityJudge:
    """The policy of one chain. Remembers block times, and the tagged block as long as the head stays the same."""

    def __init__(self, rpc: Rpc, policy: Finality, genesis_time: int) -> None:
        self._rpc, self.policy, self._genesis_time = rpc, policy, genesis_time
        self._timestamps: dict[str, int] = {}
        self._tagged: tuple[str, int] | None = None

    def is_final(self, block: BlockId, head: Head, now_ms: int) -> bool:
        """Whether a canonical block at or below `head` is final at `now_ms` since genesis. Raises an RpcFailure."""
        if self.policy.blocks is not None:
            return head.number >= block.number + self.policy.blocks
        if self.policy.seconds is not None:
            timestamp = self._timestamp(block)
            return timestamp is not None and now_ms >= self._final_at_ms(timestamp, self.policy.seconds)
        return block.number <= self._tagged_number(head)

    def final_number(self, head: Head, trail: list[tuple[int, str, int]], now_ms: int) -> int:
        """The highest number known as final without asking the node: what a checkpoint may stand on.

        `trail` holds (number, hash, timestamp) of scanned blocks, ascending.
        """
        if self.policy.blocks is not None:
            return head.number - self.policy.blocks
        if self.policy.seconds is not None:
            seconds = self.policy.seconds
            return max((n for n, _, ts in trail if now_ms >= self._final_at_ms(ts, seconds)), default=-1)
        return self._tagged[1] if self._tagged is not None else -1

    def note_timestamp(self, block_hash: str, timestamp: int) -> None:
        """Remember a block's time, to spare a question later."""
        self._timestamps[block_hash] = timestamp

    def _final_at_ms(self, timestamp: int, seconds: float) -> int:
        return (timestamp - self._genesis_time) * 1000 + int(seconds * 1000)

    def _timestamp(self, block: BlockId) -> int | None:
        if block.hash not in self._timestamps:
            header = self._rpc.block(block.hash)
            if header is None:
                return None  # orphaned meanwhile: the next scan will notice
            self._timestamps[block.hash] = parse_head("eth_getBlockByHash", header).timestamp
        return self._timestamps[block.hash]

    def _tagged_number(self, head: Head) -> int:
        if self._tagged is None or self._tagged[0] != head.hash:
            header = self._rpc.block(self.policy.tag or "finalized")
            number = parse_head("eth_getBlockByNumber", header).number if header is not None else -1
            self._tagged = (head.hash, number)
        return self._tagged[1]
