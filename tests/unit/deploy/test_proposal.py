"""A proposed lab.yaml: what is plain is right, what is not is marked, and it can be read back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.coordinator import Codec
from lab.deploy.compiled import CompiledContract
from lab.deploy.interface import inspect
from lab.deploy.proposal import alike, propose
from lab.session.project import read_project
from tests.compiling import compile_once

ROOT = Path(__file__).resolve().parents[3]
MAPPED = ROOT / "tests/detection/correct/mapped/Bridge.vy"


def compiled(path: Path) -> CompiledContract:
    """A contract of this repository."""
    return compile_once(path)


@pytest.fixture
def proposed(tmp_path: Path) -> Any:
    """The proposal for the contract of other names, as a project."""
    path = tmp_path / "lab.yaml"
    path.write_text(propose(compiled(MAPPED), str(MAPPED), MAPPED.read_text()))
    return read_project(path)


def test_a_documented_contract_needs_none(tmp_path: Path) -> None:
    """Nothing is proposed but the contract itself."""
    for name in ("TesseractCoordinator.vy", "plain/PlainCoordinator.vy"):
        lines = propose(compiled(ROOT / "contracts" / name), name).splitlines()
        assert [line for line in lines if not line.startswith("#")] == [f"contract: {name}"]


def test_any_path_can_be_read_back(tmp_path: Path) -> None:
    """What YAML would take for a comment, a mapping or an escape is a path here."""
    odd = 'it\'s #1: \\a "b"/C.vy'
    (tmp_path / "lab.yaml").write_text(propose(compiled(ROOT / "contracts/plain/PlainCoordinator.vy"), odd))
    assert read_project(tmp_path / "lab.yaml").contract == tmp_path / odd


def test_it_reaches_what_the_written_one_reaches(proposed: Any) -> None:
    """Every core function and event, with the arguments in their places; the file fits the contract."""
    written = read_project(MAPPED.parent / "lab.yaml").names
    names = proposed.names
    proposed.check(compiled(MAPPED).abi)
    assert {name: names.functions.get(name) for name in written.functions} == written.functions
    assert names.events == written.events
    for function, slots in written.arguments.items():
        assert [slot.parameter for slot in names.arguments[function]] == [slot.parameter for slot in slots]
    assert names.returns["get_transaction_details"][:5] == ("timestamp", "state", "dependency_tx_id", "origin_rollup",
                                                            "target_rollup")  # fmt: skip
    assert names.returns["get_transaction_state"] == ("_", "state")
    assert names.roles["operator"] == written.roles["operator"]
    assert Codec(compiled(MAPPED).abi, names).has("buffer_transaction", "resolve_dependency", "mark_executed")


def test_what_is_not_plain_is_marked() -> None:
    """Extra arguments, arguments of a constructor, roles."""
    text = propose(compiled(MAPPED), "Bridge.vy", MAPPED.read_text())
    marked = [line.split(":")[0].strip() for line in text.splitlines() if "# uncertain" in line]
    assert {"constructor", "buffer_transaction", "arguments", "operator"} <= set(marked)
    assert "there is also EXECUTOR_ROLE" in text
    assert "set_fee" not in text


@pytest.mark.parametrize(("one", "other"), [("emergencyHalt", "pause"), ("enqueue", "buffer_transaction")])
def test_names_are_compared_by_their_words(one: str, other: str) -> None:
    """In either case, with words that mean the same."""
    assert alike(one, other) > 0.6
    assert alike(one, "transaction_count") < 0.45


ERRORS = {
    "NotAuthorized": "Not authorized",
    "OwnableUnauthorizedAccount": "Only owner can set window",
    "InvalidTransactionID": "Invalid transaction ID",
    "AlreadyExists": "Transaction already exists",
    "NotBuffered": "Transaction not in buffered state",
    "NotReady": "Transaction not ready",
    "InThePast": "Timestamp cannot be in the past",
}


def test_errors_stand_for_the_texts_that_they_are_named_like(tmp_path: Path) -> None:
    """A contract without texts has custom errors; what is like none of them is left out."""
    plain = compiled(ROOT / "contracts/plain/PlainCoordinator.vy")
    abi = [*plain.abi, *({"type": "error", "name": name, "inputs": []} for name in (*ERRORS, "Reentered"))]
    silent = replace(plain, abi=abi, bytecode="0x6001")
    path = tmp_path / "lab.yaml"
    path.write_text(propose(silent, "C.json"))
    reverts = read_project(path).names.reverts
    assert {own: text for own, text in ERRORS.items() if reverts.get(text) != own} == {}
    assert "Reentered" not in reverts.values()
    assert "Origin and target must be different" not in reverts
    (hint,) = (line for line in inspect(silent, Codec(abi)).lines() if "may stand for them" in line)
    assert "NotAuthorized" in hint


@pytest.mark.parametrize(
    ("which", "buffer", "details", "rollups"),
    [
        ("mask/Sentinel.vy", "enter", None, ["source", "sink"]),
        ("ledger/Ledger.vy", "record", "origin_rollup target_rollup timestamp state dependency_tx_id _ _", []),
        ("packed/Vault.vy", "put", "timestamp _ state origin_rollup target_rollup dependency_tx_id", ["a", "b"]),
    ],
)
def test_many_types_say_what_a_function_is(
    tmp_path: Path, which: str, buffer: str, details: str | None, rollups: list[str]
) -> None:
    """Whatever its name; of two addresses without telling names the first is the origin. All of it is uncertain."""
    path = ROOT / "tests/detection/correct" / which
    text = propose(compiled(path), str(path), path.read_text())
    (tmp_path / "lab.yaml").write_text(text)
    names = read_project(tmp_path / "lab.yaml").names
    assert names.functions["buffer_transaction"] == buffer
    assert names.returns.get("get_transaction_details") == (tuple(details.split()) if details else None)
    arguments = names.event_arguments.get("TransactionBuffered", {})
    assert [arguments[name] for name in ("origin_rollup", "target_rollup") if name in arguments] == rollups
    assert all("# uncertain" in line for line in text.splitlines() if "buffer_transaction:" in line)
