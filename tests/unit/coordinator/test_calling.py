"""Functions that a contract wants to be called in another way, both directions; values that people write."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak

from lab.coordinator import Codec, role_account
from lab.coordinator.values import constant
from lab.model.contract.names import ContractNames, SecondRole, Slot, Truth

ID, PARENT = "0x" + "11" * 32, "0x" + "22" * 32
A, B = "0x" + "aa" * 20, "0x" + "bb" * 20
EXECUTOR = "0x" + "ee" * 32


def function(name: str, *inputs: str, returns: tuple[str, ...] = ()) -> dict[str, Any]:
    """A function of an ABI; parameters as `type name`."""
    parameters = [dict(zip(("type", "name"), each.split(), strict=True)) for each in inputs]
    outputs = [{"type": kind, "name": ""} for kind in returns]
    return {"type": "function", "name": name, "inputs": parameters, "outputs": outputs}


ABI = [
    function("put", "uint256 due", "bytes32 id", "uint8 lane", "address to", "address of", "bytes32 dep", "bytes body"),
    function("status", "bytes32 id", returns=("uint8", "uint256")),
    function("grantRole", "bytes32 role", "address account"),
    function("revokeRole", "bytes32 role", "address account"),
    {"type": "error", "name": "NotOperator", "inputs": []},
]
SLOTS = tuple(
    Slot(parameter=each) if each else Slot(value=7)
    for each in ("timestamp", "tx_id", "", "target_rollup", "origin_rollup", "dependency_tx_id", "payload")
)
NAMES = ContractNames(
    functions={"buffer_transaction": "put", "get_transaction_state": "status"},
    arguments={"buffer_transaction": SLOTS},
    returns={"get_transaction_state": ("_", "state")},
    second_roles={"executor": SecondRole(hash=EXECUTOR, functions=("mark_executed",))},
    reverts={"Not authorized": "NotOperator", "Transaction not ready": "no", "Transaction not in buffered state": "no"},
)
ARGS = [ID, A, B, "0xab", PARENT, 99]


def test_arguments_find_their_places_and_come_back() -> None:
    """The documented order outside, the contract's on the wire, the constant in between."""
    codec = Codec(ABI, NAMES)
    data = codec.encode("buffer_transaction", ARGS)
    words = [data[10 + 64 * place : 74 + 64 * place] for place in range(6)]
    assert [int(words[0], 16), "0x" + words[1], int(words[2], 16)] == [99, ID, 7]
    assert ("0x" + words[3][24:], "0x" + words[4][24:]) == (B, A)
    call = codec.decode_call(data)
    assert call is not None
    assert (call.function, list(call.args.values())) == ("buffer_transaction", ARGS)
    assert codec.word_at("buffer_transaction", "tx_id") == 4 + 32
    assert codec.word_at("buffer_transaction", "timestamp") == 4


def test_another_value_of_a_constant_is_told() -> None:
    """It is the same function all the same."""
    plain = Codec(ABI, ContractNames())
    call = Codec(ABI, NAMES).decode_call(plain.encode("put", [99, ID, 8, B, A, PARENT, "0xab"]))
    assert call is not None
    assert (call.function, call.args["lane"], call.args["tx_id"]) == ("buffer_transaction", 8, ID)


def test_a_second_role_has_calls_of_its_own() -> None:
    """Its hash is what tells them from the others."""
    codec = Codec(ABI, NAMES)
    call = codec.decode_call(codec.encode("add_executor", [A]))
    assert call is not None
    assert (call.function, call.args) == ("add_executor", {"account": A})
    other = codec.decode_call(Codec(ABI, ContractNames()).encode("grantRole", ["0x" + "dd" * 32, A]))
    assert other is not None
    assert other.function == "grantRole"


@pytest.mark.parametrize("inputs", [("address account", "uint256 mask"), ("uint8 role", "address account")])
@pytest.mark.parametrize("bits", [False, True])
def test_a_second_role_may_be_a_number(inputs: tuple[str, str], bits: bool) -> None:
    """On either side of the account; of a mask other bits do not matter, of a number they do."""
    role = SecondRole(number=4, bits=bits, grant="give", revoke="take", has="held", functions=("mark_executed",))
    abi = [
        function("give", *inputs),
        function("take", *inputs),
        function("held", "address account", returns=("uint256",)),
    ]
    truth = Truth(bits=4) if bits else Truth(values=(4,))
    codec = Codec(abi, ContractNames(second_roles={"executor": role}, truths={"has_executor": truth}))
    call = codec.decode_call(codec.encode("add_executor", [A]))
    assert call is not None
    assert (call.function, call.args) == ("add_executor", {"account": A})
    both = [A, 6] if inputs[0].startswith("address") else [6, A]
    other = codec.decode_call(Codec(abi, ContractNames()).encode("take", both))
    assert other is not None
    assert other.function == ("remove_executor" if bits else "take")
    assert [codec.decode_result("has_executor", f"0x{value:064x}") for value in (4, 6, 2)] == [[True], [bits], [False]]


def test_a_number_that_the_contract_has_no_room_for_is_no_role() -> None:
    """A function that takes less is another function."""
    role = SecondRole(number=300, grant="give", revoke="give", functions=("mark_executed",))
    codec = Codec([function("give", "uint8 role", "address account")], ContractNames(second_roles={"executor": role}))
    assert not codec.has("add_executor")


def test_one_function_may_give_and_take_every_role() -> None:
    """The operator's and a second one, told apart by the role's hash and by yes or no; in any order of arguments."""
    abi = [
        function("set_role", "bool on", "bytes32 role", "address account"),
        function("holds", "address account", "bytes32 role", returns=("bool",)),
    ]
    clerk = "0x" + "cc" * 32

    def slots(role: str, account: str, on: bool) -> tuple[Slot, ...]:
        return Slot(value=on), Slot(value=role), Slot(parameter=account)

    second = SecondRole(
        grant="set_role",
        revoke="set_role",
        has="holds",
        arguments={
            "grant": slots(EXECUTOR, "account", True),
            "revoke": slots(EXECUTOR, "account", False),
            "has": (Slot(parameter="account"), Slot(value=EXECUTOR)),
        },
        functions=("mark_executed",),
    )
    names = ContractNames(
        functions={"add_operator": "set_role", "remove_operator": "set_role"},
        arguments={"add_operator": slots(clerk, "operator", True), "remove_operator": slots(clerk, "operator", False)},
        second_roles={"executor": second},
    )
    codec, own = Codec(abi, names), Codec(abi, ContractNames())
    for call, values in {
        "add_operator": [True, clerk, A],
        "remove_operator": [False, clerk, A],
        "add_executor": [True, EXECUTOR, A],
        "remove_executor": [False, EXECUTOR, A],
    }.items():
        assert codec.encode(call, [A]) == own.encode("set_role", values)
        decoded = codec.decode_call(codec.encode(call, [A]))
        assert decoded is not None
        assert (decoded.function, list(decoded.args.values())) == (call, [A])
    assert codec.encode("has_executor", [A]) == own.encode("holds", [A, EXECUTOR])
    other = codec.decode_call(own.encode("set_role", [True, "0x" + "dd" * 32, A]))
    assert other is not None
    assert other.function == "set_role"


def test_results_are_picked_by_name() -> None:
    """A documented one among others."""
    codec = Codec(ABI, NAMES)
    assert codec.result_types("get_transaction_state") == ["uint256"]
    assert codec.decode_result("get_transaction_state", "0x" + f"{7:064x}{4:064x}") == [4]
    with pytest.raises(ValueError, match="expected get_transaction_state to return"):
        codec.decode_result("get_transaction_state", "0x")


def test_the_same_names_in_another_order_need_no_map() -> None:
    """They say by themselves what is what."""
    swapped = function("buffer_transaction", "bytes32 tx_id", "address target_rollup", "address origin_rollup",
                       "bytes payload", "bytes32 dependency_tx_id", "uint256 timestamp")  # fmt: skip
    codec = Codec([swapped], ContractNames())
    data = codec.encode("buffer_transaction", ARGS)
    assert "0x" + data[98:138] == B
    call = codec.decode_call(data)
    assert call is not None
    assert list(call.args.values()) == ARGS


def test_reasons_are_worded_as_documented() -> None:
    """Texts, custom errors by their names, and a text that stands for two."""
    codec = Codec(ABI, NAMES)
    assert codec.reasons.decoded("0x" + keccak(text="NotOperator()")[:4].hex()) == "Not authorized"
    assert codec.reasons.decoded("0x00000000") == "0x00000000"
    assert codec.reasons.worded("no") == "Transaction not ready / Transaction not in buffered state"
    assert codec.reasons.worded("else") == "else"
    assert codec.reasons.traced({"error": "out of gas"}) == "out of gas"


@pytest.mark.parametrize(
    ("kind", "given", "wanted"),
    [
        ("address", "owner", role_account("owner").address),
        ("address", A.upper().replace("0X", "0x"), A),
        ("uint256", "0x10", 16),
        ("uint8[]", [1, "2"], [1, 2]),
        ("(address,bool)", ["owner", True], [role_account("owner").address, True]),
        ("string", "Text", "Text"),
        ("bytes", "0xAB", "0xab"),
    ],
)
def test_values_that_people_write(kind: str, given: object, wanted: object) -> None:
    """Guided by the type."""
    assert constant(kind, given) == wanted


@pytest.mark.parametrize(
    ("kind", "given"), [("uint8", 256), ("address", "nobody"), ("bool", 1), ("bytes32", "x"), ("uint256", "ten")]
)
def test_values_of_another_type_are_refused(kind: str, given: object) -> None:
    """With what was expected."""
    with pytest.raises(ValueError, match=f"expected {kind}"):
        constant(kind, given)
