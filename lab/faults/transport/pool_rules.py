"""Rules of a network's transaction pool that the local node lacks: the tip floor and the price of a replacement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.faults.transport.raw_transaction import BLOB_TYPE, Sent
from lab.networks.profile import NetworkProfile
from lab.rpc import RpcRefused

UNDERPRICED = -32000
INVALID_PARAMS = -32602


def unreadable(method: str, raw: Any) -> RpcRefused:
    """The refusal of what `raw_transaction` cannot read: no transaction reaches a node unseen."""
    if isinstance(raw, str) and raw[:4].lower() == f"0x{BLOB_TYPE:02x}":
        text = "blob transactions (type 3) are not supported by the lab: a coordinator's call needs no blobs"
        return RpcRefused(method, UNDERPRICED, text)
    got = f"{len(raw)} characters beginning with {raw[:12]!r}" if isinstance(raw, str) else type(raw).__name__
    text = f"expected a signed transaction of type 0, 1, 2 or 4 in hex, got {got}"
    return RpcRefused(method, INVALID_PARAMS, text)


class PoolRules:
    """Remembers what each sender has waiting at each nonce of one chain, as the network's own pools do."""

    def __init__(self, profile: NetworkProfile) -> None:
        self._profile = profile
        self._waiting: dict[tuple[str, int], Sent] = {}

    def admit(self, sent: Sent, *, waits: Callable[[str], bool]) -> None:
        """Raises RpcRefused, in the words of the network's own nodes, for what they would refuse.

        `waits` says of a hash whether the node's pool still has it: one mined, dropped or lost is replaced for free.
        """
        floor = self._profile.min_tip_wei
        if sent.max_priority_fee_per_gas < floor:
            tip = sent.max_priority_fee_per_gas
            text = f"transaction gas price below minimum: gas tip cap {tip}, minimum needed {floor}"
            raise RpcRefused("eth_sendRawTransaction", UNDERPRICED, text)
        before = self._waiting.get((sent.sender, sent.nonce))
        if before is not None and before.hash != sent.hash and waits(before.hash):
            factor = 100 + self._profile.replacement_bump_percent
            offers = (
                (sent.max_fee_per_gas, before.max_fee_per_gas),
                (sent.max_priority_fee_per_gas, before.max_priority_fee_per_gas),
            )
            if any(offered * 100 < wanted * factor for offered, wanted in offers):
                raise RpcRefused("eth_sendRawTransaction", UNDERPRICED, "replacement transaction underpriced")

    def accepted(self, sent: Sent) -> None:
        """The node took it."""
        self._waiting[sent.sender, sent.nonce] = sent

    def nonces(self) -> list[tuple[str, int]]:
        """(sender, nonce) of all that it ever took. A copy: under the real clock another thread fills the original."""
        return list(self._waiting)
