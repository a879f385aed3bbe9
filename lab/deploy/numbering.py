"""How a contract numbers its states, learnt without a trace: by one simulated buffering."""

from __future__ import annotations

from lab.coordinator import Codec, StateNumbering
from lab.rpc import Rpc, RpcFailure

PROBE_ID = "0x" + "5e" * 32
# How far ahead the simulated transaction is due, where the contract takes that.
AHEAD_S = 3600


def numbering_of(rpc: Rpc, codec: Codec, address: str, operator: str) -> StateNumbering:
    """How a contract numbers its states: as declared, from one simulated buffering, or by the ABI alone.

    Nothing changes on the chain. Of a contract that is stopped, or whose operator was removed, it is simulated that the
    owner lifts the stop and adds the operator first.
    """
    if codec.names.states:
        return StateNumbering(codec.names.states)
    try:
        head = rpc.block("latest") or {}
        due = int(head["timestamp"], 16) + min(AHEAD_S, codec.names.limits.horizon_seconds or AHEAD_S)
        request = [PROBE_ID, "0x" + "11" * 20, "0x" + "22" * 20, "0x5e", "0x" + "00" * 32, due]
        probe = [
            {"from": operator, "to": address, "data": codec.encode("buffer_transaction", request)},
            {"from": operator, "to": address, "data": codec.encode("get_transaction_state", [PROBE_ID])},
        ]
        buffered = _simulated_state(rpc, codec, probe)
        if buffered is None:
            buffered = _simulated_state(rpc, codec, [*_restored_operation(rpc, codec, address, operator), *probe])
        if buffered is not None:
            return StateNumbering.learn(buffered)
    except (RpcFailure, KeyError, ValueError, IndexError, TypeError):
        pass
    return StateNumbering.of_abi(codec.abi)


def _simulated_state(rpc: Rpc, codec: Codec, calls: list[dict[str, str]]) -> int | None:
    """What the last call reads after the one before it; None where that one reverts."""
    (block,) = rpc.call("eth_simulateV1", {"blockStateCalls": [{"calls": calls}]}, "latest")
    *_, buffer, read = block["calls"]
    if int(buffer["status"], 16) != 1:
        return None
    return int(codec.decode_result("get_transaction_state", read["returnData"])[0])


def _restored_operation(rpc: Rpc, codec: Codec, address: str, operator: str) -> list[dict[str, str]]:
    """Calls of the owner that let an operator act; each may revert where there is no need for it."""
    if not codec.has("owner"):
        return []
    owner = str(codec.decode_result("owner", rpc.eth_call(address, codec.encode("owner", [])))[0])
    calls = [("unpause", []), ("add_operator", [operator])]
    return [
        {"from": owner, "to": address, "data": codec.encode(function, arguments)}
        for function, arguments in calls
        if codec.has(function)
    ]
