"""The process backend, with real nodes."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import urllib.request
from pathlib import Path
from urllib.parse import urlparse, urlsplit

import psutil
import pytest

from lab.chains.nodes.backend import NodeSpec, ask
from lab.chains.nodes.process import ProcessBackend
from lab.chains.nodes.provision import AnvilBinary
from lab.errors import NodeFailure
from lab.owner import OWNER_VARIABLE, RUN_VARIABLE, this_process

from .runs import within


def port_of(url: str) -> int:
    return urlparse(url).port or 0


def call(url: str, method: str) -> str:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": []}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as reply:
        return str(json.load(reply)["result"])


def test_five_nodes_answer_each_as_its_own_chain(backend: ProcessBackend) -> None:
    """Every node answers on its own port with its own chain id as soon as start_all returns."""
    nodes = backend.start_all([NodeSpec(f"n{i}", "test", ("--chain-id", str(100 + i))) for i in range(5)])

    assert [call(node.url, "eth_chainId") for node in nodes] == [hex(100 + i) for i in range(5)]
    assert len({node.url for node in nodes}) == 5
    assert all((node.memory_bytes() or 0) > 1 << 20 for node in nodes)


def test_nodes_listen_on_loopback_only(backend: ProcessBackend) -> None:
    """No node is reachable from another machine; what pages of a browser get is `test_guard`'s affair."""
    (node,) = backend.start_all([NodeSpec("n", "test")])

    port = urlsplit(node.url).port
    listening = [
        found.laddr.ip
        for process in psutil.Process().children(recursive=True)
        for found in process.net_connections(kind="inet")
        if found.status == psutil.CONN_LISTEN and found.laddr.port == port
    ]
    assert listening == ["127.0.0.1"]


def test_children_carry_the_marks_of_their_run(backend: ProcessBackend) -> None:
    """The run id and the owner stand in the child's environment, where leftovers are looked for."""
    (node,) = backend.start_all([NodeSpec("n", "run-7")])

    environment = psutil.Process(node.pid).environ()
    assert (environment[RUN_VARIABLE], environment[OWNER_VARIABLE]) == ("run-7", this_process().mark)


def test_a_bad_flag_is_quoted_from_the_nodes_own_log(backend: ProcessBackend, tmp_path: Path) -> None:
    """A node that dies at start raises NodeFailure with its last log lines, and takes the others with it."""
    backend.start_all([NodeSpec("one", "test")])
    before = set(psutil.Process().children(recursive=True))
    log = tmp_path / "logs" / "bad.log"

    with pytest.raises(NodeFailure, match=r"node bad died at start.*exit code 2") as failure:
        backend.start_all([NodeSpec("good", "test"), NodeSpec("bad", "test", ("--no-such-flag",), log)])

    assert "unexpected argument '--no-such-flag'" in str(failure.value)
    assert "unexpected argument" in log.read_text()
    assert set(psutil.Process().children(recursive=True)) == before


def test_a_port_taken_between_choice_and_use_cannot_happen(backend: ProcessBackend) -> None:
    """The node holds its port from the moment the lab learns of it: nobody else can bind it."""
    (node,) = backend.start_all([NodeSpec("n", "test")])

    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port_of(node.url)))


def test_a_binary_that_cannot_be_run_is_one_clear_error(tmp_path: Path) -> None:
    """A file without execute permission names itself and the reason."""
    broken = tmp_path / "anvil"
    broken.write_text("nothing")
    backend = ProcessBackend(AnvilBinary(broken, "1.7.1", "LAB_ANVIL"))
    try:
        with pytest.raises(NodeFailure, match=f"node n could not be started with `{broken}.*Permission denied"):
            backend.start_all([NodeSpec("n", "test")])
    finally:
        backend.close()


def test_pause_freezes_and_resume_thaws(backend: ProcessBackend) -> None:
    """A paused node is alive, stopped by the kernel, silent, and answers again once resumed."""
    (node,) = backend.start_all([NodeSpec("n", "test")])

    node.pause()
    threads = [
        Path(f"/proc/{node.pid}/task/{thread.id}/stat").read_text().rpartition(")")[2].split()[0]
        for thread in psutil.Process(node.pid).threads()
    ]
    assert set(threads) == {"T"}
    node.pause()
    assert node.alive()
    assert ask(port_of(node.url), "eth_chainId", timeout_s=0.3) is None

    node.resume()
    assert ask(port_of(node.url), "eth_chainId", timeout_s=60) == "0x7a69"


def test_kill_and_restart_give_a_fresh_node(backend: ProcessBackend) -> None:
    """After SIGKILL the node is dead; restart returns the same node with a new process and an empty chain."""
    (node,) = backend.start_all([NodeSpec("n", "test", ("--chain-id", "7"))])
    first = node.pid
    call(node.url, "evm_mine")
    assert call(node.url, "eth_blockNumber") == "0x1"

    node.kill()
    assert not node.alive()
    with pytest.raises(NodeFailure, match="not running"):
        node.pause()
    assert node.restart() is node

    assert node.alive()
    assert node.pid != first
    assert (call(node.url, "eth_chainId"), call(node.url, "eth_blockNumber")) == ("0x7", "0x0")


def test_a_paused_node_can_be_restarted_and_stopped(backend: ProcessBackend) -> None:
    """A stopped process takes no polite signal: kill and stop must not need one."""
    (node,) = backend.start_all([NodeSpec("n", "test")])
    node.pause()
    node.restart()
    assert call(node.url, "eth_chainId") == "0x7a69"
    node.pause()
    node.stop()
    assert not node.alive()


def test_stop_removes_everything_but_the_log(backend: ProcessBackend, tmp_path: Path) -> None:
    """Process and temporary directory are gone, the log that the caller asked for stays; a second stop is harmless."""
    log = tmp_path / "node.log"
    (node,) = backend.start_all([NodeSpec("n", "test", log_path=log)])
    pid, folder = node.pid or 0, node._folder
    assert folder.is_dir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    # It answers before it has said so.
    assert within(60, lambda: "Listening on 127.0.0.1" in node.log_tail(30))

    node.stop()
    node.stop()

    assert not psutil.pid_exists(pid)
    assert not folder.exists()
    assert "Listening on 127.0.0.1" in log.read_text()
    with pytest.raises(NodeFailure, match="no URL"):
        _ = node.url


def test_the_cache_of_anvil_goes_into_the_nodes_own_directory(backend: ProcessBackend) -> None:
    """States that anvil writes to disk lie in the directory that stop removes."""
    (node,) = backend.start_all([NodeSpec("n", "test")])

    arguments = psutil.Process(node.pid).cmdline()
    assert arguments[arguments.index("--cache-path") + 1].startswith(str(node._folder))


def test_a_node_that_dies_unasked_is_seen(backend: ProcessBackend) -> None:
    """alive() tells the truth about a node killed by somebody else, and so does memory_bytes()."""
    (node,) = backend.start_all([NodeSpec("n", "test")])
    os.kill(node.pid or 0, signal.SIGKILL)
    psutil.Process(node.pid).wait(timeout=600)

    assert not node.alive()
    assert node.memory_bytes() is None


def test_the_manifest_entry_identifies_the_binary(backend: ProcessBackend, anvil: AnvilBinary) -> None:
    """Version, path, source and a digest that is the file's."""
    described = backend.describe()

    assert described["anvil_path"] == str(anvil.path)
    assert described["anvil_version"] == anvil.version
    assert len(described["anvil_sha256"]) == 64
