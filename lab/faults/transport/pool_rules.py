"""Rules of a network's transaction pool that the local node lacks: the tip floor and the price of a replacement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import rlp
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from lab.networks.profile import NetworkProfile
from lab.rpc import RpcRefused

UNDERPRICED = -32000
# The first byte of an RLP list, which a legacy transaction is; lower ones are types (EIP-2718).
LIST_PREFIX = 0xC0


INVALID_PARAMS = -32602
LEGACY_FIELDS = 9
BLOB_TYPE = 3


@dataclass(frozen=True, slots=True)
class Sent:
    """A raw transaction of any type, decoded as far as the lab needs it.

    One with a gas price alone (types 0 and 1) offers it as both its fees, as the networks' own pools count it.
    """

    hash: str
    sender: str
    nonce: int
    to: str
    data: str
    max_fee_per_gas: int
    max_priority_fee_per_gas: int


def decode_raw(raw: Any) -> Sent | None:
    """What is in a raw transaction; None for what the lab cannot read, and for blobs."""
    if not isinstance(raw, str):
        return None
    # Half a second of imports, which only those who meet a transaction should pay.
    from eth_account import Account as EthAccount

    try:
        payload = bytes(HexBytes(raw))
        if payload[0] == BLOB_TYPE:
            return None
        fields = _legacy(payload) if payload[0] >= LIST_PREFIX else _typed(payload)
        sender = EthAccount.recover_transaction(payload)
    except Exception:  # the library raises errors of many kinds for foreign bytes
        return None
    fee = int(fields.get("maxFeePerGas", fields.get("gasPrice", 0)))
    return Sent(
        hash="0x" + keccak(payload).hex(),
        sender=str(sender).lower(),
        nonce=int(fields["nonce"]),
        to="0x" + bytes(fields.get("to") or b"").hex(),
        data="0x" + bytes(fields.get("data") or b"").hex(),
        max_fee_per_gas=fee,
        max_priority_fee_per_gas=int(fields.get("maxPriorityFeePerGas", fee)),
    )


def unreadable(method: str, raw: Any) -> RpcRefused:
    """The refusal of what `decode_raw` cannot read: no transaction reaches a node unseen."""
    if isinstance(raw, str) and raw[:4].lower() == f"0x{BLOB_TYPE:02x}":
        text = "blob transactions (type 3) are not supported by the lab: a coordinator's call needs no blobs"
        return RpcRefused(method, UNDERPRICED, text)
    got = f"{len(raw)} characters beginning with {raw[:12]!r}" if isinstance(raw, str) else type(raw).__name__
    text = f"expected a signed transaction of type 0, 1, 2 or 4 in hex, got {got}"
    return RpcRefused(method, INVALID_PARAMS, text)


def _typed(payload: bytes) -> dict[str, Any]:
    from eth_account.typed_transactions.typed_transaction import TypedTransaction

    return TypedTransaction.from_bytes(HexBytes(payload)).as_dict()


def _legacy(payload: bytes) -> dict[str, Any]:
    """Type 0, with the chain's number in its signature (EIP-155) or without. Raises for other lists."""
    items = rlp.decode(payload)
    if len(items) != LEGACY_FIELDS:
        raise ValueError(f"expected {LEGACY_FIELDS} fields, got {len(items)}")
    nonce, gas_price = (int.from_bytes(each) for each in items[:2])
    return {"nonce": nonce, "gasPrice": gas_price, "to": items[3], "data": items[5]}


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
