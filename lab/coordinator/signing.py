"""Signing of EIP-1559 transactions, in a third of eth-account's time, which a busy relayer feels."""

from __future__ import annotations

from dataclasses import dataclass

import rlp
from eth_utils.crypto import keccak

from lab.coordinator.accounts import Account
from lab.secp256k1 import sign

TYPE_2 = b"\x02"


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
    fields = [
        chain_id,
        nonce,
        min(fees.max_priority_fee_per_gas, fees.max_fee_per_gas),
        fees.max_fee_per_gas,
        gas,
        bytes.fromhex((to or "").removeprefix("0x")),
        value,
        bytes.fromhex(data.removeprefix("0x")),
        [],
    ]
    signature = sign(account.key, keccak(TYPE_2 + rlp.encode(fields)))
    scalars = (int.from_bytes(signature[start : start + 32], "big") for start in (0, 32))
    raw = TYPE_2 + rlp.encode([*fields, signature[64], *scalars])
    return "0x" + raw.hex(), "0x" + keccak(raw).hex()
