"""Rules of a network's transaction pool that the local node lacks: types, the tip floor, the price of a replacement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.faults.transport.methods import SEND
from lab.faults.transport.raw_transaction import Sent, payload_of, type_of
from lab.networks.profile import NetworkProfile
from lab.rpc import RpcRefused

SERVER_ERROR = -32000
INVALID_PARAMS = -32602


class PoolRules:
    """Remembers what each sender has waiting at each nonce of one chain, as the network's own pools do.

    What they refuse they refuse in the words of the network's own nodes (go-ethereum's).
    """

    def __init__(self, profile: NetworkProfile) -> None:
        self._profile = profile
        self._waiting: dict[tuple[str, int], Sent] = {}

    def admit_type(self, method: str, raw: Any) -> None:
        """Raises RpcRefused for what is no bytes, and for a type that the network does not know."""
        payload = payload_of(raw)
        if payload is None:
            shown = f"{len(raw)} characters beginning with {raw[:12]!r}" if isinstance(raw, str) else type(raw).__name__
            text = f"invalid argument 0: expected a signed transaction in hex, got {shown}"
            raise RpcRefused(method, INVALID_PARAMS, text)
        if type_of(payload) not in self._profile.types_of_transactions:
            raise RpcRefused(method, SERVER_ERROR, "transaction type not supported")

    def admit(self, sent: Sent, *, waits: Callable[[str], bool]) -> None:
        """Raises RpcRefused for what pays too little.

        `waits` says of a hash whether the node's pool still has it: one mined, dropped or lost is replaced for free.
        """
        floor = self._profile.min_tip_wei
        if sent.max_priority_fee_per_gas < floor:
            tip = sent.max_priority_fee_per_gas
            text = f"transaction gas price below minimum: gas tip cap {tip}, minimum needed {floor}"
            raise RpcRefused(SEND, SERVER_ERROR, text)
        before = self._waiting.get((sent.sender, sent.nonce))
        if before is not None and before.hash != sent.hash and waits(before.hash):
            factor = 100 + self._profile.replacement_bump_percent
            offers = (
                (sent.max_fee_per_gas, before.max_fee_per_gas),
                (sent.max_priority_fee_per_gas, before.max_priority_fee_per_gas),
            )
            if any(offered * 100 < earlier * factor for offered, earlier in offers):
                raise RpcRefused(SEND, SERVER_ERROR, "replacement transaction underpriced")

    def accepted(self, sent: Sent) -> None:
        """The node took it."""
        self._waiting[sent.sender, sent.nonce] = sent

    def nonces(self) -> list[tuple[str, int]]:
        """(sender, nonce) of all that it ever took. A copy: under the real clock another thread fills the original."""
        return list(self._waiting)
