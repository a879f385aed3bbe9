"""One function or event of a contract that stands for several of the lab's, and yes or no by a number."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak

from lab.coordinator import Codec
from lab.model.contract.names import ContractNames, Slot, Truth

TX, WHO = "0x" + "22" * 32, "0x" + "11" * 20
LATE = "0x" + b"late".ljust(32, b"\0").hex()


def function(name: str, *inputs: str, returns: str = "") -> dict[str, Any]:
    """A function of an ABI; parameters as `type name`."""
    parameters = [dict(zip(("type", "name"), given.split(), strict=True)) for given in inputs]
    outputs = [{"type": returns, "name": ""}] if returns else []
    return {"type": "function", "name": name, "inputs": parameters, "outputs": outputs}


def event(name: str, *inputs: str) -> dict[str, Any]:
    """An event; arguments as `type name`, indexed ones with a `*` behind."""
    parameters = [
        {"type": given.split()[0], "name": given.split()[1].rstrip("*"), "indexed": given.endswith("*")}
        for given in inputs
    ]
    return {"type": "event", "name": name, "inputs": parameters, "anonymous": False}


ABI = [
    function("set_level", "uint8 level"),
    function("level", returns="uint8"),
    function("grant", "address who", "uint256 mask"),
    function("roles", "address who", returns="uint256"),
    function("enqueue", "bytes32 tx_id", "uint64 fee"),
    function("set_window", "uint16 window"),
    event("Moved", "uint256 chain*", "bytes32 id*", "uint8 old", "uint8 new", "uint8 code"),
    event("Ended", "bytes32 id", "string why*"),
    event("Noted", "bytes32 id*", "bytes32 why"),
]
NAMES = ContractNames(
    functions={
        "pause": "set_level",
        "unpause": "set_level",
        "paused": "level",
        "add_operator": "grant",
        "authorized_operators": "roles",
        "resolve_dependency": "enqueue",
        "set_coordination_window": "set_window",
    },
    arguments={
        "pause": (Slot(value=3),),
        "unpause": (Slot(value=0),),
        "add_operator": (Slot(parameter="operator"), Slot(value=1, bits=True)),
        "resolve_dependency": (Slot(parameter="tx_id"), Slot(value=7)),
    },
    events={"TransactionReady": "Moved", "TransactionFailed": "Moved"},
    event_arguments={"TransactionReady": {"tx_id": "id"}, "TransactionFailed": {"tx_id": "id", "reason": "code"}},
    event_where={"TransactionReady": {"new": (2,)}, "TransactionFailed": {"old": (1,), "new": (1, 4)}},
    truths={"paused": Truth(values=(3,)), "authorized_operators": Truth(bits=1)},
    reverts={
        "Transaction expired": "1",
        "Dependencies not satisfied": "late",
        "Not authorized": "Denied(bytes32,uint8)",
    },
)
OWN, MAPPED = Codec(ABI), Codec(ABI, NAMES)


@pytest.mark.parametrize(
    ("own", "args", "wanted"),
    [
        ("set_level", [3], ("pause", {})),
        ("set_level", [0], ("unpause", {})),
        ("set_level", [1], ("set_level", {"level": 1})),
        ("grant", [WHO, 1], ("add_operator", {"operator": WHO})),
        ("grant", [WHO, 3], ("add_operator", {"operator": WHO})),
        ("grant", [WHO, 2], ("grant", {"who": WHO, "mask": 2})),
        # A constant that chooses nothing is an argument like any other.
        ("enqueue", [TX, 8], ("resolve_dependency", {"tx_id": TX, "fee": 8})),
    ],
)
def test_a_constant_says_which_call_it_is(own: str, args: list[Any], wanted: tuple[str, dict[str, Any]]) -> None:
    """Where another value makes it another call; of a mask other bits do not matter."""
    call = MAPPED.decode_call(OWN.encode(own, args))
    assert call is not None
    assert (call.function, call.args) == wanted


def test_calls_go_out_with_their_constants() -> None:
    """As the contract wants them."""
    assert MAPPED.encode("pause", []) == OWN.encode("set_level", [3])
    assert MAPPED.encode("unpause", []) == OWN.encode("set_level", [0])
    assert MAPPED.encode("add_operator", [WHO]) == OWN.encode("grant", [WHO, 1])


@pytest.mark.parametrize(
    ("getter", "number", "wanted"),
    [
        ("paused", 3, True),
        ("paused", 2, False),
        ("paused", 0, False),
        ("authorized_operators", 3, True),
        ("authorized_operators", 2, False),
    ],
)
def test_yes_or_no_by_a_number(getter: str, number: int, wanted: bool) -> None:
    """By its values, or by its bits."""
    assert MAPPED.decode_result(getter, f"0x{number:064x}") == [wanted]
    assert MAPPED.result_types(getter) == ["bool"]


@pytest.mark.parametrize(("number", "wanted"), [(0, False), (1, True), (200, True)])
def test_any_other_number_than_0_is_a_yes(number: int, wanted: bool) -> None:
    """Where nobody says otherwise."""
    names = ContractNames(functions={"paused": "level"})
    assert Codec(ABI, names).decode_result("paused", f"0x{number:064x}") == [wanted]


def moved(old: int, new: int, code: int) -> dict[str, Any]:
    """A log of the one event."""
    topic = "0x" + keccak(text="Moved(uint256,bytes32,uint8,uint8,uint8)").hex()
    return {"topics": [topic, f"0x{10:064x}", TX], "data": "0x" + f"{old:064x}{new:064x}{code:064x}"}


@pytest.mark.parametrize(
    ("log", "wanted"),
    [
        (moved(1, 2, 0), ("TransactionReady", {"tx_id": TX, "chain": 10, "old": 1, "new": 2, "code": 0})),
        (moved(1, 4, 1), ("TransactionFailed",
                          {"tx_id": TX, "chain": 10, "old": 1, "new": 4, "reason": "Transaction expired"})),
        (moved(2, 3, 0), ("Moved", {"id": TX, "chain": 10, "old": 2, "new": 3, "code": 0})),
        (moved(2, 4, 5), ("Moved", {"id": TX, "chain": 10, "old": 2, "new": 4, "code": 5})),
    ],
)  # fmt: skip
def test_a_value_says_which_event_it_is(log: dict[str, Any], wanted: tuple[str, dict[str, Any]]) -> None:
    """Any of several values, all of the fields that are named; any other log is the contract's own event."""
    found = MAPPED.decode_log(log)
    assert found is not None
    assert (found.event, found.args) == wanted


@pytest.mark.parametrize(
    ("own", "log", "reason"),
    [
        ("Ended", {"topics": ["Ended(bytes32,string)", "0x" + keccak(text="late").hex()], "data": TX},
         "Dependencies not satisfied"),
        ("Ended", {"topics": ["Ended(bytes32,string)", "0x" + keccak(text="Transaction expired").hex()], "data": TX},
         "Transaction expired"),
        ("Ended", {"topics": ["Ended(bytes32,string)", "0x" + "ab" * 32], "data": TX}, "0x" + "ab" * 32),
        ("Noted", {"topics": ["Noted(bytes32,bytes32)", TX], "data": LATE}, "Dependencies not satisfied"),
    ],
)  # fmt: skip
def test_reasons_that_are_no_texts(own: str, log: dict[str, Any], reason: str) -> None:
    """An indexed text is there as its hash, and 32 bytes may hold one."""
    arguments = {"TransactionFailed": {"tx_id": "id", "reason": "why"}}
    names = NAMES.model_copy(
        update={"events": {"TransactionFailed": own}, "event_arguments": arguments, "event_where": {}}
    )
    signature, *rest = log["topics"]
    found = Codec(ABI, names).decode_log({**log, "topics": ["0x" + keccak(text=signature).hex(), *rest]})
    assert found is not None
    assert found.args == {"tx_id": TX, "reason": reason}


def test_where_an_argument_stands() -> None:
    """Among the topics, behind the event's own; in the data there is no topic of it."""
    assert MAPPED.logs.topic_of("TransactionFailed", "tx_id") == 2
    assert MAPPED.logs.topic_of("TransactionFailed", "reason") is None
    assert MAPPED.logs.topic_of("TransactionFailed", "nothing") is None


def test_an_error_that_the_abi_lacks_is_known_by_its_types() -> None:
    """As raw_revert leaves it; another selector stays as it is."""
    data = "0x" + keccak(text="Denied(bytes32,uint8)")[:4].hex() + "00" * 64
    assert MAPPED.reasons.decoded(data) == "Not authorized"
    assert str(MAPPED.reasons.decoded("0x" + keccak(text="Denied(bytes32)")[:4].hex())).startswith("0x")


def test_numbers_that_a_type_has_no_room_for() -> None:
    """They are refused unless it is the contract that is to refuse them."""
    with pytest.raises(ValueError, match="expected set_coordination_window"):
        MAPPED.encode("set_coordination_window", [2**16])
    sent = MAPPED.encode("set_coordination_window", [2**16], any_width=True)
    assert int(sent[10:], 16) == 2**16
    assert sent[:10] == MAPPED.encode("set_coordination_window", [30], any_width=True)[:10]
    assert [MAPPED.is_beyond("set_coordination_window", [value]) for value in (2**16 - 1, 2**16)] == [False, True]
