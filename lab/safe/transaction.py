"""A Safe transaction and the hash that its owners sign (EIP-712), for Safes of version 1.3.0 and newer."""

from __future__ import annotations

from typing import Annotated, Any

from eth_utils.address import is_checksum_address, to_checksum_address
from eth_utils.crypto import keccak
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from lab.model.frozen import Frozen

ZERO = "0x" + "00" * 20
CALL, DELEGATE_CALL = 0, 1
DATA_BYTES_MAX = 1 << 17
_DOMAIN = [{"name": "chainId", "type": "uint256"}, {"name": "verifyingContract", "type": "address"}]
_FIELDS = [
    {"name": "to", "type": "address"},
    {"name": "value", "type": "uint256"},
    {"name": "data", "type": "bytes"},
    {"name": "operation", "type": "uint8"},
    {"name": "safeTxGas", "type": "uint256"},
    {"name": "baseGas", "type": "uint256"},
    {"name": "gasPrice", "type": "uint256"},
    {"name": "gasToken", "type": "address"},
    {"name": "refundReceiver", "type": "address"},
    {"name": "nonce", "type": "uint256"},
]


def address(text: Any) -> str:
    """An address in lower case. Raises ValueError, also for mixed case that is not its checksum."""
    if not isinstance(text, str) or len(text) != 42 or not text.startswith("0x"):
        raise ValueError(f"expected an address (0x and 40 hex digits), got {str(text)[:60]!r}")
    try:
        bytes.fromhex(text[2:])
    except ValueError:
        raise ValueError(f"expected an address (0x and 40 hex digits), got {text[:60]!r}") from None
    if text[2:] not in (text[2:].lower(), text[2:].upper()) and not is_checksum_address(text):
        raise ValueError(f"expected an address with its checksum (EIP-55), {text} has a letter of the wrong case")
    return text.lower()


def _quantity(given: Any) -> Any:
    return int(given) if isinstance(given, str) and given.isdecimal() and len(given) <= 78 else given


def _data(text: str) -> str:
    if not text.startswith("0x") or len(text) > 2 + 2 * DATA_BYTES_MAX:
        raise ValueError(f"expected 0x and hex digits, at most {DATA_BYTES_MAX} bytes, got {text[:40]!r}")
    return "0x" + bytes.fromhex(text[2:]).hex()


# Written with its checksum, as devices show it. Numbers are written as text: they pass what JSON readers keep exact.
Address = Annotated[str, BeforeValidator(address), PlainSerializer(to_checksum_address)]
Quantity = Annotated[int, BeforeValidator(_quantity), Field(ge=0, lt=2**256), PlainSerializer(str)]
Data = Annotated[str, AfterValidator(_data)]


class SafeTransaction(Frozen):
    """What a Safe is to do, once; amounts in wei. `operation` 0 calls, 1 delegates (batches only)."""

    to: Address
    value: Quantity = 0
    data: Data = "0x"
    operation: int = Field(default=CALL, ge=CALL, le=DELEGATE_CALL)
    safeTxGas: Quantity = 0
    baseGas: Quantity = 0
    gasPrice: Quantity = 0
    gasToken: Address = ZERO
    refundReceiver: Address = ZERO
    nonce: Quantity

    def typed_data(self, chain_id: int, safe: str) -> dict[str, Any]:
        """The document of `eth_signTypedData_v4`."""
        message = self.model_dump() | {"operation": self.operation}
        return {
            "types": {"EIP712Domain": _DOMAIN, "SafeTx": _FIELDS},
            "primaryType": "SafeTx",
            "domain": {"chainId": chain_id, "verifyingContract": to_checksum_address(safe)},
            "message": message,
        }

    def hashes(self, chain_id: int, safe: str) -> Hashes:
        """What the owners of `safe` on a chain sign."""
        # Loaded here: it takes a second, which commands that hash nothing need not pay.
        from eth_account.messages import encode_typed_data

        encoded = encode_typed_data(full_message=self.typed_data(chain_id, safe))
        digest = keccak(b"\x19\x01" + encoded.header + encoded.body)
        return Hashes(
            safe_tx="0x" + digest.hex(), domain="0x" + encoded.header.hex(), message="0x" + encoded.body.hex()
        )


class Hashes(Frozen):
    """`safe_tx` is what is signed; a device shows that, or the two parts that it is made of. All 0x hex."""

    safe_tx: str
    domain: str
    message: str
