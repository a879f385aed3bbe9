"""Signs, sends and waits: one transaction of one account to one contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.exceptions import ContractLogicError, TimeExhausted, Web3RPCError
from web3.types import LogReceipt, TxParams, TxReceipt

from lab.coordinator import Codec, DecodedLog
from lab.errors import DeadlineExceeded
from lab.sdk.records import Mined, Reverted

GAS_MARGIN_PERCENT = 20


class Sender:
    """One account's transactions to one contract. Fees are in wei: twice the base fee, and `min_tip_wei` at least."""

    def __init__(self, web3: Web3, address: str, account: LocalAccount, codec: Codec, min_tip_wei: int) -> None:
        """`address` is taken in any case, with or without its checksum."""
        self.web3, self.account, self.codec = web3, account, codec
        self.address = Web3.to_checksum_address(address)
        self._min_tip_wei = min_tip_wei

    def read(self, function: str, *args: Any) -> list[Any]:
        """The results of a view. Raises Reverted."""
        call: TxParams = {"to": self.address, "data": self._data(function, args)}
        try:
            return self.codec.decode_result(function, self.web3.eth.call(call).to_0x_hex())
        except (ContractLogicError, Web3RPCError) as error:
            raise self._reverted(function, error) from error

    def send(self, function: str, args: Sequence[Any], timeout_s: float) -> Mined:
        """Send a call and wait until it is in a block. Raises Reverted, or DeadlineExceeded with the hash."""
        eth = self.web3.eth
        call: TxParams = {"from": self.account.address, "to": self.address, "data": self._data(function, args)}
        try:
            gas = eth.estimate_gas(call)
        except (ContractLogicError, Web3RPCError) as error:
            raise self._reverted(function, error) from error
        tip = max(eth.max_priority_fee, self._min_tip_wei)
        base_fee = eth.get_block("latest").get("baseFeePerGas", 0)
        signed = self.account.sign_transaction(
            {
                "chainId": eth.chain_id,
                "nonce": eth.get_transaction_count(self.account.address, "pending"),
                "to": self.address,
                "data": call["data"],
                "gas": gas * (100 + GAS_MARGIN_PERCENT) // 100,
                "maxFeePerGas": 2 * base_fee + tip,
                "maxPriorityFeePerGas": tip,
            }
        )
        sent = eth.send_raw_transaction(signed.raw_transaction)
        try:
            receipt = eth.wait_for_transaction_receipt(sent, timeout=timeout_s, poll_latency=0.1)
        except TimeExhausted:
            waited = f"{function} in transaction {sent.to_0x_hex()} to be in a block within {timeout_s:g} s"
            raise DeadlineExceeded(
                f"expected {waited}, and it is not: look for its hash before you send again"
            ) from None
        if receipt["status"] != 1:
            raise self._why(function, call, receipt)
        return self.mined(receipt)

    def mined(self, receipt: TxReceipt) -> Mined:
        """A receipt, with the events of this contract decoded."""
        logs = [log for log in receipt["logs"] if log["address"] == self.address]
        events = map(self.decoded, logs)
        return Mined(
            receipt["transactionHash"].to_0x_hex(),
            receipt["blockNumber"],
            receipt["blockHash"].to_0x_hex(),
            receipt["gasUsed"],
            tuple(event for event in events if event is not None),
        )

    def decoded(self, log: LogReceipt) -> DecodedLog | None:
        """The event in a log of this contract; None for a foreign one."""
        topics = [topic.to_0x_hex() for topic in log["topics"]]
        return self.codec.decode_log({"topics": topics, "data": log["data"].to_0x_hex()})

    def _data(self, function: str, args: Sequence[Any]) -> Any:
        return self.codec.encode(function, args)

    def _why(self, function: str, call: TxParams, receipt: TxReceipt) -> Exception:
        """The call passed its estimate and failed in its block: the same call on that block says why."""
        try:
            self.web3.eth.call(call, receipt["blockNumber"])
        except (ContractLogicError, Web3RPCError) as error:
            return self._reverted(function, error)
        return Reverted(f"{function} in {receipt['transactionHash'].to_0x_hex()}", None)

    def _reverted(self, function: str, error: ContractLogicError | Web3RPCError) -> Exception:
        data = getattr(error, "data", None)
        reason = self.codec.reasons.decoded(data)
        if reason is None and not isinstance(error, ContractLogicError):
            return error
        return Reverted(function, reason)
