"""The relayer against real nodes and the real contract, in this process and as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.coordinator import role_account
from lab.model.contract.batches import BATCHES
from lab.relayer import Relayer

from .bench import ManualClock
from .fakes import FLAGS
from .nodes import Nodes, started

READY, EXECUTED, EXPIRED = FLAGS["READY"], FLAGS["EXECUTED"], FLAGS["EXPIRED"]


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Two fresh chains in simulated time."""
    with started(tmp_path) as running:
        yield running


@pytest.fixture
def nodes_of_today(tmp_path: Path) -> Iterator[Nodes]:
    """Two fresh chains that begin now."""
    with started(tmp_path, int(time.time())) as running:
        yield running


def run(
    nodes: Nodes, relayer: Relayer, clock: ManualClock, seconds: int, until: Callable[[], bool] | None = None
) -> None:
    """Blocks on time, a poll every two seconds."""
    for _ in range(seconds):
        nodes.tick()
        clock.ms = nodes.seconds * 1000
        if nodes.seconds % 2 == 0:
            relayer.step()
            if until is not None and until():
                return


def relayer_of(nodes: Nodes, folder: Path, clock: ManualClock, notes: list[dict[str, object]]) -> Relayer:
    """A relayer in this process."""
    return Relayer(nodes.session(folder), nodes.transports, role_account("relayer"), folder / "r.sqlite", clock,
                   notify=notes.append)  # fmt: skip


def test_flows_across_two_real_chains_with_a_reorg_and_a_fee_spike(nodes: Nodes, tmp_path: Path) -> None:
    """Parent, mirror, child in both directions; dropped by a reorg, outrun by a base fee, and executed all the same."""
    clock, notes = ManualClock(), list[dict[str, object]]()
    relayer = relayer_of(nodes, tmp_path, clock, notes)
    nodes.buffer("two", 1, at=10)
    nodes.buffer("one", 2, at=24, after=1)
    nodes.buffer("two", 3, at=60, after=2)
    nodes.buffer("two", 4, at=8, after=77)
    run(nodes, relayer, clock, 15, lambda: nodes.state("two", 1) == EXECUTED)
    assert nodes.state("two", 1) == EXECUTED
    assert nodes.seconds <= 14
    nodes.rpcs["two"].call("anvil_reorg", 2, [])
    assert nodes.state("two", 1) != EXECUTED
    nodes.rpcs["one"].call("anvil_setNextBlockBaseFeePerGas", hex(20 * 10**9))
    run(nodes, relayer, clock, 120, relayer.idle)
    assert [nodes.state("two", 1), nodes.state("one", 2), nodes.state("two", 3)] == [EXECUTED] * 3
    assert nodes.state("two", 4) == EXPIRED
    assert nodes.state("one", 1) == nodes.state("two", 2) == READY
    assert relayer.idle()
    events = [note["event"] for note in notes]
    assert "reorg" in events
    assert "resending" in events
    assert "rpc_failure" not in events


@pytest.mark.parametrize("batches", [True, False])
def test_a_backlog_across_two_real_chains_with_a_reorg(nodes: Nodes, tmp_path: Path, *, batches: bool) -> None:
    """Forty flows: in a few batch calls, or one by one where the contract has none. A reorg takes a batch along."""
    abi = [entry for entry in nodes.target.contract.abi if batches or entry.get("name") not in BATCHES]
    session = nodes.session(tmp_path).model_copy(update={"abi": abi})
    clock, notes, count = ManualClock(), list[dict[str, object]](), 40
    relayer = Relayer(session, nodes.transports, role_account("relayer"), tmp_path / "r.sqlite", clock,
                      notify=notes.append)  # fmt: skip
    for number in range(1, count + 1):
        nodes.buffer("two", number, at=10)
        nodes.buffer("one", 100 + number, at=24, after=number)
    run(nodes, relayer, clock, 30, lambda: nodes.state("two", count) == READY)
    nodes.rpcs["two"].call("anvil_reorg", 1, [])
    assert nodes.state("two", count) != READY
    run(nodes, relayer, clock, 120, relayer.idle)
    assert [nodes.state("two", number) for number in range(1, count + 1)] == [EXECUTED] * count
    assert [nodes.state("one", 100 + number) for number in range(1, count + 1)] == [EXECUTED] * count
    sent = {note["hash"] for note in notes if note["event"] == "sending"}
    assert len(sent) < 12 if batches else len(sent) >= 5 * count
    assert not [note for note in notes if note["event"] in ("failed", "rpc_failure")]


def test_as_a_process_it_stops_cleanly_and_a_killed_one_is_taken_over(nodes_of_today: Nodes, tmp_path: Path) -> None:
    """`python -m lab.relayer` dies right after sending; its successor converges and ends with 0 on SIGTERM."""
    account, nodes = role_account("relayer"), nodes_of_today
    (tmp_path / "keys.json").write_text(json.dumps({"relayer": "0x" + account.key.hex()}))
    session = nodes.session(tmp_path).model_copy(update={"clock": "real", "poll_interval_ms": 100})
    session.write(tmp_path / "session.json")
    command = [sys.executable, "-m", "lab.relayer", "--session", str(tmp_path / "session.json")]
    nodes.seconds = 10
    nodes.buffer("two", 1, at=12)
    nodes.mine("two")
    first = subprocess.Popen([*command, "--crash-at", "after_send"], stderr=subprocess.PIPE)
    assert first.wait(timeout=600) == -signal.SIGKILL
    second = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 120
        while nodes.state("two", 1) != EXECUTED and time.monotonic() < deadline:
            nodes.seconds += 2
            nodes.mine("two")
            time.sleep(0.3)
        assert nodes.state("two", 1) == EXECUTED
    finally:
        second.send_signal(signal.SIGTERM)
        _, said = second.communicate(timeout=600)
    assert second.returncode == 0
    lines = [json.loads(line) for line in said.splitlines()]
    assert lines[0]["event"] == "started"
    assert lines[-1] == {"event": "stopped", "signal": "SIGTERM"}
    assert lines[-2]["event"] == "timings"
    assert lines[-2]["alive_s"] > 0
    counts = {line["method"]: line["requests"] for line in lines if line["event"] == "timing"}
    assert counts["eth_getBlockByNumber"] > 0
    assert account.key.hex() not in said


def test_a_wrong_session_file_is_a_usage_error(tmp_path: Path) -> None:
    """Exit code 2 and one line that says what was expected."""
    (tmp_path / "session.json").write_text("{}")
    command = [sys.executable, "-m", "lab.relayer", "--session", str(tmp_path / "session.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 2
    assert "expected a session.json" in json.loads(done.stderr)["error"]
