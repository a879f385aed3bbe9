"""Functions and events of one name: the documented signature wins, wherever it stands in the ABI."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from lab.coordinator import Codec, DecodedCall
from lab.coordinator.overloads import entries_of, signature_of
from lab.model.contract.names import ContractNames

TX, MEMO = "0x" + "22" * 32, "0xabcd"
ROLE, SOMEBODY = "0x" + "0a" * 32, "0x" + "11" * 20


def function(name: str, *types: str, outputs: tuple[str, ...] = ()) -> dict[str, Any]:
    """An ABI entry; parameters are called p0, p1, ..."""
    parameters = [{"name": f"p{index}", "type": kind} for index, kind in enumerate(types)]
    return {"type": "function", "name": name, "inputs": parameters,
            "outputs": [{"name": "", "type": kind} for kind in outputs]}  # fmt: skip


def event(name: str, *types: str) -> dict[str, Any]:
    """An ABI entry without indexed or named parameters."""
    parameters = [{"name": "", "type": kind, "indexed": False} for kind in types]
    return {"type": "event", "name": name, "inputs": parameters, "anonymous": False}


def data(signature: str, types: list[str], values: list[Any]) -> str:
    """Call data made without the codec."""
    return "0x" + (keccak(text=signature)[:4] + encode(types, values)).hex()


THREE = [
    function("mark_executed", "bytes32"),
    function("mark_executed", "bytes32", "bytes"),
    function("mark_executed", "uint256"),
]


@pytest.mark.parametrize("abi", list(permutations(THREE)))
def test_the_documented_types_win(abi: tuple[dict[str, Any], ...]) -> None:
    """For calls out, whatever the order; the others are known as such."""
    codec = Codec(list(abi))
    assert codec.types("mark_executed") == ["bytes32"]
    assert codec.encode("mark_executed", [TX]) == data("mark_executed(bytes32)", ["bytes32"], [bytes.fromhex(TX[2:])])
    assert {signature_of(each) for each in codec.overloads("mark_executed")} == {
        "mark_executed(bytes32,bytes)",
        "mark_executed(uint256)",
    }


def test_calls_of_the_others_are_understood() -> None:
    """With more arguments it is the same operation; with other ones it is something else, under its signature."""
    codec = Codec(THREE)
    raw = bytes.fromhex(TX[2:])
    longer = data("mark_executed(bytes32,bytes)", ["bytes32", "bytes"], [raw, bytes.fromhex(MEMO[2:])])
    assert codec.decode_call(longer) == DecodedCall("mark_executed", {"tx_id": TX, "p1": MEMO})
    other = data("mark_executed(uint256)", ["uint256"], [5])
    assert codec.decode_call(other) == DecodedCall("mark_executed(uint256)", {"p0": 5})
    assert codec.decode_call(longer[:-128]) is None


def test_without_the_documented_types_the_same_number_of_parameters_is_nearest() -> None:
    """So that the report compares what was probably meant; a name that is not documented has all its arguments."""
    codec = Codec([function("mark_executed", "uint256"), function("mark_executed", "uint256", "bytes"),
                   function("own", "uint256"), function("own", "uint256", "bytes")])  # fmt: skip
    assert codec.types("mark_executed") == ["uint256"]
    assert codec.types("own") == ["uint256", "bytes"]


@pytest.mark.parametrize("called", ["mark", "mark(bytes32)", " mark ( bytes32 ) "])
def test_a_renamed_function_by_name_or_signature(called: str) -> None:
    """The lab's name decides between overloads as well as a signature does."""
    abi = [function("mark", "bytes32"), function("mark", "bytes32", "bytes")]
    codec = Codec(abi, ContractNames(functions={"mark_executed": called.strip()}))
    call = codec.encode("mark_executed", [TX])
    assert call[:10] == "0x" + keccak(text="mark(bytes32)")[:4].hex()
    assert codec.decode_call(call) == DecodedCall("mark_executed", {"tx_id": TX})
    longer = data("mark(bytes32,bytes)", ["bytes32", "bytes"], [bytes.fromhex(TX[2:]), b""])
    assert codec.decode_call(longer) == DecodedCall("mark_executed", {"tx_id": TX, "p1": "0x"})


def test_a_signature_chooses_what_the_documentation_would_not() -> None:
    """What somebody writes down is what is used."""
    abi = [function("mark", "bytes32"), function("mark", "bytes32", "bytes")]
    codec = Codec(abi, ContractNames(functions={"mark_executed": "mark(bytes32,bytes)"}))
    assert codec.types("mark_executed") == ["bytes32", "bytes"]


def test_a_role_is_granted_by_the_overload_that_takes_a_hash() -> None:
    """The first of its name need not be it."""
    abi = [function("grantRole", "string", "address"), function("grantRole", "bytes32", "address")]
    codec = Codec(abi, ContractNames(roles={"operator": ROLE}))
    assert codec.types("add_operator") == ["address"]
    assert codec.encode("add_operator", [SOMEBODY])[:10] == "0x" + keccak(text="grantRole(bytes32,address)")[:4].hex()


def test_tuples_count_by_what_is_in_them() -> None:
    """A signature writes them out."""
    pair = {"name": "pair", "type": "tuple[]", "components": [{"name": "a", "type": "uint8"}]}
    abi = [function("f") | {"inputs": [pair]}, function("f", "uint8")]
    (found,) = entries_of(abi, "function", "f((uint8)[])")
    assert found is abi[0]


@pytest.mark.parametrize("turn", [1, -1])
def test_events_by_their_documented_types(turn: int) -> None:
    """Parameters without a name are told apart by their places."""
    abi = [event("TransactionFailed", "bytes32", "string"), event("TransactionFailed", "bytes32")][::turn]
    topic = "0x" + keccak(text="TransactionFailed(bytes32,string)").hex()
    body = "0x" + encode(["bytes32", "string"], [bytes.fromhex(TX[2:]), "late"]).hex()
    log = Codec(abi).decode_log({"topics": [topic], "data": body})
    assert log is not None
    assert log.args == {"tx_id": TX, "reason": "late"}
