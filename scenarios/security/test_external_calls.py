"""Where the deployed code can hand control to other code: every such instruction, listed from the chain's own bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lab.coordinator.reads import ZERO_ID
from lab.runner.script import Script

SETUP = """
name: External calls in the deployed code
description: >
  The runtime code as the chain has it is taken apart into instructions. Every one that can run other code, or create
  or destroy a contract, is listed with its place; each has to be justified, or none may be there. A static call of a
  precompiled contract is justified: those are part of the chain. A proxy may hand on to an implementation whose address
  stands in its own code, since nobody can change that; the implementation is then taken apart, too.
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


def justification(before: list[Instruction], found: Instruction, fixed: str | None) -> str | None:
    """Why an instruction that leads out is harmless; None where nothing says so.

    `fixed`: the implementation that the code hands on to, where nobody can change it.
    """
    if OUTWARD[found.opcode] == "DELEGATECALL" and fixed is not None:
        return f"implementation {fixed}, which stands in the code itself"
    if OUTWARD[found.opcode] != "STATICCALL" or len(before) < 2:
        return None
    address, gas = before[-2:]
    if gas.opcode == GAS and address.pushed is not None and 0 < address.pushed <= PRECOMPILED_MAX:
        return f"precompiled contract {address.pushed}"
    return None


def code_at(script: Script, address: str) -> bytes:
    """As the chain has it."""
    return bytes.fromhex(script.reader("ethereum").rpc.call("eth_getCode", address, "latest").removeprefix("0x"))


def implementation(script: Script, contract: str) -> str | None:
    """The contract that a view is handed on to; None for one that answers itself."""
    codec = script.run.lab.spec.target.codec
    call = {"to": contract, "data": codec.encode("is_transaction_ready", [ZERO_ID])}
    options = {"tracer": "callTracer"}
    trace = script.reader("ethereum").rpc.call("debug_traceCall", call, "latest", options)
    handed = [str(inner["to"]).lower() for inner in trace.get("calls", ()) if inner["type"] == "DELEGATECALL"]
    return handed[0] if handed else None


def play(script: Script) -> None:
    """Read the code, and that of an implementation behind it; list what leads out of it."""
    contract = script.run.lab.spec.target.address
    behind, own = implementation(script, contract), code_at(script, contract)
    fixed = behind if behind is not None and bytes.fromhex(behind[2:]) in own else None
    parts = [("", own, fixed)]
    parts += [(" of the implementation", code_at(script, fixed), None)] if fixed is not None else []
    sizes, several, leading_out = [], 0, []
    for whose, code, handed in parts:
        listed = list(instructions(code))
        several += len(listed)
        sizes.append(f"{len(code)} bytes, {len(listed)} instructions{whose}")
        outward = [(index, each) for index, each in enumerate(listed) if each.opcode in OUTWARD]
        for index, found in outward:
            where = f"{OUTWARD[found.opcode]} at byte {found.position:#06x}{whose}"
            leading_out.append((where, justification(listed[:index], found, handed)))
    script.expect("the chain to hold the contract's code", "; ".join(sizes), met=several > 100)
    for where, reason in leading_out:
        script.expect(f"{where} to be justified", reason or "nothing justifies it", met=reason is not None)
    if not leading_out:
        names = ", ".join(OUTWARD.values())
        script.expect("no instruction that leads out of the contract", f"none of {names}", met=True)


def test_external_calls(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """List them and judge each."""
    lab_run(SETUP, play)
