"""Is a deployment as it should be? What can be seen from outside, each finding with what was expected instead."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from lab.coordinator import Codec, Reader, StateNumbering
from lab.ops.state import called
from lab.rpc import Rpc, RpcFailure


@dataclass(frozen=True, slots=True)
class Expected:
    """What a deployment should be. `strangers` are accounts that must not be operators. None: nothing is declared."""

    chain_id: int
    address: str
    code_sha256: str | None
    owner: str
    operators: tuple[str, ...]
    strangers: tuple[str, ...]
    window_s: int | None
    head_age_max_s: float
    balance_min_wei: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as expected. `kind` is one word for whoever counts them."""

    kind: str
    text: str


def examine(rpc: Rpc, codec: Codec, numbering: StateNumbering, expected: Expected, *, now: float) -> list[Finding]:
    """All findings as of now; none: healthy. A node that does not answer is a finding, no error."""
    try:
        return list(_examine(rpc, Reader(rpc, codec, expected.address, numbering), expected, now))
    except RpcFailure as failure:
        return [Finding("node", f"expected the node to answer: {failure}")]


def _examine(rpc: Rpc, reader: Reader, expected: Expected, now: float) -> Iterable[Finding]:
    if (chain_id := rpc.chain_id()) != expected.chain_id:
        yield Finding("chain", f"expected chain {expected.chain_id}, the node is of {chain_id}")
    head = rpc.block("latest")
    age = round(now - int(head["timestamp"], 16)) if head else None
    if age is None or age > expected.head_age_max_s:
        yield Finding("head", f"expected a block within {expected.head_age_max_s:g} s, the last is {age} s old")
    code = bytes.fromhex(rpc.call("eth_getCode", expected.address, "latest").removeprefix("0x"))
    if not code or expected.code_sha256 not in (None, hashlib.sha256(code).hexdigest()):
        yield Finding("code", f"expected the contract at {expected.address}, found {len(code)} bytes of other code")
        return
    yield from _examine_people(rpc, reader, expected)
    yield from _examine_settings(reader, expected)


def _examine_people(rpc: Rpc, reader: Reader, expected: Expected) -> Iterable[Finding]:
    owner = str(reader.get("owner")).lower()
    if owner != expected.owner:
        yield Finding("owner", f"expected {expected.owner} to be the owner, it is {owner}")
    for address in expected.operators:
        for role in (name for name, held in reader.roles(address).items() if not held):
            yield Finding("operator-missing", f"expected {address} to be {called(role)}")
        balance = rpc.balance(address)
        if balance < expected.balance_min_wei:
            yield Finding("balance", f"expected {address} to have {expected.balance_min_wei} wei, it has {balance}")
    for address in expected.strangers:
        for role in (name for name, held in reader.roles(address).items() if held):
            yield Finding("operator-unknown", f"expected {address} not to be {called(role)}")


def _examine_settings(reader: Reader, expected: Expected) -> Iterable[Finding]:
    if expected.window_s is not None and reader.codec.has("coordination_window"):
        window = reader.get("coordination_window")
        if window != expected.window_s:
            yield Finding("window", f"expected a window of {expected.window_s} s, it is {window} s")
    if reader.codec.has("paused") and reader.get("paused"):
        yield Finding("stopped", "expected the contract to run, it is stopped")
    if reader.codec.has("breaker_threshold") and reader.get("breaker_threshold") == 0:
        yield Finding("breaker", "expected an automatic stop, its threshold is 0")
