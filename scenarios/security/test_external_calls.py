"""Where the deployed code can hand control to other code: every such instruction, listed from the chain's own bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lab.coordinator import created_address, role_account, rollup_address
from lab.coordinator.documented import FUNCTIONS
from lab.coordinator.reads import ZERO_ID
from lab.deploy.proxied import returning
from lab.runner.proxies import (
    AGREEING,
    Behind,
    administrator,
    attempts,
    behind,
    shared_slots,
    stored,
    touched,
)
from lab.runner.script import Script
from lab.runner.sending import send_all

SETUP = """
name: External calls in the deployed code
description: >
  The runtime code as the chain has it is taken apart into instructions. Every one that can run other code, or create
  or destroy a contract, is listed with its place; each has to be justified, or none may be there. A static call of a
  precompiled contract is justified: those are part of the chain. A proxy may hand on to an implementation whose address
  stands in its own code, since nobody can change that, or in its storage where no account but its administrator and the
  owner can change it, and the implementation uses no slot of the proxy's own; it is then taken apart, too. What only
  leads out when the owner upgrades is justified.
rows: [SEC-06]
networks: {ethereum: {}}
relayer: none
timeout: 10m
checks: [default]
"""

OUTWARD = {
    0xF0: "CREATE",
    0xF1: "CALL",
    0xF2: "CALLCODE",
    0xF4: "DELEGATECALL",
    0xF5: "CREATE2",
    0xFA: "STATICCALL",
    0xFF: "SELFDESTRUCT",
}
PUSH1, PUSH32, GAS, JUMPDEST = 0x60, 0x7F, 0x5A, 0x5B
# STOP, JUMP, RETURN, REVERT, INVALID, SELFDESTRUCT: what follows runs only if it is jumped to.
ENDS = frozenset({0x00, 0x56, 0xF3, 0xFD, 0xFE, 0xFF})
PRECOMPILED_MAX = 0x0A
UNKNOWN_ID = "0x" + "ab" * 32


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of the code; `pushed` is the constant that a PUSH carries."""

    position: int
    opcode: int
    pushed: int | None


def instructions(code: bytes) -> Iterator[Instruction]:
    """What can be run. Bytes behind an end and before the next jump target are data, whatever they look like."""
    position, alive = 0, True
    while position < len(code):
        opcode = code[position]
        size = opcode - PUSH1 + 1 if PUSH1 <= opcode <= PUSH32 else 0
        alive = alive or opcode == JUMPDEST
        if alive:
            pushed = int.from_bytes(code[position + 1 : position + 1 + size], "big") if size else None
            yield Instruction(position, opcode, pushed)
            alive = opcode not in ENDS
        # A jump target never lies inside of a constant; data is walked byte by byte.
        position += 1 + (size if alive else 0)


def justification(
    before: list[Instruction], found: Instruction, fixed: str | None, upgrading: frozenset[int]
) -> str | None:
    """Why an instruction that leads out is harmless; None where nothing says so.

    `fixed`: why it is safe to hand on to the implementation. `upgrading`: places that an upgrade alone comes to.
    """
    if OUTWARD[found.opcode] == "DELEGATECALL" and fixed is not None:
        return fixed
    if found.position in upgrading:
        return "it is a part of an upgrade, which the owner alone can do"
    if OUTWARD[found.opcode] != "STATICCALL" or len(before) < 2:
        return None
    address, gas = before[-2:]
    if gas.opcode == GAS and address.pushed is not None and 0 < address.pushed <= PRECOMPILED_MAX:
        return f"precompiled contract {address.pushed}"
    return None


def code_at(script: Script, address: str) -> bytes:
    """As the chain has it."""
    return bytes.fromhex(script.reader("ethereum").rpc.call("eth_getCode", address, "latest").removeprefix("0x"))


def sample_calls(script: Script) -> list[dict[str, str]]:
    """One of every documented function, by somebody who may, as far as arguments can be had."""
    target = script.run.lab.spec.target
    someone = role_account("newowner").address
    far = script.run.far
    args: dict[str, tuple[Any, ...]] = {
        "buffer_transaction": (UNKNOWN_ID, rollup_address("a"), rollup_address("b"), "0x01", ZERO_ID, far),
        "set_coordination_window": (60,),
        "set_breaker_threshold": (25,),
        "set_execution_window": (0,),
    }
    calls = []
    for name in (name for name in FUNCTIONS if target.codec.has(name)):
        kinds = target.codec.types(name)
        given = args.get(name, (someone,) if kinds == ["address"] else (UNKNOWN_ID,) if kinds == ["bytes32"] else ())
        if len(given) == len(kinds):
            sender = role_account("owner").address
            calls.append({"from": sender, "to": target.address, "data": target.codec.encode(name, list(given))})
    return calls


def upgrades_of(script: Script, found: Behind, instead: str) -> list[dict[str, str]]:
    """Calls by the owner or the administrator that would change the implementation."""
    rpc, target = script.reader("ethereum").rpc, script.run.lab.spec.target
    admin = administrator(rpc, target)
    calls = [
        {"from": sender, "to": attempt.to, "data": attempt.data}
        for attempt in attempts(rpc, target, instead)
        for sender in dict.fromkeys(filter(None, (role_account("owner").address, admin)))
    ]
    return [call for call in calls if call["to"] == target.address and found.slot in touched(rpc, call).written]


def judge_proxy(script: Script, found: Behind) -> tuple[str | None, frozenset[int]]:
    """Why what stands in the proxy's storage is safe, None where it is not; and where an upgrade leads out."""
    assert found.slot is not None
    rpc, target = script.reader("ethereum").rpc, script.run.lab.spec.target
    (made,) = send_all(script.run, "ethereum", "attacker", [(None, "0x" + returning(AGREEING).hex())])
    instead = created_address(role_account("attacker").address, made.nonce)
    upgrades = upgrades_of(script, found, instead)
    leading = frozenset[int]().union(*(touched(rpc, call).outward for call in upgrades))
    shared = shared_slots(rpc, sample_calls(script), upgrades)
    script.expect("the implementation to use no slot of the proxy's own", ", ".join(shared) or "none", met=not shared)
    admin, tried = administrator(rpc, target), 0
    for attempt in attempts(rpc, target, instead):
        for role in ("attacker", "operator"):
            if role_account(role).address == admin:
                continue
            tried += 1
            send_all(script.run, "ethereum", role, [(attempt.to, attempt.data)])
            now = (stored(rpc, target.address, found.slot), administrator(rpc, target))
            if now != (found.address, admin):
                told = f"it is {now[0]}, of the administrator {now[1]}"
                script.expect(f"{attempt.name} by {role} to leave the implementation {found.address}", told, met=False)
                return None, leading
    where = f"in slot {found.slot[:10]} of the proxy, which {tried} calls by others than owner and administrator left"
    return f"implementation {found.address}, {where}", leading


def play(script: Script) -> None:
    """Read the code, and that of an implementation behind it; list what leads out of it."""
    rpc, target = script.reader("ethereum").rpc, script.run.lab.spec.target
    found, upgrading = behind(rpc, target), frozenset[int]()
    own = code_at(script, target.address)
    fixed = f"implementation {found.address}, which stands in the code itself" if found is not None else None
    parts = [("", own, fixed)]
    if found is not None:
        parts.append((" of the implementation", code_at(script, found.address), None))
        if found.slot is not None:
            fixed, upgrading = judge_proxy(script, found)
            parts[0] = ("", own, fixed)
    sizes, several, leading_out = [], 0, []
    for whose, code, handed in parts:
        listed = list(instructions(code))
        several += len(listed)
        sizes.append(f"{len(code)} bytes, {len(listed)} instructions{whose}")
        outward = [(index, each) for index, each in enumerate(listed) if each.opcode in OUTWARD]
        for index, each in outward:
            where = f"{OUTWARD[each.opcode]} at byte {each.position:#06x}{whose}"
            places = upgrading if whose else frozenset()
            leading_out.append((where, justification(listed[:index], each, handed, places)))
    script.expect("the chain to hold the contract's code", "; ".join(sizes), met=several > 100)
    for where, reason in leading_out:
        script.expect(f"{where} to be justified", reason or "nothing justifies it", met=reason is not None)
    if not leading_out:
        names = ", ".join(OUTWARD.values())
        script.expect("no instruction that leads out of the contract", f"none of {names}", met=True)


def test_external_calls(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """List them and judge each."""
    lab_run(SETUP, play)
