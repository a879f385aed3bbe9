"""What the account's transactions on one chain offer, and their signing."""

from __future__ import annotations

from contextlib import suppress

from lab.coordinator import Account, Fees, sign_transaction
from lab.relayer.memory.intents import Intent, Version
from lab.relayer.memory.records import Head
from lab.relayer.reading.chain import Chain
from lab.relayer.sending import fees
from lab.rpc import RpcFailure
from lab.rpc.client import quantity

CANCEL_GAS = 21_000


class Offers:
    """Knows the base fee that the next block asks for, where a node has refused an offer by the head's."""

    def __init__(self, chain: Chain, account: Account) -> None:
        self._chain, self._account = chain, account
        self._coming_fee: tuple[str, int] = ("", 0)

    def first(self, head: Head) -> Fees:
        return fees.first_offer(self._base_fee(head), self._chain.facts.min_tip_wei)

    def raised(self, intent: Intent, head: Head) -> Fees:
        """One that replaces the intent's last."""
        tip, bump_percent = self._chain.facts.min_tip_wei, self._chain.facts.replacement_bump_percent
        return fees.raised_offer(intent.last.fees, self._base_fee(head), tip, bump_percent)

    def learn_fee(self) -> None:
        """Ask the node for the base fee of the block to come."""
        head = self._chain.head
        with suppress(RpcFailure):
            if head is not None and (pending := self._chain.rpc.block("pending")) is not None:
                self._coming_fee = head.hash, quantity("eth_getBlockByNumber", pending.get("baseFeePerGas"))

    def signed(self, nonce: int, call: tuple[str, int] | None, offer: Fees, head: Head, now_ms: int) -> Version:
        """A transaction with this call data and gas limit; None: an empty one that takes a nonce's place."""
        to = self._chain.facts.contract if call is not None else self._account.address
        data, gas = call if call is not None else ("0x", CANCEL_GAS)
        raw, tx_hash = sign_transaction(
            self._account, chain_id=self._chain.facts.chain_id, nonce=nonce, to=to, data=data, gas=gas, fees=offer
        )
        return Version(tx_hash.lower(), raw, offer, call is None, False, head.number, now_ms)

    def _base_fee(self, head: Head) -> int:
        """The head's, or what the node has asked for the block after it: where blocks are rare, a head's is old."""
        at, coming = self._coming_fee
        return max(head.base_fee, coming if at == head.hash else 0)
