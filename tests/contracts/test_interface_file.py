"""The interface file holds what is documented, and the compiler refuses a contract that lacks a part of it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from vyper.exceptions import InterfaceViolation  # type: ignore[import-untyped]

from lab.coordinator.documented import EVENTS, FUNCTIONS
from lab.deploy.vyper.compilers import CompilerOutput
from lab.paths import CONTRACTS
from tests.compiling import compile_now

INTERFACE = CONTRACTS / "interfaces/ITesseractCoordinator.vyi"
SAID = re.findall(r"^def (\w+)\(", INTERFACE.read_text(), re.M)
# A flag is a type of the contract that declares it: these return one, and no interface can say so.
RETURN_A_STATE = {"get_transaction_state", "get_transaction_details", "transactions"}
REFERENCE = CONTRACTS / "TesseractCoordinator.vy"
SELF_CONTAINED = ["PlainCoordinator.vy", "PausableCoordinator.vy"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the reference and its modules."""
    for path in (*CONTRACTS.glob("*.vy"), INTERFACE):
        copy = tmp_path / path.relative_to(CONTRACTS)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)
    return tmp_path


def compiled(path: Path, text: str) -> CompilerOutput:
    """The contract with this text."""
    path.write_text(text)
    return compile_now(path)


def implementing(name: str) -> str:
    """A contract in one file, made to claim the interface: it does not import it, for people copy that file."""
    text = (CONTRACTS / "plain" / name).read_text()
    claim = '"""\n\nfrom interfaces import ITesseractCoordinator\n\nimplements: ITesseractCoordinator\n\nevent '
    assert text.count('"""\n\nevent ') == 1
    return text.replace('"""\n\nevent ', claim)


def without(text: str, name: str) -> str:
    """The source with one function of its interface under another name, not exported, or not public."""
    text, times = re.subn(
        rf"^def {name}\(|^    \w+\.{name},\n|^{name}: public\((.*)\)$",
        lambda found: found[0].replace(name, f"{name}_") if found[0].startswith("def") else
        (f"{name}: {found[1]}" if found[1] else ""),
        text, flags=re.M,
    )  # fmt: skip
    assert times == 1, f"expected one place that makes {name} public, got {times}"
    return text


def test_the_file_says_all_that_a_compiler_can_check() -> None:
    """Every documented function but those that return a state, and every documented event."""
    documented = {name for name, signature in FUNCTIONS.items() if signature.part == "documented"}
    assert set(SAID) == documented - RETURN_A_STATE
    events = {name for name, signature in EVENTS.items() if signature.part == "documented"}
    assert set(re.findall(r"^event (\w+):", INTERFACE.read_text(), re.M)) == events
    assert all(f"`{name}(" in INTERFACE.read_text() for name in RETURN_A_STATE)


def test_the_reference_claims_the_interface_and_takes_its_events_from_it() -> None:
    """So that they cannot differ from the documented ones."""
    text = REFERENCE.read_text()
    assert text.count("\nimplements: ITesseractCoordinator\n") == 1
    assert not re.findall(r"^event Transaction", text, re.M)


@pytest.mark.parametrize("name", [REFERENCE.name, "PlainCoordinator.vy"])
def test_the_compiler_refuses_a_contract_without_the_functions(project: Path, name: str) -> None:
    """By the name of each that is missing, in the reference and in a contract that is made to claim the interface."""
    text = REFERENCE.read_text() if name == REFERENCE.name else implementing(name)
    for function in SAID:
        text = without(text, function)
    with pytest.raises(InterfaceViolation, match="does not implement all interface functions") as refused:
        compiled(project / name, text)
    assert [function for function in SAID if f"{function}(" not in str(refused.value)] == []


def test_the_compiler_refuses_the_reference_with_another_parameter(project: Path) -> None:
    """A payload of another bound is another function."""
    text = REFERENCE.read_text()
    at = text.index("def buffer_transaction(")
    text = text[:at] + text[at:].replace("payload: Bytes[512]", "payload: Bytes[511]", 1)
    with pytest.raises(InterfaceViolation, match=r"does not implement all interface functions: buffer_transaction\("):
        compiled(project / REFERENCE.name, text)


@pytest.mark.parametrize("name", SELF_CONTAINED)
def test_a_contract_in_one_file_implements_the_interface(project: Path, name: str) -> None:
    """The compiler says so, and the claim changes nothing in the code."""
    plain = CONTRACTS / "plain" / name
    expected = compile_now(plain)
    found = compiled(project / name, implementing(name))
    assert found.runtime_bytecode == expected.runtime_bytecode
