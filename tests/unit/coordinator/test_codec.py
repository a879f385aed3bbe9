"""Encoding and decoding by ABI: what goes in comes out, web3 agrees, and foreign bytes are never an error."""

from __future__ import annotations

import re
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st
from web3 import Web3

from lab.coordinator import Codec, DecodedCall
from lab.coordinator.outputs.reverts import decode_revert
from lab.coordinator.values import plain
from lab.model.contract.batches import BATCHES
from lab.model.contract.names import ContractNames

from ..characters import ANY
from .abi import ODD, reference_abi

CODEC = Codec(reference_abi())
MIXED = Codec(ODD)
WORD = st.binary(min_size=32, max_size=32).map(lambda raw: "0x" + raw.hex())
ADDRESS = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
PAYLOAD = st.binary(max_size=512).map(lambda raw: "0x" + raw.hex())
UINT = st.integers(0, 2**256 - 1)
REQUEST = st.tuples(WORD, ADDRESS, ADDRESS, PAYLOAD, WORD, UINT).map(list)
NAMES = ("tx_id", "origin_rollup", "target_rollup", "payload", "dependency_tx_id", "timestamp")


@given(REQUEST)
def test_a_call_comes_back_by_name(request: list[Any]) -> None:
    """Bytes as hex, integers as they are, names from the ABI."""
    data = CODEC.encode("buffer_transaction", request)
    assert CODEC.decode_call(data) == DecodedCall("buffer_transaction", dict(zip(NAMES, request, strict=True)))


@given(REQUEST)
def test_web3_encodes_the_same(request: list[Any]) -> None:
    """Another implementation of the ABI gives the same bytes."""
    contract = Web3().eth.contract(abi=reference_abi())
    tx_id, origin, target, payload, parent, timestamp = request
    same = contract.encode_abi(
        "buffer_transaction",
        [tx_id, Web3.to_checksum_address(origin), Web3.to_checksum_address(target), payload, parent, timestamp],
    )
    assert CODEC.encode("buffer_transaction", request) == same


@settings(max_examples=40)
@given(st.lists(REQUEST, max_size=4))
def test_a_batch_is_the_single_calls_that_it_stands_for(requests: list[list[Any]]) -> None:
    """A list of tuples, given as lists or as mappings; each single as if it had been called alone."""
    named = [dict(zip(NAMES, request, strict=True)) for request in requests]
    data = CODEC.encode("buffer_batch", [requests])
    assert CODEC.encode("buffer_batch", [named]) == data
    call = CODEC.decode_call(data)
    assert call is not None
    assert CODEC.singles(call) == [DecodedCall("buffer_transaction", request) for request in named]


@settings(max_examples=40)
@given(st.sampled_from(["resolve_batch", "execute_batch"]), st.lists(WORD, max_size=5))
def test_batches_of_ids(function: str, ids: list[str]) -> None:
    """Likewise for lists of plain values."""
    call = CODEC.decode_call(CODEC.encode(function, [ids]))
    assert call is not None
    assert CODEC.singles(call) == [DecodedCall(BATCHES[function], {"tx_id": tx_id}) for tx_id in ids]


def test_singles_of_a_single_call() -> None:
    """Any other call is itself."""
    call = DecodedCall("resolve_dependency", {"tx_id": "0x01"})
    assert CODEC.singles(call) == [call]


PAIR = st.tuples(st.integers(-(2**127), 2**127 - 1), st.tuples(st.booleans(), PAYLOAD).map(list)).map(list)


@settings(max_examples=40)
@given(st.lists(PAIR, min_size=2, max_size=2), st.lists(WORD, max_size=3), st.text(ANY, max_size=10))
def test_nested_tuples_arrays_and_text(pairs: list[Any], ids: list[str], words: str) -> None:
    """Tuples inside of tuples inside of a fixed array."""
    call = MIXED.decode_call(MIXED.encode("mixed", [pairs, ids, words]))
    assert call == DecodedCall("mixed", {"pairs": pairs, "ids": ids, "words": plain(words)})


def test_selectors_and_topics_of_tuples_use_their_parts() -> None:
    """`tuple[2]` becomes its parts in parentheses."""
    expected = keccak(text="mixed((int128,(bool,bytes))[2],bytes32[],string)")[:4]
    assert MIXED.selector("mixed") == expected


@pytest.mark.parametrize(
    ("function", "args", "complaint"),
    [
        ("resolve_dependency", [], "expected resolve_dependency(tx_id: bytes32), got []"),
        ("resolve_dependency", ["0x01", "0x02"], "expected resolve_dependency(tx_id: bytes32)"),
        ("resolve_dependency", ["0x" + "00" * 33], "expected resolve_dependency"),
        ("resolve_dependency", ["0xzz"], "expected resolve_dependency"),
        ("resolve_dependency", [5], "expected resolve_dependency"),
        ("set_coordination_window", [-1], "expected set_coordination_window(new_window: uint256), got [-1]"),
        ("set_coordination_window", [2**256], "expected set_coordination_window"),
        ("set_coordination_window", ["30"], "expected set_coordination_window"),
        ("set_coordination_window", [True], "expected set_coordination_window"),
        ("add_operator", ["owner"], "expected add_operator"),
        ("add_operator", [None], "expected add_operator"),
        ("buffer_batch", [[["0x01"]]], "expected buffer_batch"),
        ("buffer_batch", [7], "expected buffer_batch"),
    ],
)
def test_arguments_that_do_not_fit(function: str, args: list[Any], complaint: str) -> None:
    """The signature stands in the error; no encoder's own error gets out."""
    with pytest.raises(ValueError, match=re.escape(complaint.replace("new_window", _parameter(function)))):
        CODEC.encode(function, args)


def _parameter(function: str) -> str:
    return str(CODEC.functions[function]["inputs"][0]["name"])


def test_an_unknown_function_is_a_key_error() -> None:
    """As the docstring says."""
    with pytest.raises(KeyError, match="nonesuch"):
        CODEC.encode("nonesuch", [])
    assert CODEC.has("owner", "pause")
    assert not CODEC.has("owner", "nonesuch")


@given(st.binary(max_size=300))
def test_foreign_call_data_is_no_error(data: bytes) -> None:
    """None or a call, whatever follows any selector."""
    assert CODEC.decode_call("0x" + data.hex()) is None
    for codec, function in ((CODEC, "buffer_transaction"), (CODEC, "buffer_batch"), (MIXED, "mixed")):
        found = codec.decode_call("0x" + (codec.selector(function) + data).hex())
        assert found is None or found.function == function


def test_call_data_with_text_that_is_no_utf8() -> None:
    """Bytes that a user's contract takes for a string are not the lab's error."""
    broken = encode(["(int128,(bool,bytes))[2]", "bytes32[]", "bytes"], [[(0, (True, b""))] * 2, [], b"\xff\xfe"])
    assert MIXED.decode_call("0x" + (MIXED.selector("mixed") + broken).hex()) is None


@pytest.mark.parametrize("offset", [2**255, 2**64, 2**63, 10**6])
def test_an_offset_beyond_the_data(offset: int) -> None:
    """A hostile offset is no overflow."""
    data = MIXED.selector("mixed") + offset.to_bytes(32, "big") * 3
    assert MIXED.decode_call("0x" + data.hex()) is None


def _log(topics: list[str], data: bytes) -> dict[str, Any]:
    return {"topics": topics, "data": "0x" + data.hex()}


BUFFERED = "0x" + keccak(text="TransactionBuffered(bytes32,address,address,uint256)").hex()
FAILED = "0x" + keccak(text="TransactionFailed(bytes32,string)").hex()


@given(WORD, ADDRESS, ADDRESS, UINT)
def test_a_log_comes_back_in_the_order_of_the_abi(tx_id: str, origin: str, target: str, timestamp: int) -> None:
    """Indexed arguments from topics, others from data."""
    topics = [BUFFERED, tx_id, "0x" + "00" * 12 + origin[2:], "0x" + "00" * 12 + target[2:]]
    found = CODEC.decode_log(_log(topics, timestamp.to_bytes(32, "big")))
    assert found is not None
    assert found.event == "TransactionBuffered"
    assert list(found.args.items()) == [
        ("tx_id", tx_id), ("origin_rollup", origin), ("target_rollup", target), ("timestamp", timestamp)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "log",
    [
        _log([], b""),
        _log(["0x" + "ab" * 32], b""),
        _log([BUFFERED], bytes(32)),
        _log([BUFFERED, "0x" + "00" * 32], bytes(32)),
        _log([BUFFERED] + ["0x" + "00" * 32] * 4, bytes(32)),
        _log([BUFFERED] + ["0x" + "00" * 32] * 3, bytes(31)),
        _log([FAILED, "0x" + "00" * 32], encode(["bytes"], [b"\xff"])),
        _log([FAILED, "0x" + "00" * 32], (2**255).to_bytes(32, "big")),
        _log([BUFFERED, "0x" + "00" * 32, "0x" + "ff" * 32, "0x" + "ff" * 32], bytes(32)),
    ],
)
def test_a_foreign_log_is_none(log: dict[str, Any]) -> None:
    """Too few topics, too many, short data, bad text: an event of somebody else's with the same name."""
    assert CODEC.decode_log(log) is None


def test_a_reason_keeps_its_letters() -> None:
    """Text of a contract is not an address, even where it starts with 0x."""
    data = encode(["string"], ["0xABC is bad"])
    found = CODEC.decode_log(_log([FAILED, "0x" + "00" * 32], data))
    assert found is not None
    assert found.args["reason"] == "0xABC is bad"


def test_results() -> None:
    """A list always; an address in lower case; another shape is a ValueError with the types."""
    data = encode(["uint256", "address"], [5, "0x" + "AB" * 20])
    assert MIXED.decode_result("mixed", "0x" + data.hex()) == [5, "0x" + "ab" * 20]
    for bad in ("0x", "0x01"):
        with pytest.raises(ValueError, match=r"expected mixed to return \(uint256, address\)"):
            MIXED.decode_result("mixed", bad)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("0x08c379a0" + encode(["string"], ["Not authorized"]).hex(), "Not authorized"),
        ("0x08c379a0" + encode(["string"], [""]).hex(), ""),
        ("0x4e487b71" + encode(["uint256"], [0x11]).hex(), "panic 0x11"),
        ("0xdeadbeef", "0xdeadbeef"),
        ("0x08c379a0", "0x08c379a0"),
        ("0x08c379a0" + encode(["bytes"], [b"\xff"]).hex(), "0x08c379a0" + encode(["bytes"], [b"\xff"]).hex()[:64]),
        ("0x08c379a0" + "ff" * 32, "0x08c379a0" + "ff" * 32),
        ("0x", None),
        (None, None),
        (5, None),
        ({}, None),
        ("Reverted", None),
        ("0xabc", None),
        ("0xzz", None),
    ],
)
def test_revert_reasons(data: Any, reason: str | None) -> None:
    """Text, panic code, or the first bytes; anything else has none."""
    assert decode_revert(data) == reason


def test_a_reason_is_fit_for_a_terminal_and_short() -> None:
    """The contract chose it; one that lab.yaml words otherwise is found by what it really is."""
    hostile = "\x1b[2J\u202egnp\n" + "x" * 1_000
    data = "0x08c379a0" + encode(["string"], [hostile]).hex()
    for found in (decode_revert(data), Codec(reference_abi()).reasons.decoded(data)):
        assert found is not None
        assert found.startswith("\\x1b[2J\\u202egnp\\nxxx")
        assert found.endswith("x… (1,009 characters)")
        assert found.isprintable()
    named = Codec(reference_abi(), ContractNames(reverts={"Not authorized": hostile}))
    assert named.reasons.decoded(data) == "Not authorized"


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x08\xc3\x79\xa0", b"\x4e\x48\x7b\x71"]))
def test_any_revert_data_is_no_error(data: bytes, head: bytes) -> None:
    """It comes from contracts under test."""
    found = decode_revert("0x" + (head + data).hex())
    assert found is None or isinstance(found, str)


@pytest.mark.parametrize("abi_type", ["bytes32", "bytes1", "uint8"])
@pytest.mark.parametrize("function", ["get_transaction_state", "get_transaction_details"])
def test_a_state_is_a_number_also_where_it_is_held_in_bytes(function: str, abi_type: str) -> None:
    """Other fields stay as they are."""
    types = ["address", "address", "bytes32", "uint256", abi_type] if function.endswith("details") else [abi_type]
    abi = [
        {
            "type": "function",
            "name": function,
            "stateMutability": "view",
            "inputs": [{"name": "tx_id", "type": "bytes32"}],
            "outputs": [{"name": "", "type": each} for each in types],
        }
    ]
    word = bytes(int(abi_type.removeprefix("bytes")) - 1) + b"\x03" if abi_type.startswith("bytes") else 3
    others = ["0x" + "11" * 20, "0x" + "22" * 20, bytes(32), 7][: len(types) - 1]
    values = Codec(abi).decode_result(function, "0x" + encode(types, [*others, word]).hex())
    assert values == [*map(plain, others), 3]
