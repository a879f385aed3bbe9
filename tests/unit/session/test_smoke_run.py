"""The smoke run's node is started once per contract: what passed is remembered, what failed is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lab.chains.nodes.backend import Node, NodeSpec
from lab.chains.nodes.process import ProcessBackend
from lab.deploy.deployer import Deployable, deployable
from lab.model.contract.names import ContractNames
from lab.session.smoke_run import smoke_run
from tests.compiling import compile_once

CONTRACTS = Path(__file__).resolve().parents[3] / "contracts"


def target(name: str, names: ContractNames | None = None) -> Deployable:
    """A contract of this repository."""
    return deployable(compile_once(CONTRACTS / name), names)


@pytest.fixture
def started(shared_backend: ProcessBackend, monkeypatch: pytest.MonkeyPatch) -> list[Node]:
    """The nodes that were started, in order."""
    nodes: list[Node] = []
    start = shared_backend.start_all

    def counted(specs: Sequence[NodeSpec]) -> Sequence[Node]:
        found = start(specs)
        nodes.extend(found)
        return found

    monkeypatch.setattr(shared_backend, "start_all", counted)
    return nodes


def test_what_passed_is_remembered_per_bytecode_and_names(
    shared_backend: ProcessBackend, started: list[Node], tmp_path: Path
) -> None:
    """The second time no node starts, and the state numbers are still known; other names are another contract."""
    plain = target("plain/PlainCoordinator.vy")
    first = smoke_run(plain, shared_backend, run_id="test", cache_dir=tmp_path)
    again = smoke_run(plain, shared_backend, run_id="test", cache_dir=tmp_path)
    assert len(started) == 1
    assert not started[0].alive()
    assert (again.failure, again.numbering.numbers) == (None, first.numbering.numbers)
    # The same code under another ABI is another contract.
    bare = deployable(replace(plain.contract, abi=[]))
    assert smoke_run(bare, shared_backend, run_id="test", cache_dir=tmp_path).failure is not None
    assert len(started) == 2
    renamed = target("plain/PlainCoordinator.vy", ContractNames(functions={"pause": "owner"}))
    smoke_run(renamed, shared_backend, run_id="test", cache_dir=tmp_path)
    assert len(started) == 3


@pytest.mark.parametrize("damage", ["", "{", "[1]", '{"EMPTY": "x"}'])
def test_a_damaged_memory_is_none(
    shared_backend: ProcessBackend, started: list[Node], tmp_path: Path, damage: str
) -> None:
    """The contract is tried again."""
    plain = target("plain/PlainCoordinator.vy")
    smoke_run(plain, shared_backend, run_id="test", cache_dir=tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_text(damage)
    assert smoke_run(plain, shared_backend, run_id="test", cache_dir=tmp_path).failure is None
    assert len(started) == 2


def test_what_failed_is_tried_again(shared_backend: ProcessBackend, started: list[Node], tmp_path: Path) -> None:
    """Its source may have moved, and its lines are to be told."""
    broken = target("broken/zero_default_state.vy")
    for tries in (1, 2):
        assert smoke_run(broken, shared_backend, run_id="test", cache_dir=tmp_path).failure is not None
        assert len(started) == tries
        assert not started[-1].alive()
    assert list(tmp_path.iterdir()) == []
