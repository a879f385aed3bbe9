"""A contract behind a proxy, as a run's chain has it: whom it hands on to, where that is kept, what changes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_abi.grammar import ABIType, BasicType, TupleType, parse
from eth_utils.crypto import keccak

from lab.coordinator.documented import FUNCTIONS
from lab.coordinator.overloads import signature_of, types_of
from lab.coordinator.reads import ZERO_ID
from lab.deploy.deployer import Deployable
from lab.deploy.proxied import ADMIN_SLOT, IMPLEMENTATION_SLOT
from lab.rpc import Rpc

# Code that answers every call with the word that EIP-1822 asks an implementation for.
AGREEING = bytes.fromhex("7f" + IMPLEMENTATION_SLOT.removeprefix("0x") + "60005260206000f3")
# What proxies take without naming it in their ABI, as OpenZeppelin's transparent one does.
UNLISTED: dict[str, tuple[str, ...]] = {
    "upgradeTo": ("address",),
    "upgradeToAndCall": ("address", "bytes"),
    "changeAdmin": ("address",),
}
# Of an administrator that is a contract of its own, for the proxy.
OF_ADMIN: dict[str, tuple[str, ...]] = {
    "upgrade": ("address", "address"),
    "upgradeAndCall": ("address", "address", "bytes"),
}
# Any four bytes: an upgrade without data leaves out the call of the new implementation.
SOME_DATA = b"\0\0\0\1"
# Depths of a call in a trace.
PROXY, IMPLEMENTATION = 1, 2


@dataclass(frozen=True, slots=True)
class Behind:
    """The implementation's address, and the slot of the proxy that holds it; None where the proxy's code does."""

    address: str
    slot: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that might change whom a proxy hands on to."""

    name: str
    to: str
    data: str


@dataclass(frozen=True, slots=True)
class Touched:
    """What a call did: slots by whose code used them, those written, where the implementation's code led out of it."""

    proxy: frozenset[str]
    implementation: frozenset[str]
    written: frozenset[str]
    outward: frozenset[int]


def behind(rpc: Rpc, target: Deployable) -> Behind | None:
    """None for a contract that answers itself, and for one whose implementation is kept by somebody else."""
    call = {"to": target.address, "data": target.codec.encode("is_transaction_ready", [ZERO_ID])}
    trace = rpc.call("debug_traceCall", call, "latest", {"tracer": "callTracer"})
    handed = [str(inner["to"]).lower() for inner in trace.get("calls", ()) if inner["type"] == "DELEGATECALL"]
    if not handed:
        return None
    address = handed[0]
    if address[2:] in str(rpc.call("eth_getCode", target.address, "latest")):
        return Behind(address, None)
    kept = (slot for slot in sorted(touched(rpc, call).proxy) if stored(rpc, target.address, slot) == address)
    slot = next(kept, None)
    return Behind(address, slot) if slot is not None else None


def stored(rpc: Rpc, contract: str, slot: str) -> str:
    """The address in a slot."""
    return "0x" + str(rpc.call("eth_getStorageAt", contract, slot, "latest"))[-40:].lower()


def touched(rpc: Rpc, call: Mapping[str, Any]) -> Touched:
    """By a simulation of the call. The outermost code is the proxy's, the next what it hands on to."""
    slots: dict[int, set[str]] = {PROXY: set(), IMPLEMENTATION: set()}
    written, outward = set[str](), set[int]()
    for step in rpc.call("debug_traceCall", dict(call), "latest", {}).get("structLogs", ()):
        depth, operation = int(step["depth"]), str(step["op"])
        if depth not in slots:
            continue
        if operation in ("SLOAD", "SSTORE"):
            slot = f"0x{int(step['stack'][-1], 16):064x}"
            slots[depth].add(slot)
            written |= {slot} if operation == "SSTORE" else set()
        elif depth == IMPLEMENTATION and operation.endswith("CALL"):
            outward.add(int(step["pc"]))
    used = (frozenset(slots[PROXY]), frozenset(slots[IMPLEMENTATION]))
    return Touched(*used, frozenset(written), frozenset(outward))


def administrator(rpc: Rpc, target: Deployable) -> str | None:
    """Whom EIP-1967's slot names; None where that is empty."""
    admin = stored(rpc, target.address, ADMIN_SLOT)
    return admin if int(admin, 16) else None


def attempts(rpc: Rpc, target: Deployable, instead: str) -> Iterator[Attempt]:
    """Every call by which `instead` might become the implementation, or the administrator."""
    known = {signature_of(target.codec.functions[name]) for name in FUNCTIONS if target.codec.has(name)}
    for entry in target.contract.abi:
        view = entry.get("stateMutability") in ("view", "pure")
        if entry.get("type") == "function" and not view and signature_of(entry) not in known:
            kinds = tuple(types_of(entry["inputs"]))
            if "address" in kinds:
                yield _attempt(str(entry["name"]), kinds, target.address, instead)
    for name, kinds in UNLISTED.items():
        if f"{name}({','.join(kinds)})" not in {signature_of(entry) for entry in _functions(target)}:
            yield _attempt(name, kinds, target.address, instead)
    admin = administrator(rpc, target)
    if admin is not None and len(str(rpc.call("eth_getCode", admin, "latest"))) > len("0x"):
        for name, kinds in OF_ADMIN.items():
            yield _attempt(name, kinds, admin, instead, first=target.address)


def _functions(target: Deployable) -> Iterator[Mapping[str, Any]]:
    yield from (entry for entry in target.contract.abi if entry.get("type") == "function")


def _attempt(name: str, kinds: Sequence[str], to: str, instead: str, *, first: str | None = None) -> Attempt:
    values = [_value(parse(kind), instead) for kind in kinds]
    if first is not None:
        values[0] = first
    selector = keccak(text=f"{name}({','.join(kinds)})")[:4]
    return Attempt(name, to, "0x" + (selector + encode(kinds, values)).hex())


def _value(kind: ABIType, address: str) -> Any:
    """A value of a type: the address wherever there may be one."""
    if kind.arrlist:
        return [_value(kind.item_type, address)] * (kind.arrlist[-1][0] if kind.arrlist[-1] else 1)
    if isinstance(kind, TupleType):
        return tuple(_value(part, address) for part in kind.components)
    assert isinstance(kind, BasicType)
    if kind.base == "bytes":
        return bytes(kind.sub) if kind.sub else SOME_DATA
    return {"address": address, "bool": True, "string": ""}.get(kind.base, 0)


def shared_slots(rpc: Rpc, calls: Sequence[Mapping[str, Any]], upgrades: Sequence[Mapping[str, Any]]) -> list[str]:
    """Slots that the proxy uses for itself, and the implementation in calls that upgrade nothing."""
    ordinary, special = [touched(rpc, call) for call in calls], [touched(rpc, call) for call in upgrades]
    own = frozenset[str]().union(*(seen.proxy for seen in (*ordinary, *special)))
    return sorted(own & frozenset[str]().union(*(seen.implementation for seen in ordinary)))
