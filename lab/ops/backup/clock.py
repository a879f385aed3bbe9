"""Waiting by the time of a chain: for a block that carries one, and for the latest block to become final."""

from __future__ import annotations

from dataclasses import dataclass

from lab.live.execution.finality import final_block
from lab.ops.chain import OperatedChain
from lab.ops.operation import Operation


@dataclass(frozen=True, slots=True)
class ChainClock:
    """Of one chain. Every method raises an RpcFailure; waits raise DeadlineExceeded."""

    operation: Operation
    chain: OperatedChain

    def now(self) -> int:
        """The chain's time in unix seconds."""
        return self.chain.time(self.operation.timing.unix())

    def wait_for(self, block_time: int) -> None:
        """Until the latest block carries the time that the contract compares with."""
        waiting = self.operation.timing.waiting
        waiting.until(
            block_time,
            self.now,
            lambda now: (
                f"{self.chain.name}: expected a block of time {block_time} within {waiting.deadline_s:g} s, the chain "
                f"is at {now}: run the command again once it goes on"
            ),
        )

    def settle(self) -> None:
        """Until what was sent is final."""
        waiting, head = self.operation.timing.waiting, self.chain.rpc.block_number()
        waiting.until(
            head,
            self._final,
            lambda final: (
                f"{self.chain.name}: expected block {head} to become final within {waiting.deadline_s:g} s, block "
                f"{final} is: run the command again later, it goes on from here"
            ),
        )

    def _final(self) -> int:
        return final_block(self.chain.rpc, self.chain.target.finality, self.operation.timing.unix()).number
