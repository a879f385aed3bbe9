"""Entries of `lab.yaml` that stand for something else: found by trial, each once, and said at its place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.chains.nodes.backend import NodeSpec
from lab.chains.nodes.process import ProcessBackend
from lab.deploy.interface import inspect
from lab.deploy.smoke import Smoke, smoke
from lab.networks import load_network
from lab.networks.anvil import anvil_args
from lab.rpc import HttpTransport, Rpc
from lab.session.refusal import misfits
from lab.session.suite import compile_target
from lab.session.under_test import SystemUnderTest, system_under_test

CORRECT = Path(__file__).parents[2] / "detection/correct"
GENESIS = 1_800_000_000
# What stands in the file of `depot`, what stands there instead, and what is said of it.
MISTAKES = [
    (
        "pause: {name: shutter, arguments: [{value: by hand}]}\n  unpause: reopen",
        "pause: reopen\n  unpause: {name: shutter, arguments: [{value: by hand}]}",
        'functions.pause: expected the owner\'s call to succeed, it reverts with "Coordinator is not paused", and '
        "unpause succeeds: are the two exchanged? Map it",
    ),
    ("paused: shut", "paused: inaugurated", "functions.paused: expected false before any stop, it returns true. Map"),
    (
        "transaction_count: count",
        "transaction_count: patience",
        "functions.transaction_count: expected 31 after a buffering, 30 before, it returns 30. Map",
    ),
    (
        "transaction_count: count",
        "transaction_count: heir",
        "functions.transaction_count: expected () -> (uint256), got () -> (address). Map",
    ),
    (
        "get_transaction_details: {name: look, returns: [timestamp, state, origin_rollup, target_rollup,",
        "get_transaction_details: {name: look, returns: [timestamp, state, target_rollup, origin_rollup,",
        "functions.get_transaction_details: expected origin_rollup 0x1111",
    ),
    (
        "dependency_tx_id, origin_rollup, target_rollup, {value: true}",
        "dependency_tx_id, target_rollup, origin_rollup, {value: true}",
        "functions.buffer: expected origin_rollup 0x1111",
    ),
    (
        "origin_rollup: source, target_rollup: sink",
        "origin_rollup: sink, target_rollup: source",
        "events.TransactionBuffered: expected origin_rollup 0x1111",
    ),
    (
        "TransactionReady: {name: Cleared",
        "TransactionReady: {name: Left",
        "events.TransactionReady: expected this event, the call that has to emit it emitted Cleared. Map",
    ),
    (
        "is_transaction_ready: cleared",
        "is_transaction_ready: {name: stage, true_for: [1]}",
        "functions.is_transaction_ready: expected false of what was only buffered, it returns true. Map",
    ),
    (
        "coordination_window: patience\n",
        "coordination_window: count\n",
        "functions.coordination_window: expected 60 after set_coordination_window(60), it returns 3. Map",
    ),
    ("owner: chief\n", "owner: heir\n", "functions.owner: expected the account that owns the contract, it returns "),
    ("pending_owner: heir", "pending_owner: chief", "functions.pending_owner: expected 0x976ea740"),
    (
        "EmergencyStopLifted: {name: Opened, arguments: {caller: by}}",
        "EmergencyStopLifted: {name: Left, arguments: {caller: parcel}}",
        "events.EmergencyStopLifted: expected this event, the call that has to emit it emitted Opened. Map",
    ),
]


def tried(backend: ProcessBackend, folder: Path) -> tuple[SystemUnderTest, Smoke, list[str]]:
    """The contract of a project tried on a fresh node, and what is said of its map."""
    system = system_under_test(contract=None, relayer_cmd=None, working_folder=folder)
    target, profile = compile_target(system), load_network("ethereum")
    (node,) = backend.start_all([NodeSpec("map", "test", anvil_args(profile, genesis_time=GENESIS), lasting=True)])
    try:
        done = smoke(Rpc(HttpTransport(node.url, timeout_s=60)), target, profile, genesis_time=GENESIS)
    finally:
        node.leave()
        node.stop()
    return system, done, misfits(system, done, inspect(target.contract, target.codec))


@pytest.mark.parametrize(("right", "wrong", "said"), MISTAKES, ids=[said.split(":")[0] for *_, said in MISTAKES])
def test_what_is_mapped_wrongly_is_said(
    open_backend: ProcessBackend, tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    """One line, with what was expected, what came, where, and what to do; nothing else is blamed."""
    folder = shutil.copytree(CORRECT / "depot", tmp_path / "depot")
    text = (folder / "lab.yaml").read_text()
    assert text.count(right) == 1
    (folder / "lab.yaml").write_text(text.replace(right, wrong))
    system, done, lines = tried(open_backend, folder)
    assert done.failure is None
    assert system.project is not None
    first, *more = lines
    assert not more, more
    where, _, rest = first.removeprefix(f"map: {system.project.source.file}:").partition(" ")
    assert rest.startswith(said)
    line = int(where.split(":")[0])
    name = said.split(":")[0].rpartition(".")[2]
    assert name in text.splitlines()[line - 1] or name in text.splitlines()[line - 2]
    assert first.endswith("or leave it out; where the map is right, the contract is wrong")


@pytest.mark.parametrize("which", ["courier", "depot", "lane", "ledger", "mask", "metered", "packed", "rich", "warden"])
def test_a_right_map_is_not_blamed(open_backend: ProcessBackend, which: str) -> None:
    """Roles by one function, levels of a stop, one event for everything, a delay, a handful of limits."""
    _, done, lines = tried(open_backend, CORRECT / which)
    assert (done.failure, lines) == (None, [])
