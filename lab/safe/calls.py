"""A call as people read it, checked against its bytes: who signs need not trust whoever wrote the words down."""

from __future__ import annotations

from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError, ParseError
from eth_abi.grammar import TupleType, parse
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from pydantic import Field

from lab.coordinator import Codec
from lab.coordinator.overloads import signature_of
from lab.model.frozen import Frozen
from lab.safe.multisend import InnerCall
from lab.safe.transaction import Address, Data, Quantity

TEXT_MAX = 200


class ProposedCall(Frozen):
    """One call of a proposal. `function` is its signature, empty for one that nobody could name; value in wei."""

    to: Address
    value: Quantity = 0
    data: Data = "0x"
    function: str = Field(default="", max_length=2_000)
    parameters: tuple[str, ...] = ()
    contract: str = Field(default="", max_length=200, description="what stands there, in the proposer's words")

    @property
    def inner(self) -> InnerCall:
        """What the Safe does."""
        return InnerCall(self.to, self.value, self.data)

    @property
    def text(self) -> str:
        """`add_operator(operator=0x...)`, from the data. Raises ValueError where the signature is not that of it."""
        if not self.function:
            return f"{len(self.data) // 2 - 1} bytes that the proposal does not name: {self.data[:74]}"
        name, _, rest = self.function.partition("(")
        raw = bytes.fromhex(self.data[2:])
        if raw[:4] != keccak(text=self.function)[:4]:
            raise ValueError(f"expected a call of {self.function}, the data calls 0x{raw[:4].hex()}")
        types = _types("(" + rest)
        try:
            values = decode(types, raw[4:])
        except DecodingError as error:
            raise ValueError(f"expected the arguments of {self.function} in the data: {error}") from error
        names = self.parameters if len(self.parameters) == len(types) else [""] * len(types)
        shown = (
            f"{own}={_shown(value, of)}" if own else _shown(value, of)
            for own, value, of in zip(names, values, types, strict=True)
        )
        return f"{name}({', '.join(shown)})"


def named_call(codec: Codec, to: str, function: str, data: str, *, value: int = 0, contract: str = "") -> ProposedCall:
    """A call with the contract's own signature of the function. A function that it has not stays without a name."""
    entry = codec.functions.get(function)
    if entry is None or bytes.fromhex(data[2:10]) != codec.selector(function):
        return ProposedCall(to=to, value=value, data=data, contract=contract)
    parameters = tuple(str(parameter["name"]) for parameter in entry["inputs"])
    return ProposedCall(
        to=to, value=value, data=data, function=signature_of(entry), parameters=parameters, contract=contract
    )


def _types(text: str) -> list[str]:
    if text == "()":
        return []
    try:
        given = parse(text)
    except (ParseError, ValueError) as error:
        raise ValueError(f"expected the types of a function, got {text[:TEXT_MAX]!r}") from error
    return [part.to_type_str() for part in given.components] if isinstance(given, TupleType) else []


def _shown(value: Any, of: str) -> str:
    if of == "address":
        return to_checksum_address(value)
    if isinstance(value, bytes):
        text = "0x" + value.hex()
    elif isinstance(value, str):
        text = ascii(value)
    elif isinstance(value, list | tuple):
        inner = of[: of.rindex("[")] if of.endswith("]") else ""
        text = "[" + ", ".join(_shown(one, inner) for one in value) + "]"
    else:
        text = str(value)
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}... ({len(text)} characters)"
