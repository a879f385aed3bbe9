"""A proposed lab.yaml: what is plain is right, what is not is marked, and it can be read back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.coordinator import Codec
from lab.deploy.compiled import CompiledContract
from lab.deploy.interface import inspect
from lab.deploy.proposal import propose
from lab.deploy.proposal.likeness import alike
from lab.deploy.proposal.line import flow
from lab.session.project import read_project
from tests.compiling import compile_once

ROOT = Path(__file__).resolve().parents[3]
MAPPED = ROOT / "tests/detection/correct/mapped/Bridge.vy"


def compiled(path: Path) -> CompiledContract:
    """A contract of this repository."""
    return compile_once(path)


def chosen(text: str) -> str:
    """The file of a user who takes the # away from every line, heads of sections among them."""
    lines = text.splitlines()
    return "\n".join(one.replace("# ", "", 1) if "# uncertain" in one or one.endswith(":") else one for one in lines)


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


def test_what_is_not_plain_is_a_comment() -> None:
    """Extra arguments, arguments of a constructor, roles: with why, and what there is to choose from."""
    text = propose(compiled(MAPPED), "Bridge.vy", MAPPED.read_text())
    marked = [line.split(":")[0] for line in text.splitlines() if "# uncertain" in line]
    assert {"# constructor", "  # buffer_transaction", "  # resolve_dependency", "  # operator"} <= set(marked)
    assert all(line.lstrip().startswith("# ") for line in marked)
    assert "there is also EXECUTOR_ROLE" in text
    assert "  is_transaction_ready: is_settled  # by its name and arguments (bytes32 id), 88% alike; or item" in text
    assert "set_fee" not in text


def test_comments_become_entries_as_they_stand(tmp_path: Path) -> None:
    """The user takes the # away: what is left is a file that can be read."""
    text = propose(compiled(MAPPED), str(MAPPED), MAPPED.read_text())
    (tmp_path / "lab.yaml").write_text(chosen(text))
    names = read_project(tmp_path / "lab.yaml").names
    assert names.functions["buffer_transaction"] == "enqueue"
    assert [slot.parameter for slot in names.arguments["resolve_dependency"]] == [None, "tx_id"]
    assert names.roles["operator"] == read_project(MAPPED.parent / "lab.yaml").names.roles["operator"]


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
    text = propose(silent, "C.json")
    assert "  Transaction not ready: NotReady  # by the error's name, 80% alike" in text
    assert "  # Timestamp cannot be in the past: InThePast  # uncertain: " in text
    path.write_text(chosen(text))
    reverts = read_project(path).names.reverts
    assert {own: text for own, text in ERRORS.items() if reverts.get(text) != own} == {}
    assert "Reentered" not in reverts.values()
    assert "Origin and target must be different" not in reverts
    (hint,) = (line for line in inspect(silent, Codec(abi)).lines() if "may stand for them" in line)
    assert "NotAuthorized" in hint


@pytest.mark.parametrize(
    ("which", "line"),
    [
        ("mask/Sentinel.vy", "buffer_transaction: enter"),
        ("packed/Vault.vy", "buffer_transaction: put"),
        (
            "ledger/Ledger.vy",
            "buffer_transaction: {name: record, arguments: [payload, tx_id, dependency_tx_id, origin_rollup, "
            "target_rollup, timestamp]}",
        ),
        (
            "packed/Vault.vy",
            "get_transaction_details: {name: look, returns: [timestamp, _, state, origin_rollup, target_rollup, "
            "dependency_tx_id]}",
        ),
    ],
)
def test_many_types_say_what_a_function_perhaps_is(which: str, line: str) -> None:
    """Whatever its name; of two addresses without telling names the first is the origin. All of it is uncertain."""
    path = ROOT / "tests/detection/correct" / which
    (found,) = (text for text in propose(compiled(path), "C.vy").splitlines() if line.split(":")[0] in text)
    assert found.startswith(f"  # {line}  # uncertain: by its name and arguments (")


def test_words_of_yaml_are_quoted() -> None:
    """An argument that is called `on` stays a text."""
    assert flow({"on": False, "by": ["yes", "a: b", 7]}) == '{"on": false, by: ["yes", "a: b", 7]}'
