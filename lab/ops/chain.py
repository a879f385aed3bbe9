"""One chain that is operated: how it is reached, which contract stands there, and when its blocks are final."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.coordinator import Codec, Reader, StateNumbering
from lab.live.declaration.deployment_file import Target
from lab.rpc import Rpc


@dataclass(frozen=True, slots=True)
class OperatedChain:
    """Its contract's address is in lower case; `start_block` is that of the deployment."""

    target: Target
    rpc: Rpc
    codec: Codec
    contract: str
    learn_numbering: Callable[[], StateNumbering]
    start_block: int = 0

    @property
    def name(self) -> str:
        """As the session or the deployment file calls it."""
        return self.target.name

    @property
    def chain_id(self) -> int:
        """As the profile has it."""
        return self.target.profile.chain_id

    def time(self, unix_s: float | None = None) -> int:
        """That of its latest block, in unix seconds: what a contract goes by; the clock's where idle chains have none.

        Raises an RpcFailure.
        """
        head = int((self.rpc.block("latest") or {"timestamp": "0x0"})["timestamp"], 16)
        idle = not self.target.profile.mines_empty_blocks
        return max(head, int(unix_s)) if idle and unix_s is not None else head

    @property
    def numbering(self) -> StateNumbering:
        """How the contract numbers states; may ask the chain, where learning is not cached."""
        return self.learn_numbering()

    @property
    def reader(self) -> Reader:
        """All reads of the contract, states of transactions by name among them."""
        return Reader(self.rpc, self.codec, self.contract, self.numbering)

    @property
    def getters(self) -> Reader:
        """Reads that need no numbers of states, so that nothing has to be learnt first."""
        return Reader(self.rpc, self.codec, self.contract, StateNumbering.of_abi(self.codec.abi))
