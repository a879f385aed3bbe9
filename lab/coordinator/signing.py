"""Signing of EIP-1559 transactions."""

from __future__ import annotations

from dataclasses import dataclass

from eth_account import Account as EthAccount
from eth_utils.address import to_checksum_address

from lab.coordinator.accounts import Account


@dataclass(frozen=True, slots=True)
class Fees:
    """What a transaction offers, in wei per gas."""

    max_fee_per_gas: int
    max_priority_fee_per_gas: int

    def bumped(self, percent: int) -> Fees:
        """Both raised by at least `percent`, rounded up: what a replacement needs."""
        return Fees(
            -(-self.max_fee_per_gas * (100 + percent) // 100),
            -(-self.max_priority_fee_per_gas * (100 + percent) // 100),
        )


def sign_transaction(
    account: Account, *, chain_id: int, nonce: int, to: str | None, data: str, gas: int, fees: Fees, value: int = 0
) -> tuple[str, str]:
    """The raw transaction and its hash, both 0x hex. `to` None creates a contract."""
    fields = {
        "type": 2,
        "chainId": chain_id,
        "nonce": nonce,
        "gas": gas,
        "maxFeePerGas": fees.max_fee_per_gas,
        "maxPriorityFeePerGas": min(fees.max_priority_fee_per_gas, fees.max_fee_per_gas),
        "value": value,
        "data": data,
    }
    if to is not None:
        fields["to"] = to_checksum_address(to)
    signed = EthAccount.sign_transaction(fields, account.key)
    return "0x" + bytes(signed.raw_transaction).hex(), "0x" + bytes(signed.hash).hex()
