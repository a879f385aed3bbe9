"""Who counts as the caller: the direct sender, never the account at the origin of the call chain."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.compiling import compile_once

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator

REFERENCE = Path(__file__).resolve().parents[3] / "contracts" / "TesseractCoordinator.vy"
FORWARDER = """
@external
def forward(target: address, data: Bytes[2048]):
    raw_call(target, data)
"""
LEAVING = {"CALL", "CALLCODE", "DELEGATECALL", "STATICCALL", "CREATE", "CREATE2", "SELFDESTRUCT", "ORIGIN"}


@pytest.fixture
def forwarder(coordinator: Coordinator, tmp_path: Path) -> Coordinator:
    """A contract that passes any call on, in its own name."""
    source = tmp_path / "Forwarder.vy"
    source.write_text(FORWARDER, encoding="utf-8")
    proxy = type(coordinator)(coordinator.rpc, compile_once(source), coordinator.accounts)
    proxy.deploy()
    return proxy


def _passed_on(coordinator: Coordinator, function: str, *args: object) -> tuple[str, bytes]:
    return coordinator.address, bytes.fromhex(coordinator.calldata(function, args)[2:])


@pytest.mark.parametrize(
    ("role", "function", "reason"),
    [
        ("operator", "buffer_transaction", "Not authorized"),
        ("operator", "mark_executed", "Not authorized"),
        ("owner", "pause", "Only owner can pause"),
        ("newowner", "accept_ownership", "Only pending owner can accept"),
    ],
)
def test_a_contract_called_by_an_operator_gains_nothing(
    coordinator: Coordinator, forwarder: Coordinator, role: str, function: str, reason: str
) -> None:
    """Luring an operator, the owner or the next owner into a foreign contract opens no door."""
    coordinator.ready(1)
    coordinator.send("owner", "propose_owner", coordinator.accounts["newowner"])
    args = {"buffer_transaction": coordinator.request(2), "mark_executed": (coordinator.id(1),)}.get(function, ())
    assert forwarder.reverts(role, "forward", *_passed_on(coordinator, function, *args)) == reason
    assert (coordinator.state(1), coordinator.state(2), coordinator.call("paused")) == ("READY", "EMPTY", False)


def test_a_contract_can_be_an_operator(coordinator: Coordinator, forwarder: Coordinator) -> None:
    """Its own address on the list is what counts, whoever calls it."""
    coordinator.send("owner", "add_operator", forwarder.address)
    forwarder.send("attacker", "forward", *_passed_on(coordinator, "buffer_transaction", *coordinator.request(1)))
    assert coordinator.state(1) == "BUFFERED"


def test_a_contract_can_be_the_owner(coordinator: Coordinator, forwarder: Coordinator) -> None:
    """A multi-signature account accepts like any other."""
    coordinator.send("owner", "propose_owner", forwarder.address)
    forwarder.send("attacker", "forward", *_passed_on(coordinator, "accept_ownership"))
    forwarder.send("attacker", "forward", *_passed_on(coordinator, "pause"))
    assert coordinator.call("owner") == forwarder.address.lower()
    assert coordinator.call("paused") is True


def test_no_instruction_leaves_the_contract() -> None:
    """No external call, creation or self-destruction, so nothing can re-enter; and the origin is never asked for."""
    from vyper.compiler import compile_from_file_input  # type: ignore[import-untyped]
    from vyper.compiler.input_bundle import FilesystemInputBundle  # type: ignore[import-untyped]

    bundle = FilesystemInputBundle([REFERENCE.parent])
    output = compile_from_file_input(bundle.load_file(REFERENCE), input_bundle=bundle, output_formats=["asm"])
    instructions = set(re.findall(r"[A-Z][A-Z0-9]+", output["asm"]))
    assert {"SSTORE", "CALLER"} <= instructions
    assert not instructions & LEAVING
