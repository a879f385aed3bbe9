"""The Docker backend, with real containers."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.chains.engine.address import Engine
from lab.chains.engine.client import connect
from lab.chains.nodes.backend import NodeSpec, ask
from lab.chains.nodes.docker import DockerBackend
from lab.errors import EnvironmentFailure, NodeFailure
from lab.networks import load_network
from lab.networks.anvil import anvil_args
from lab.owner import RUN_LABEL
from lab.rpc import HttpTransport, Rpc

RUN_ID = f"docker-test-{os.getpid()}"


@pytest.fixture(scope="module")
def backend(image: str) -> Iterator[DockerBackend]:
    backend = DockerBackend(image)
    yield backend
    backend.close()
    assert not containers(), "close() left containers"


def containers() -> list[str]:
    client = connect()
    try:
        found = client.api.containers(all=True, filters={"label": f"{RUN_LABEL}={RUN_ID}"})
        return [str(container["Id"]) for container in found]
    finally:
        client.close()


def test_nodes_answer_on_loopback_only(backend: DockerBackend) -> None:
    """Each container answers with its own chain id, published on 127.0.0.1 and nowhere else, and carries its run."""
    nodes = backend.start_all([NodeSpec(f"n{i}", RUN_ID, ("--chain-id", str(100 + i))) for i in range(2)])

    assert [ask(node.port, "eth_chainId") for node in nodes] == ["0x64", "0x65"]
    assert all((node.memory_bytes() or 0) > 1 << 20 for node in nodes)
    client = connect()
    published = [found["Ports"] for found in client.api.containers(filters={"label": f"{RUN_LABEL}={RUN_ID}"})]
    client.close()
    assert [[port["IP"] for port in ports] for ports in published] == [["127.0.0.1"], ["127.0.0.1"]]
    for node in nodes:
        node.stop()


def test_a_container_is_kept_for_its_like(image: str, tmp_path: Path) -> None:
    """It lives as one that was just started, each run has the log of its time, and the backend's end is its own."""
    keeping, lives, containers_used = DockerBackend(image), list[tuple[str, str]](), list[str | None]()
    profile = load_network("optimism")
    logs = [tmp_path / f"{number}.log" for number in range(2)]
    args = tuple(flag for flag in anvil_args(profile, genesis_time=1_800_000_000) if flag != "--silent")
    for log in logs:
        (node,) = keeping.start_all([NodeSpec("n", RUN_ID, args, log, lasting=True)])
        containers_used.append(node._container.id)
        rpc = Rpc(HttpTransport(node.url))
        block = rpc.call("anvil_mine_detailed", {"timestamp": 1_800_000_002 + len(lives)})
        rpc.call("web3_sha3", "0x00")
        lives.append((block[0]["number"], rpc.call("eth_getBlockByNumber", "0x0", False)["hash"]))
        while node.log_tail(1000).count("web3_sha3") <= logs.index(log):
            time.sleep(0.05)  # the engine takes a while to have what a container wrote
        node.leave()
        node.stop()
    (broken_off,) = keeping.start_all([NodeSpec("n", RUN_ID, args, lasting=True)])
    containers_used.append(broken_off._container.id)
    broken_off.stop()
    said = [log.read_text() for log in logs]
    keeping.close()

    assert len(set(containers_used)) == 1
    assert lives[0] == lives[1]
    assert ["Available Accounts" in text for text in said] == [True, False]
    assert [text.count("web3_sha3") for text in said] == [1, 1]
    assert [log.read_text() for log in logs] == said
    assert not containers()


def test_usage_is_known_also_of_an_engine_on_another_machine(
    backend: DockerBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    (node,) = backend.start_all([NodeSpec("n", RUN_ID)])
    near = (node.memory_bytes(), node.cpu_seconds())
    monkeypatch.setattr("lab.chains.nodes.container.pid_here", lambda *_: None)
    far = (node.memory_bytes(), node.cpu_seconds())
    node.stop()
    assert all((memory or 0) > 1 << 20 for memory, _ in (near, far))
    assert all((seconds or 0) > 0 for _, seconds in (near, far))


def test_pause_kill_and_restart(backend: DockerBackend, tmp_path: Path) -> None:
    """Paused is silent but alive; killed is dead; restarted answers on its new port with an empty chain."""
    log = tmp_path / "logs" / "n.log"
    (node,) = backend.start_all([NodeSpec("n", RUN_ID, log_path=log)])
    assert ask(node.port, "evm_mine") is not None
    assert ask(node.port, "eth_blockNumber") == "0x1"

    node.pause()
    assert node.alive()
    assert ask(node.port, "eth_chainId", timeout_s=0.3) is None
    node.resume()
    assert ask(node.port, "eth_chainId", timeout_s=60) == "0x7a69"

    node.kill()
    assert not node.alive()
    assert node.memory_bytes() is None
    with pytest.raises(NodeFailure, match="would not pause node n"):
        node.pause()
    assert node.restart() is node
    assert node.alive()
    assert node.url == f"http://127.0.0.1:{node.port}"
    assert ask(node.port, "eth_blockNumber") == "0x0"

    node.pause()
    node.restart()
    assert ask(node.port, "eth_chainId") == "0x7a69"

    node.stop()
    node.stop()
    assert not node.alive()
    assert "Listening on" in log.read_text()
    with pytest.raises(NodeFailure, match="no URL"):
        _ = node.url


def test_a_bad_flag_is_quoted_from_the_nodes_own_log(backend: DockerBackend) -> None:
    """A container that dies at start raises NodeFailure with its log, and none of the others is left."""
    before = containers()

    with pytest.raises(NodeFailure, match=r"node bad died at start.*exit code 2") as failure:
        backend.start_all([NodeSpec("good", RUN_ID), NodeSpec("bad", RUN_ID, ("--no-such-flag",))])

    assert "unexpected argument '--no-such-flag'" in str(failure.value)
    assert containers() == before


def test_an_image_without_anvil_is_one_clear_error(backend: DockerBackend) -> None:
    """The engine's own words and the image stand in the error; the created container is removed."""
    name = f"tesseract-lab/empty-test:{os.getpid()}"
    client = connect()
    client.images.build(fileobj=io.BytesIO(b"FROM scratch\nLABEL empty=1\n"), tag=name, rm=True)
    empty = DockerBackend(name)
    try:
        with pytest.raises(NodeFailure, match=rf"would not start node n.*anvil.*Image: {name}"):
            empty.start_all([NodeSpec("n", RUN_ID)])
        assert containers() == []
    finally:
        empty.close()
        client.images.remove(name, force=True)
        client.close()


def test_an_engine_lost_during_a_run_is_one_clear_error(image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that died after the choice was made is named, not shown as a traceback of the SDK."""
    backend = DockerBackend(image)
    monkeypatch.setattr(backend, "_engine", Engine("unix:///nowhere/docker.sock", "test"))
    try:
        with pytest.raises(EnvironmentFailure, match=r"engine was lost when asked to start node n"):
            backend.start_all([NodeSpec("n", RUN_ID)])
    finally:
        backend.close()


def test_a_log_that_cannot_be_written_does_not_keep_the_container(backend: DockerBackend, tmp_path: Path) -> None:
    """The failure is told, the container is removed all the same."""
    (tmp_path / "file").write_text("")
    (node,) = backend.start_all([NodeSpec("n", RUN_ID, log_path=tmp_path / "file" / "n.log")])

    with pytest.raises(EnvironmentFailure, match="cannot keep the log of node n"):
        node.stop()
    assert containers() == []


def test_the_manifest_entry_identifies_the_image(backend: DockerBackend, image: str) -> None:
    """Image, its id, the anvil in it and the engine."""
    (node,) = backend.start_all([NodeSpec("n", RUN_ID)])
    node.stop()

    described = backend.describe()
    assert described["image"] == image
    assert described["image_id"].startswith("sha256:")
    assert described["anvil_version"] == "1.7.1"
    assert described["engine_version"]


def test_a_dead_engine_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The address tried and both ways out stand in the error."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")

    with pytest.raises(EnvironmentFailure, match=r"no Docker engine answers at unix://.*none\.sock.*--backend process"):
        DockerBackend("any")


def test_importing_the_lab_does_not_import_docker() -> None:
    """The SDK costs a fifth of a second, which a run on processes must not pay."""
    code = "import sys, lab.chains.nodes.select, lab.chains.nodes.image; print(*sys.modules)"
    root = Path(__file__).resolve().parents[3]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert not {"docker", "testcontainers", "requests"} & set(run.stdout.split())
