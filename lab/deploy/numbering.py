"""How a contract numbers its states, learnt without a trace: by one simulated life of a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lab.coordinator import Codec, StateNumbering
from lab.coordinator.calling import all_roles
from lab.rpc import Rpc, RpcFailure

PROBE_ID, LATE_ID = "0x" + "5e" * 32, "0x" + "5f" * 32
# How far ahead the simulated transactions are due, where the contract takes that.
AHEAD_S = 3600
# Empty blocks before they are resolved, for a contract that asks for some, and when one is late whatever the window.
PATIENCE_BLOCKS, LATE_S = 8, 400

Call = tuple[str, Sequence[Any]]


def numbering_of(rpc: Rpc, codec: Codec, address: str, operator: str) -> StateNumbering:
    """How a contract numbers its states: as declared, from simulated transactions, or by the ABI alone.

    Nothing changes on the chain. Of a contract that is stopped, or whose operator was removed, it is simulated that the
    owner lifts the stop and adds the operator first.
    """
    if codec.names.states:
        return StateNumbering(codec.names.states)
    try:
        numbers = _simulated(rpc, codec, address, operator, [])
        if "BUFFERED" not in numbers:
            numbers = _simulated(rpc, codec, address, operator, _restored_operation(rpc, codec, address, operator))
        if "BUFFERED" in numbers:
            return StateNumbering.learn(numbers["BUFFERED"], numbers)
    except (RpcFailure, KeyError, ValueError, IndexError, TypeError):
        pass
    return StateNumbering.of_abi(codec.abi)


def _simulated(rpc: Rpc, codec: Codec, address: str, operator: str, before: Sequence[dict[str, str]]) -> dict[str, int]:
    """The number that is read once a call succeeded, by the state that the transaction should be in then."""
    head = rpc.block("latest") or {}
    now = int(head["timestamp"], 16)
    due = now + min(AHEAD_S, codec.names.limits.horizon_seconds or AHEAD_S)
    fields = ["0x" + "11" * 20, "0x" + "22" * 20, "0x5e", "0x" + "00" * 32, due]
    ends = [name for name in ("resolve_dependency", "expire_transaction") if codec.has(name)]
    life: list[tuple[str, int, list[Call]]] = [
        # The first simulated block may have the number of the head, where the account may have acted already.
        ("", now + 1, []),
        ("BUFFERED", now + 2, [("buffer_transaction", [PROBE_ID, *fields])]),
        ("", now + 3, [("buffer_transaction", [LATE_ID, *fields])]),
        *(("", now + 4 + block, []) for block in range(PATIENCE_BLOCKS)),
        ("READY", due + 1, [("resolve_dependency", [PROBE_ID])]),
        ("EXECUTED", due + 2, [("mark_executed", [PROBE_ID])]),
    ]
    life = [(state, at, calls) for state, at, calls in life if all(codec.has(name) for name, _ in calls)]
    life += [("EXPIRED", due + LATE_S + place, [(name, [LATE_ID])]) for place, name in enumerate(ends)]
    blocks = []
    for state, at, calls in life:
        read: list[Call] = [("get_transaction_state", [LATE_ID if state == "EXPIRED" else PROBE_ID])]
        made = [
            {"from": operator, "to": address, "data": codec.encode(function, args)} for function, args in calls + read
        ]
        blocks.append({"blockOverrides": {"time": hex(at)}, "calls": made if state else made[: len(calls)]})
    blocks[0]["calls"] = [*before, *blocks[0]["calls"]]
    try:
        answer = rpc.call("eth_simulateV1", {"blockStateCalls": blocks}, "latest")
    except RpcFailure:
        # A node that knows no times to come tells at least how a buffered transaction reads.
        untimed = [{"calls": block["calls"]} for block in blocks[:2]]
        answer = rpc.call("eth_simulateV1", {"blockStateCalls": untimed}, "latest")
    return _read(codec, [state for state, _, _ in life], answer)


def _read(codec: Codec, states: Sequence[str], blocks: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """What was read after each call that succeeded; a state that was reached before in that life is none of its own."""
    numbers: dict[str, int] = {}
    for state, block in zip(states, blocks, strict=False):
        if not state:
            continue
        *_, call, read = block["calls"]
        number = int(codec.decode_result("get_transaction_state", read["returnData"])[0])
        before = {name: known for name, known in numbers.items() if (name, state) != ("EXECUTED", "EXPIRED")}
        if int(call["status"], 16) == 1 and number and number not in before.values():
            numbers[state] = number
    return numbers


def _restored_operation(rpc: Rpc, codec: Codec, address: str, operator: str) -> list[dict[str, str]]:
    """Calls of the owner that let an operator act; each may revert where there is no need for it."""
    if not codec.has("owner"):
        return []
    owner = str(codec.decode_result("owner", rpc.eth_call(address, codec.encode("owner", [])))[0])
    granted = all_roles("add_operator", codec.functions, codec.names)
    calls: list[Call] = [("unpause", []), *((function, [operator]) for function in granted)]
    return [
        {"from": owner, "to": address, "data": codec.encode(function, arguments)}
        for function, arguments in calls
        if codec.has(function)
    ]
