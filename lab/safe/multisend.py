"""Batches: several calls as one delegate call of `MultiSendCallOnly`, which takes none that delegates further."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

SELECTOR = keccak(text="multiSend(bytes)")[:4]
_HEAD = 1 + 20 + 32 + 32


@dataclass(frozen=True, slots=True)
class InnerCall:
    """One call of a Safe. `to` in lower case, `value` in wei, `data` 0x hex."""

    to: str
    value: int = 0
    data: str = field(default="0x")


def batch_data(calls: Sequence[InnerCall]) -> str:
    """The call data of `multiSend`, 0x hex."""
    parts = []
    for call in calls:
        data = bytes.fromhex(call.data[2:])
        head = b"\0" + bytes.fromhex(call.to[2:]) + call.value.to_bytes(32, "big") + len(data).to_bytes(32, "big")
        parts.append(head + data)
    return "0x" + (SELECTOR + encode(["bytes"], [b"".join(parts)])).hex()


def batch_calls(data: str) -> tuple[InnerCall, ...]:
    """The calls of such data. Raises ValueError for anything that `batch_data` would not have written."""
    raw = bytes.fromhex(data[2:])
    if raw[:4] != SELECTOR:
        raise ValueError("expected a call of multiSend(bytes)")
    try:
        (rest,) = decode(["bytes"], raw[4:])
    except DecodingError as error:
        raise ValueError(f"expected a call of multiSend(bytes): {error}") from error
    calls = []
    while rest:
        length = int.from_bytes(rest[53:85], "big")
        if len(rest) < _HEAD + length or rest[0] != 0:
            raise ValueError("expected whole calls in a batch, none of which delegates")
        calls.append(
            InnerCall(
                to="0x" + rest[1:21].hex(),
                value=int.from_bytes(rest[21:53], "big"),
                data="0x" + rest[_HEAD : _HEAD + length].hex(),
            )
        )
        rest = rest[_HEAD + length :]
    if batch_data(calls) != "0x" + raw.hex():
        raise ValueError("expected a batch in its usual form, got other bytes around its calls")
    return tuple(calls)
