"""Waiting by the time of a chain: for a block that carries one, and for the latest block to become final."""

from __future__ import annotations

from dataclasses import dataclass

from lab.errors import DeadlineExceeded
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
        deadline_s = waiting.now() + waiting.deadline_s
        while self.now() < block_time:
            if waiting.now() > deadline_s:
                raise DeadlineExceeded(f"{self.chain.name}: expected a block of time {block_time}: it stands still")
            waiting.sleep(waiting.look_s)

    def settle(self) -> None:
        """Until what was sent is final."""
        waiting, chain, head = self.operation.timing.waiting, self.chain, self.chain.rpc.block_number()
        deadline_s = waiting.now() + waiting.deadline_s
        while final_block(chain.rpc, chain.target.finality, self.operation.timing.unix()).number < head:
            if waiting.now() > deadline_s:
                raise DeadlineExceeded(f"{chain.name}: expected block {head} to become final")
            waiting.sleep(waiting.look_s)
