"""A contract behind a proxy as one creation code, so that whatever deploys one contract deploys this one, too.

The code creates the implementation, writes its address into the arguments of the proxy's constructor, and lets that
constructor run at its own address: from a helper's code, by DELEGATECALL. What it returns is what stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from lab.coordinator import Codec
from lab.coordinator.overloads import constructor_inputs, signature_of, types_of
from lab.coordinator.values import constant, wire
from lab.deploy.compiled import CompiledContract, hash_hex
from lab.validation import suggestion

IMPLEMENTATION = "implementation"
# What EIP-1967 says of where a proxy keeps whom it hands on to, and who may change that.
IMPLEMENTATION_SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
ADMIN_SLOT = "0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103"
# Stands for the implementation until the code knows it.
_PLACEHOLDER = "0x" + keccak(text="tesseract-lab implementation")[12:].hex()
# EIP-1167 by a constructor of one argument: ten bytes, the address, fifteen bytes.
_MINIMAL = (
    "0x602080380360003960005160601b69363d3d373d3d3d363d7360b01b600052600a526e5af43d82803e903d91602b57fd5bf3"
    "60881b601e52602d6000f3"
)


@dataclass(frozen=True, slots=True)
class Proxied:
    """What a contract behind a proxy is made of: the implementation without its constructor's arguments, the proxy."""

    implementation: CompiledContract
    proxy: CompiledContract
    given: tuple[Any, ...]


def minimal_proxy() -> CompiledContract:
    """The proxy of EIP-1167: its implementation's address stands in its code."""
    inputs = [{"name": IMPLEMENTATION, "type": "address"}]
    abi: list[dict[str, Any]] = [{"type": "constructor", "inputs": inputs, "stateMutability": "nonpayable"}]
    digest = hash_hex(_MINIMAL)
    return CompiledContract("MinimalProxy", Path("EIP-1167"), abi, _MINIMAL, 45, "EIP-1167", digest, digest)


def placeholder() -> str:
    """The address that stands for the implementation's among the arguments of `behind`."""
    return _PLACEHOLDER


def unchanged(value: Any) -> Any:
    """It stays as it is."""
    return value


def proxy_value(kind: str, value: Any, codec: Codec, placed: Callable[[Any], Any] = unchanged) -> Any:
    """One argument of the proxy's constructor as a plain value; `placed` may put other accounts for the lab's.

    Raises ValueError where it is none of this type, or a call that the implementation does not have.
    """
    if isinstance(value, Mapping):
        return call_data(value, codec, placed)
    return placed(constant(kind, _named(value)))


def call_data(call: Mapping[str, Any], codec: Codec, placed: Callable[[Any], Any] = unchanged) -> str:
    """The data of `{call: initialize, args: [owner, 30]}`. Raises ValueError."""
    name, given = str(call.get("call")), call.get("args") or []
    if not codec.has(name):
        raise ValueError(f"the implementation has no function {name}{suggestion(name, codec.functions)}")
    kinds = codec.types(name)
    if len(kinds) != len(given):
        raise ValueError(f"{name} takes ({', '.join(kinds)}), got {len(given)} arguments")
    values = [constant(kind, _named(value)) for kind, value in zip(kinds, given, strict=True)]
    return codec.encode(name, [placed(value) for value in values])


def _named(value: Any) -> Any:
    if value == IMPLEMENTATION:
        return _PLACEHOLDER
    return [_named(part) for part in value] if isinstance(value, (list, tuple)) else value


def behind(implementation: CompiledContract, proxy: CompiledContract, values: Sequence[Any]) -> CompiledContract:
    """The contract as it is behind the proxy, whose own functions are called at the same address."""
    kinds = types_of(constructor_inputs(proxy.abi))
    arguments = encode(kinds, [wire(kind, value) for kind, value in zip(kinds, values, strict=True)])
    code = _creation(_bytes(implementation.bytecode), _bytes(proxy.bytecode) + arguments)
    abi = [entry for entry in implementation.abi if entry.get("type") != "constructor"]
    known = {_key(entry) for entry in abi}
    abi += [entry for entry in proxy.abi if entry.get("type") != "constructor" and _key(entry) not in known]
    return replace(
        implementation,
        abi=abi,
        bytecode=code,
        bytecode_sha256=hash_hex(code),
        runtime_size_bytes=proxy.runtime_size_bytes,
    )


def _key(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Functions of one signature are one; the contract has one fallback."""
    kind = str(entry.get("type"))
    return kind, signature_of(entry) if "name" in entry else ""


def _bytes(code: str) -> bytes:
    return bytes.fromhex(code.removeprefix("0x"))


def _push(number: int) -> bytes:
    """PUSH3, whatever the number: lengths are known before places are."""
    return b"\x62" + number.to_bytes(3)


_NIL = bytes.fromhex("6000")
# JUMPDEST, RETURNDATACOPY, REVERT
_FAILED = bytes.fromhex("5b3d600060003e3d6000fd")


def _creation(implementation: bytes, proxy: bytes) -> str:
    """Creates both; what a constructor reverts with is what the creation reverts with."""
    helper = returning(proxy)
    places = [len(helper) - len(proxy) + place for place in _places(proxy)]
    size = len(_steps(0, 0, 0, len(implementation), len(helper), places))
    steps = _steps(size - len(_FAILED), size, size + len(implementation), len(implementation), len(helper), places)
    return "0x" + (steps + implementation + helper).hex()


def _steps(failed: int, at: int, helper_at: int, size: int, helper_size: int, places: Sequence[int]) -> bytes:
    jump = bytes.fromhex("15") + _push(failed) + b"\x57"
    create = bytes.fromhex("60006000f080")  # CREATE without value, DUP1

    def created(start: int, length: int, *written: bytes) -> bytes:
        copied = _push(length) + _push(start) + _NIL + b"\x39"
        return copied + b"".join(written) + _push(length) + create + jump

    words = [b"\x80" + _push(place) + b"\x52" for place in places]  # DUP1, MSTORE
    run = bytes.fromhex("6000600060006000845af4")  # DELEGATECALL without data
    returned = bytes.fromhex("3d600060003e3d6000f3")
    return created(at, size) + created(helper_at, helper_size, *words) + run + jump + returned + _FAILED


def returning(code: bytes) -> bytes:
    """Creation code that puts these bytes on the chain."""
    return _push(len(code)) + bytes.fromhex("80600d6000396000f3") + code


def _places(code: bytes) -> Iterator[int]:
    """Where words begin that hold the placeholder: an address has twelve zero bytes before it."""
    place = code.find(_bytes(_PLACEHOLDER))
    while place >= 0:
        yield place - 12
        place = code.find(_bytes(_PLACEHOLDER), place + 20)
