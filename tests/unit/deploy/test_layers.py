"""Which words bind which contract: documented ones every one, the reference's own only those that have them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.deploy.deployer import Deployable, deployable
from lab.deploy.layers import binds, demanded
from lab.model.contract.names import ContractNames
from lab.paths import REFERENCE_CONTRACT
from tests.compiling import compile_once


def foreign(name: str, names: ContractNames | None = None) -> Deployable:
    """A contract that is not the reference."""
    path = REFERENCE_CONTRACT.parent / "plain" / name
    return deployable(compile_once(path), names)


def test_only_its_own_file_is_the_reference(reference: Deployable) -> None:
    """And what is said to be a mutant of it."""
    assert reference.reference
    assert not foreign("PlainCoordinator.vy").reference
    assert deployable(replace(reference.contract, name="Mutant"), reference=True).reference


@pytest.mark.parametrize(
    ("text", "function", "bound"),
    [
        ("Not authorized", None, True),
        ("Only owner can add operators", "add_operator", True),
        ("Coordinator is paused", "resolve_dependency", True),  # its code holds it
        ("Only owner", "pause", False),
        ("Coordinator is not paused", "unpause", False),
        ("Failure threshold reached", None, False),
        ("Only pending owner can accept", None, False),
        ("words of the scenario's own", None, True),
    ],
)
def test_words_bind_those_that_have_them(reference: Deployable, text: str, function: str | None, bound: bool) -> None:
    """The reference is bound by all of them."""
    assert binds(foreign("PausableCoordinator.vy"), text, function) is bound
    assert binds(reference, text, function)


def test_a_mapped_text_binds(reference: Deployable) -> None:
    """It is translated before anything is compared."""
    names = ContractNames(reverts={"Coordinator is not paused": "Hub runs"})
    assert binds(foreign("PausableCoordinator.vy", names), "Coordinator is not paused")


def test_events_of_capabilities_are_not_demanded(reference: Deployable) -> None:
    """Documented ones are, and those that a contract has."""
    plain = foreign("PlainCoordinator.vy")
    assert demanded(plain, "TransactionReady")
    assert not demanded(plain, "EmergencyStop")
    assert demanded(reference, "EmergencyStop")
