"""Runs under the real clock: nodes, proxy and relayer process together, and what that clock cannot do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.deploy.deployer import Deployable
from lab.model.history import History
from lab.model.records import Block, EmptyBlocks, Note, Operation, Submit
from lab.model.verdict import Verdict
from lab.runner.run import Run
from lab.runner.runner import Options, Result, run_item
from lab.runner.steps.timeline import play_timeline
from lab.scenario.resolve import load_scenario

pytestmark = pytest.mark.real_clock

HEAD = """
name: A payment in real time
description: One leg on a chain that mines no empty blocks.
networks: {arbitrum: {}}
timeout: 180s
checks: [default, -L1, -L2]     # how soon the relayer acts is this machine's affair
relayer: {poll: 200ms}
flows: {one: {pay: {chain: arbitrum, at: +8s, payload: 64B}}}
timeline:
  - at: 0s
    buffer: one
"""
IDLE = """
name: Nothing happens
description: A chain goes on by itself.
networks: {base: {}}
relayer: none
timeline:
  - wait: 1s
"""
# Each step has a time of its own; the lab stands still for a while before the first.
BY_HAND = """
name: The lab comes late
description: What is buffered too late is refused.
networks: {base: {}}
relayer: none
checks: [default, -L1, -L2, -L3]
flows: {one: {pay: {chain: base, at: +9s}}}
timeline:
  - {at: 6s, buffer: one}
"""
STALL_S = 5.0
KILL_AT_A_POINT = "  - {fault: relayer_kill, point: after_scan, restart_after: 1s}\n"
UNTIL_EXECUTED = "  - {expect: {leg: one.pay, state: EXECUTED}, within: 90s}\n"


@pytest.fixture(scope="module")
def target(reference: Deployable) -> Deployable:
    return reference


@pytest.fixture
def backend() -> Iterator[ProcessBackend]:
    backend = ProcessBackend()
    yield backend
    backend.close()


def run(text: str, folder: Path, backend: ProcessBackend, target: Deployable, stalls_ms: int | None = None) -> Result:
    """Run a scenario that says nothing of a clock as `--clock real` does. `stalls_ms`: when the lab stands still."""
    file = folder / "scenario.yaml"
    file.write_text(text)
    (item,) = load_scenario(file)
    options = Options(backend, "asked for", target, "test", clock="real")

    def stalled(run: Run) -> None:
        assert stalls_ms is not None
        run.lab.scheduler.at(stalls_ms, lambda: time.sleep(STALL_S))
        play_timeline(run, options.progress)

    return run_item(item, options, folder / "run", "again", None if stalls_ms is None else stalled)


def notes(history: History, kind: str) -> list[str]:
    """The marks of one kind."""
    return [note.text for note in history.of(Note) if note.kind == kind]


def test_a_foreign_process_is_served_at_every_slot(tmp_path: Path, backend: ProcessBackend, target: Deployable) -> None:
    """What the relayer process sends through the proxy is mined by a chain that mines no empty blocks, and recorded."""
    result = run(HEAD + UNTIL_EXECUTED, tmp_path, backend, target)
    assert result.verdict.verdict is Verdict.PASS, result.verdict.reasons
    sent = {submit.tx: submit for submit in result.history.of(Submit)}
    assert [submit.function for submit in sent.values()] == ["resolve_dependency", "mark_executed"]
    mined = {tx.hash: block for block in result.history.of(Block) for tx in block.txs}
    for tx_hash, submit in sent.items():
        assert submit.outcome == "ok"
        assert mined[tx_hash].number > 1
    assert notes(result.history, "relayer") == ["start", "its first request"]
    genesis = result.history.header.genesis_time
    for block in result.history.of(Block):
        assert block.timestamp - genesis <= block.t_ms / 1000, "a block's timestamp is never ahead of the wall clock"


def test_blocks_come_while_nobody_looks(tmp_path: Path, backend: ProcessBackend, target: Deployable) -> None:
    """Each slot's block is mined when its time has come, not all of them when somebody looks at the chain at last."""
    result = run(IDLE, tmp_path, backend, target)
    (empty,) = result.history.of(EmptyBlocks)
    assert empty.last > empty.first
    assert empty.first_t_ms < empty.t_ms


def test_a_point_inside_of_the_relayer_is_not_played(
    tmp_path: Path, backend: ProcessBackend, target: Deployable
) -> None:
    """A scenario that needs the virtual clock ends UNKNOWN and says why; it is neither a crash nor a pass."""
    result = run(HEAD + KILL_AT_A_POINT + UNTIL_EXECUTED, tmp_path, backend, target)
    assert result.verdict.verdict is Verdict.UNKNOWN
    assert any("kills the relayer" in reason and "(after_scan)" in reason for reason in result.verdict.reasons), (
        result.verdict.reasons
    )
    assert result.history.of(Submit) == []


def test_a_buffering_that_the_lab_brought_late_is_nobodys_fault(
    tmp_path: Path, backend: ProcessBackend, target: Deployable
) -> None:
    """The contract refuses a timestamp that has passed meanwhile: UNKNOWN, with by how much the lab was late."""
    result = run(BY_HAND, tmp_path, backend, target, stalls_ms=5_700)
    (refused,) = result.history.of(Operation)
    assert refused.revert == "Timestamp cannot be in the past"
    reasons = [reason for reason in result.verdict.reasons if "buffer_transaction by operator to be ok" in reason]
    assert result.verdict.verdict is Verdict.UNKNOWN, result.verdict.reasons
    assert "the machine itself was late by up to" in reasons[0]
    assert any("buffer#1 was due at 6.000 s and came late, by " in text for text in notes(result.history, "lab late"))
