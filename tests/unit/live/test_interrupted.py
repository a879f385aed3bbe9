"""Ctrl-C ends a command at once, whatever its networks wait for; the next command goes on from there."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from lab.live.execution.deploy import deploy_all
from lab.live.journaling.journal import journal_path, read_journal
from lab.live.journaling.side_by_side import side_by_side

from .conftest import DEPLOYER, Open
from .test_commands import prepare

# A command waits for a final block for an hour; so does nobody here.
PATIENCE_S = 600


def test_a_deployment_whose_blocks_do_not_come(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """One transaction on each network is signed and sent, and none after Ctrl-C; the next command sends the same."""
    lab = world("sepolia", "amoy")
    prepare(lab, monkeypatch)
    path = journal_path(lab.folder / "deployment.yaml")
    command = [sys.executable, "-m", "lab.cli", "live", "deploy", "--broadcast"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while any(lab.rpc(name).nonce(DEPLOYER.address, "pending") == 0 for name in lab.nodes):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert f"interrupted: what was signed is in {path.name}, and may take effect: run the command again" in said
    signed = {entry.network: entry.tx for entry in read_journal(path)[1]}
    assert set(signed) == {"sepolia", "amoy"}
    outcomes = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())
    assert [outcome.problem for outcome in outcomes] == [None, None]
    for name, tx in signed.items():
        assert [entry.tx for entry in lab.work().journal.of(name, "deploy") if entry.event == "signed"] == [tx]


def test_what_a_network_raises_is_raised_once_all_have_ended() -> None:
    """The first one's, in their order; each has a thread of its own."""
    ended, both = list[str](), threading.Barrier(2, timeout=PATIENCE_S)

    def fails() -> str:
        both.wait()
        raise ValueError("of the first")

    def works() -> str:
        both.wait()
        ended.append("second")
        return "done"

    with pytest.raises(ValueError, match="of the first"):
        side_by_side([fails, works])
    assert ended == ["second"]
    assert side_by_side([lambda: 1, lambda: 2]) == [1, 2]
    assert side_by_side(()) == []
