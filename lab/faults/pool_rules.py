"""Rules of a network's transaction pool that the local node lacks: the tip floor and the price of a replacement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eth_account import Account as EthAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from lab.networks.profile import NetworkProfile
from lab.rpc import RpcRefused

UNDERPRICED = -32000


@dataclass(frozen=True, slots=True)
class Sent:
    """A raw EIP-1559 transaction, decoded as far as the lab needs it."""

    hash: str
    sender: str
    nonce: int
    to: str
    data: str
    max_fee_per_gas: int
    max_priority_fee_per_gas: int


def decode_raw(raw: str) -> Sent | None:
    """What is in a raw transaction; None for one that does not decode, or of another type."""
    try:
        payload = HexBytes(raw)
        fields = TypedTransaction.from_bytes(payload).as_dict()
        sender = EthAccount.recover_transaction(payload)
    except Exception:  # the library raises errors of many kinds for foreign bytes
        return None
    return Sent(
        hash="0x" + keccak(payload).hex(),
        sender=str(sender).lower(),
        nonce=int(fields["nonce"]),
        to="0x" + bytes(fields.get("to") or b"").hex(),
        data="0x" + bytes(fields.get("data") or b"").hex(),
        max_fee_per_gas=int(fields.get("maxFeePerGas", fields.get("gasPrice", 0))),
        max_priority_fee_per_gas=int(fields.get("maxPriorityFeePerGas", fields.get("gasPrice", 0))),
    )


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
