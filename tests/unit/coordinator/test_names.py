"""A contract with names of its own: everything above sees the documented ones."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak

from lab.coordinator import Codec
from lab.model.contract.names import ContractNames

ROLE, OTHER = "0x" + "0a" * 32, "0x" + "0b" * 32
SOMEBODY = "0x" + "11" * 20
TX = "0x" + "22" * 32


def function(name: str, *inputs: tuple[str, str]) -> dict[str, Any]:
    """An ABI entry of a function that returns nothing."""
    parameters = [{"name": named, "type": kind} for kind, named in inputs]
    return {"type": "function", "name": name, "inputs": parameters, "outputs": []}


ABI = [
    function("emergency_pause"),
    function("pause", ("uint256", "seconds")),
    function("mark_transaction_executed", ("bytes32", "_id")),
    function("resolve_dependency", ("bytes32", "_transaction")),
    function("add_operator", ("address", "who"), ("uint256", "until")),
    function("grantRole", ("bytes32", "role"), ("address", "account")),
    function("hasRole", ("bytes32", "role"), ("address", "account")),
    {
        "type": "event",
        "name": "Ready",
        "inputs": [{"name": "_id", "type": "bytes32", "indexed": True}],
        "anonymous": False,
    },
]
NAMES = ContractNames(
    functions={"pause": "emergency_pause", "mark_executed": "mark_transaction_executed"},
    events={"TransactionReady": "Ready"},
    roles={"operator": ROLE},
)
OWN, MAPPED = Codec(ABI), Codec(ABI, NAMES)


@pytest.mark.parametrize(
    ("lab", "own", "args"), [("pause", "emergency_pause", []), ("mark_executed", "mark_transaction_executed", [TX])]
)
def test_a_call_goes_out_under_its_own_name_and_comes_back_under_the_labs(lab: str, own: str, args: list[str]) -> None:
    """The bytes are those of the contract's own function; its own name may be used, too."""
    data = OWN.encode(own, args)
    assert MAPPED.encode(lab, args) == MAPPED.encode(own, args) == data
    decoded = MAPPED.decode_call(data)
    assert decoded is not None
    assert decoded.function == lab


def test_parameters_of_documented_types_get_their_documented_names() -> None:
    """Whatever the contract calls them; other types keep their own names."""
    renamed = MAPPED.decode_call(OWN.encode("mark_transaction_executed", [TX]))
    assert renamed is not None
    assert renamed.args == {"tx_id": TX}
    plain = OWN.decode_call(OWN.encode("resolve_dependency", [TX]))
    assert plain is not None
    assert plain.args == {"tx_id": TX}
    different = OWN.decode_call(OWN.encode("add_operator", [SOMEBODY, 5]))
    assert different is not None
    assert different.args == {"who": SOMEBODY, "until": 5}


def test_an_event_is_decoded_under_the_labs_name() -> None:
    """With the documented parameter."""
    topic = "0x" + keccak(text="Ready(bytes32)").hex()
    found = MAPPED.decode_log({"topics": [topic, TX], "data": "0x"})
    assert found is not None
    assert (found.event, found.args) == ("TransactionReady", {"tx_id": TX})


def test_a_role_by_hash_is_the_operators_list() -> None:
    """Granting the operator's hash adds an operator; granting another one is a call of its own."""
    data = OWN.encode("grantRole", [ROLE, SOMEBODY])
    assert MAPPED.encode("add_operator", [SOMEBODY]) == data
    granted = MAPPED.decode_call(data)
    assert granted is not None
    assert (granted.function, granted.args) == ("add_operator", {"operator": SOMEBODY})
    other = MAPPED.decode_call(OWN.encode("grantRole", [OTHER, SOMEBODY]))
    assert other is not None
    assert (other.function, other.args) == ("grantRole", {"role": OTHER, "account": SOMEBODY})
    assert MAPPED.encode("authorized_operators", [SOMEBODY]) == OWN.encode("hasRole", [ROLE, SOMEBODY])
    assert not MAPPED.has("remove_operator")


def test_arguments_that_do_not_fit_are_told_without_the_hash() -> None:
    """The reader of the message knows the documented function only."""
    with pytest.raises(ValueError, match=r"expected add_operator\(operator: address\), got \[\]"):
        MAPPED.encode("add_operator", [])


def test_a_name_that_the_contract_does_not_have_changes_nothing() -> None:
    """Whoever reads the project file says so; a codec made from it works on."""
    codec = Codec(ABI, ContractNames(functions={"unpause": "nowhere"}, events={"TransactionFailed": "Nothing"}))
    assert not codec.has("unpause")
    assert "TransactionFailed" not in codec.events
