"""The interface report: what is there under which name, what is missing, what is different."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from lab.coordinator import Codec, StateNumbering
from lab.coordinator.documented import FUNCTIONS, REVERTS
from lab.deploy.compile import compile_contract
from lab.deploy.compiled import CompiledContract
from lab.deploy.interface import Interface, Item, holds, inspect, texts
from lab.model.contract.names import ContractNames
from tests.compiling import compile_once

WINDOW = "Window must be between 5 and 300 seconds"
CONTRACTS = Path(__file__).resolve().parents[3] / "contracts"


def compiled(name: str) -> CompiledContract:
    """A contract of this repository."""
    return compile_once(CONTRACTS / name)


@pytest.fixture(scope="module")
def plain() -> CompiledContract:
    return compiled("plain/PlainCoordinator.vy")


def report(contract: CompiledContract, **names: Any) -> Interface:
    """The report under names of a project file."""
    return inspect(contract, Codec(contract.abi, ContractNames(**names)))


def item(interface: Interface, name: str) -> Item:
    """The report's line on one name."""
    return next(each for each in interface.items if each.name == name)


@pytest.mark.parametrize(
    "name", ["TesseractCoordinator.vy", "plain/PlainCoordinator.vy", "broken/zero_default_state.vy"]
)
def test_a_complete_contract_has_nothing_to_tell(name: str) -> None:
    """By both compilers, with and without capabilities."""
    interface = report(compiled(name))
    assert (interface.deviations, interface.partial) == ((), ())
    assert interface.lines()[0].endswith("14 of 14 documented functions, with all events and reverts")


def test_capabilities_are_told(plain: CompiledContract) -> None:
    """What is there, what is not, and what there is of a part that is not whole."""
    assert report(compiled("TesseractCoordinator.vy")).lacking == ()
    assert report(plain).capabilities == ()
    (line,) = [line for line in report(compiled("broken/executes_while_paused.vy")).lines() if "capabilities" in line]
    assert "has stop; lacks breaker, expiry" in line
    (line,) = [line for line in report(compiled("plain/PlainCoordinator.vy")).lines() if "capabilities" in line]
    assert "has none; lacks stop, breaker, expiry" in line
    partial = report(compiled("broken/breaker_rolled_back.vy")).partial
    assert [each.name for each in partial] == ["BreakerThresholdSet"]


def test_a_missing_function_names_what_was_probably_meant(plain: CompiledContract) -> None:
    """A name close to it that is not documented itself."""
    abi = [entry | {"name": "mark_execution"} if entry.get("name") == "mark_executed" else entry for entry in plain.abi]
    abi = [entry for entry in abi if entry.get("name") not in ("transactions", "TransactionReady")]
    interface = report(replace(plain, abi=abi))
    assert item(interface, "mark_executed").status == "missing"
    assert "did you mean mark_execution?" in item(interface, "mark_executed").detail
    lines = interface.lines()
    assert "12 of 14 documented functions" in lines[0]
    assert "  functions missing: transactions" in lines
    assert "  events missing: TransactionReady" in lines


def test_a_renamed_function_is_found(plain: CompiledContract) -> None:
    """Under the name that the project file gives."""
    abi = [entry | {"name": "done"} if entry.get("name") == "mark_executed" else entry for entry in plain.abi]
    interface = report(replace(plain, abi=abi), functions={"mark_executed": "done"})
    assert interface.deviations == ()
    assert item(interface, "mark_executed").detail == "as done"


def test_other_types_are_different(plain: CompiledContract) -> None:
    """In functions, their results, events and the constructor; the width of a state's number is free."""
    narrow = [{"name": "", "type": "uint8"}]
    texted = [{"name": "reason", "type": "string"}]
    changed: dict[str, dict[str, Any]] = {
        "resolve_dependency": {"inputs": [{"name": "tx_id", "type": "uint256"}]},
        "owner": {"outputs": texted},
        "get_transaction_state": {"outputs": narrow},
        "TransactionReady": {"inputs": [{"name": "tx_id", "type": "uint256", "indexed": True}]},
    }
    abi = [entry | changed.get(str(entry.get("name")), {}) for entry in plain.abi if entry["type"] != "constructor"]
    abi.append({"type": "constructor", "inputs": [{"name": "admin", "type": "address"}]})
    interface = report(replace(plain, abi=abi))
    assert [str(each) for each in interface.deviations] == [
        "function resolve_dependency: different, expected (bytes32), got (uint256)",
        "function owner: different, expected () -> (address), got () -> (string)",
        "event TransactionReady: different, expected (bytes32), got (uint256)",
        "constructor arguments: different, expected no arguments, got (address): say them in lab.yaml, by "
        "constructor: [...]",
    ]


@pytest.mark.parametrize("state", ["uint8", "int128", "bytes32", "string"])
def test_what_the_project_file_describes_is_not_held_against_it(plain: CompiledContract, state: str) -> None:
    """A number for yes and no, and what a state is held in; without a word of them they are different."""
    details = ["address", "address", "bytes32", "uint256", state]
    changed: dict[str, dict[str, Any]] = {
        "is_transaction_ready": {"outputs": [{"name": "", "type": "uint256"}]},
        "get_transaction_state": {"outputs": [{"name": "", "type": state}]},
        "get_transaction_details": {"outputs": [{"name": "", "type": kind} for kind in details]},
        "TransactionBuffered": {
            "inputs": [
                {"name": "id", "type": "bytes32", "indexed": True},
                {"name": "origin_rollup", "type": "address", "indexed": True},
                {"name": "target_rollup", "type": "address", "indexed": True},
                {"name": "timestamp", "type": "int128", "indexed": False},
            ]
        },
    }
    contract = replace(plain, abi=[entry | changed.get(str(entry.get("name")), {}) for entry in plain.abi])
    known = {"get_transaction_state", "get_transaction_details"} if state != "uint8" else set()
    wanted = {"is_transaction_ready", "TransactionBuffered"} | known
    assert {each.name for each in report(contract).deviations} == wanted
    arguments = {"TransactionBuffered": {"tx_id": "id", "timestamp": "timestamp"}}
    told = {"is_transaction_ready": "is_transaction_ready"}
    states = {"EMPTY": 0, "BUFFERED": 1, "READY": 2, "EXECUTED": 3}
    assert report(contract, functions=told, states=states, event_arguments=arguments).deviations == ()


def test_reverts_are_looked_for_in_the_code(plain: CompiledContract, tmp_path: Path) -> None:
    """Long ones in words of 32 bytes; another wording is quoted, but never another documented revert."""
    source = (CONTRACTS / "plain/PlainCoordinator.vy").read_text()
    source = source.replace('"Timestamp cannot be in the past"', '"Timestamp must not be in the past"')
    source = source.replace(', "Transaction not ready"', "").replace("and 300 seconds", "and 300 minutes")
    (tmp_path / "worded.vy").write_text(source)
    interface = report(compile_contract(tmp_path / "worded.vy", cache_dir=tmp_path / "cache"))
    assert [str(each) for each in interface.deviations] == [
        'revert "Timestamp cannot be in the past": different, the code holds "Timestamp must not be in the pas"',
        'revert "Transaction not ready": missing',
        f'revert "{WINDOW}": different, the code holds "{WINDOW[:32]}"',
    ]
    assert item(report(plain), f'"{REVERTS[-1]}"').status == "found"


@pytest.mark.parametrize(
    ("own", "status", "detail"),
    [
        ("Invalid origin rollup", "found", 'as "Invalid origin rollup"'),
        ("Denied(bytes32)", "found", 'as "Denied(bytes32)"'),
        ("1", "found", 'as "1"'),
        ("Denied", "different", "an error that the ABI lacks is written Denied(types)"),
        ("not for you", "different", "the code holds neither such a text nor such an error"),
        ("Denied(uint8)", "different", "the code holds neither such a text nor such an error"),
    ],
)
def test_what_the_project_file_says_of_a_revert_is_looked_for(
    plain: CompiledContract, own: str, status: str, detail: str
) -> None:
    """A text, an error's selector; a code cannot be looked for."""
    selector = keccak(text="Denied(bytes32)")[:4].hex()
    contract = replace(plain, bytecode=f"{plain.bytecode}63{selector}")
    names = ContractNames(reverts={"Not authorized": own})
    found = item(inspect(contract, Codec(contract.abi, names)), '"Not authorized"')
    assert found.status == status
    assert detail in found.detail


def test_what_an_event_lacks_is_told(plain: CompiledContract) -> None:
    """Of one that the project file describes; a reason by its number is as good as a text."""
    inputs = [{"name": "id", "type": "bytes32", "indexed": True}, {"name": "code", "type": "uint8", "indexed": False}]
    abi = [entry for entry in plain.abi if entry.get("name") != "TransactionFailed"]
    abi.append({"type": "event", "name": "Failed", "inputs": inputs})
    names = ContractNames(
        events={"TransactionFailed": "Failed"}, event_arguments={"TransactionFailed": {"tx_id": "id"}}
    )
    found = item(inspect(plain, Codec(abi, names)), "TransactionFailed")
    assert str(found) == "event TransactionFailed: different, as Failed, without reason"
    told = names.model_copy(
        update={
            "event_arguments": {"TransactionFailed": {"tx_id": "id", "reason": "code"}},
            "reverts": {"Transaction expired": "1", "Dependencies not satisfied": "2"},
        }
    )
    assert item(inspect(plain, Codec(abi, told)), "TransactionFailed").status == "found"


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_a_text_that_the_code_shifts_into_its_place_is_found(plain: CompiledContract, shift: int) -> None:
    """Optimisers push a short text without the zeros at its end, which need not be whole bytes: `d` is 0x64."""
    number = int.from_bytes(b"Transaction expired") >> shift
    code = f"0x73{number.to_bytes((number.bit_length() + 7) // 8).hex()}60681b"
    assert holds(replace(plain, bytecode=code), "Transaction expired")
    assert not holds(replace(plain, bytecode=code), "Transaction expires")


def test_texts_of_a_code() -> None:
    """Runs of eight printable bytes and more, without the opcodes before them."""
    assert texts(b"\x00\x6dNot authorized\x00`@short\x00\x60\x40Only owner can add\xff") == (
        "Not authorized",
        "Only owner can add",
    )


def test_state_numbers_are_told_once_they_are_known(plain: CompiledContract) -> None:
    """They cannot be read off the ABI."""
    assert not any("states" in line for line in report(plain).lines())
    assert "  states: EMPTY 0, BUFFERED 1, READY 2, EXECUTED 3, EXPIRED 4" in report(plain).lines(
        StateNumbering.learn(1)
    )


def test_every_documented_function_is_in_the_report(plain: CompiledContract) -> None:
    """Optional ones as missing, without being deviations."""
    assert {each.name for each in report(plain).items if each.kind == "function"} == set(FUNCTIONS)


def test_overloads_are_extra(plain: CompiledContract) -> None:
    """The documented signature counts; the others are told."""
    entry = next(each for each in plain.abi if each.get("name") == "mark_executed")
    longer = entry | {"inputs": [*entry["inputs"], {"name": "memo", "type": "bytes"}]}
    interface = report(replace(plain, abi=[*plain.abi, longer]))
    assert interface.deviations == ()
    assert "  beside the documented functions, of the same names: mark_executed(bytes32,bytes)" in interface.lines()
    assert report(plain).extra == ()
