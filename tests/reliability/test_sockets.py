"""What listens while the lab works: every socket on this machine's loopback address, and no two loads meet."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psutil
import pytest
import typer
import yaml

import lab
from lab.chains.nodes.backend import NodeSpec
from lab.chains.nodes.process import ProcessBackend
from lab.cli import app
from lab.load.record.plan import START
from lab.paths import COMPOSE, LOADTESTS
from lab.session.up.files import UpFolder

from .dask_cluster import DaskCluster
from .mutants import SEED, commands, count
from .victims import CHAIN_ID, Place, victims

pytestmark = [pytest.mark.reliability, pytest.mark.load]

LOOPBACK = {"127.0.0.1", "::1"}
LAB = [sys.executable, "-m", "lab.cli"]
PROFILE = """
name: A load that listens
description: Several workers, long enough to be looked at.
networks: {capacity: {}}
traffic: [{kind: buffer, payload: 0B}]
shape: {kind: constant, tps: 10, duration: 3m}
workers: 2
criteria: {lateness_p99_max: 60s, dropped_share_max: 0.9}
"""


def listening(root: int) -> dict[str, set[int]]:
    """Address -> ports that a process and all its descendants listen on."""
    sockets: dict[str, set[int]] = {}
    for process in (psutil.Process(root), *psutil.Process(root).children(recursive=True)):
        try:
            connections = process.net_connections("inet")
        except psutil.Error:
            continue
        for connection in connections:
            if connection.status == psutil.CONN_LISTEN:
                sockets.setdefault(connection.laddr.ip, set()).add(connection.laddr.port)
    return sockets


@contextmanager
def started(command: list[str], folder: Path, cache: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command of the lab; ended as Ctrl-C ends it, and killed where that does not help."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, cwd=folder)
        try:
            yield process
        finally:
            children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for child in psutil.wait_procs(children, timeout=10)[1]:
                child.kill()


def ports_of(results: Path) -> set[int]:
    """Of the nodes that `lab up` keeps running."""
    session = json.loads((UpFolder(results).path / "session.json").read_text())
    return {int(chain["rpc_url"].rpartition(":")[2]) for chain in session["chains"].values()}


def load_command(folder: Path, *more: str) -> list[str]:
    """`lab load` on nodes of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "profile.yaml").write_text(PROFILE, encoding="utf-8")
    return [*LAB, "load", "profile.yaml", "--results", str(folder), "--backend", "process", *more]


def await_start(process: subprocess.Popen[bytes], folder: Path) -> Path:
    """The run's folder, once its load has begun."""
    deadline = time.monotonic() + 600
    while not (begun := list((folder / "load").glob(f"*/{START}"))):
        assert process.poll() is None, (folder / "output.txt").read_text(errors="replace")
        assert time.monotonic() < deadline, "no load began within 600 s"
        time.sleep(0.1)
    return begun[0].parent


def test_two_loads_at_once(tmp_path: Path, own_cache: Path) -> None:
    """With two workers each, one of them with a web page: each keeps to its own ports, and to its own workers."""
    first, second = tmp_path / "first", tmp_path / "second"
    with ExitStack() as stack:
        one = stack.enter_context(started(load_command(first), first, own_cache))
        two = stack.enter_context(started(load_command(second, "--web"), second, own_cache))
        folders = [await_start(one, first), await_start(two, second)]
        sockets = [listening(one.pid), listening(two.pid)]
        for found in sockets:
            assert set(found) <= LOOPBACK, found
        ports = [set().union(*found.values()) for found in sockets]
        # A node, a Locust master; the web page beside them.
        assert len(ports[0]) >= 2
        assert len(ports[1]) >= 3
        assert not ports[0] & ports[1]
        assert [json.loads((folder / START).read_text())["workers"] for folder in folders] == [2, 2]


def test_plain_locust_with_a_web_page(tmp_path: Path, own_cache: Path) -> None:
    """The documented command, beside a `lab up`: neither is on another interface."""
    up = [*LAB, "up", "base", "--backend", "process", "--results", str(tmp_path)]
    down = [*LAB, "down", "--results", str(tmp_path)]
    try:
        subprocess.run(up, check=True, capture_output=True, timeout=600)
        locustfile = ["-f", str(LOADTESTS / "buffer.py"), "--processes", "2"]
        session = ["--lab-session", str(UpFolder(tmp_path).path / "session.json"), "--lab-results", str(tmp_path)]
        command = [sys.executable, "-m", "locust", *locustfile, *session]
        with started(command, tmp_path / "locust", own_cache) as process:
            deadline = time.monotonic() + 600
            # The page and the master's port for its workers.
            while sum(map(len, listening(process.pid).values())) < 2:
                assert process.poll() is None, (tmp_path / "locust" / "output.txt").read_text(errors="replace")
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert set(listening(process.pid)) <= LOOPBACK
            nodes = {
                connection.laddr.ip
                for connection in psutil.net_connections("inet")
                if connection.status == psutil.CONN_LISTEN
                and connection.laddr
                and connection.laddr.port in ports_of(tmp_path)
            }
            assert nodes == {"127.0.0.1"}
    finally:
        subprocess.run(down, check=False, capture_output=True, timeout=600)


@pytest.fixture
def node(shared_backend: ProcessBackend) -> Iterator[str]:
    """A chain of Sepolia's id."""
    (one,) = shared_backend.start_all([NodeSpec("sepolia", "sockets", ("--chain-id", str(CHAIN_ID)))])
    try:
        yield one.url
    finally:
        one.stop()


def await_sockets(process: subprocess.Popen[bytes], folder: Path, wanted: int) -> dict[str, set[int]]:
    """All sockets, once so many listen."""
    deadline = time.monotonic() + 600
    while sum(map(len, (sockets := listening(process.pid)).values())) < wanted:
        assert process.poll() is None, (folder / "output.txt").read_text(errors="replace")
        assert time.monotonic() < deadline, sockets
        time.sleep(0.1)
    return sockets


@pytest.mark.prometheus
def test_monitoring_and_explorers(node: str, tmp_path: Path, own_cache: Path, prometheus_tools: None) -> None:
    """Exporter, Prometheus and Alertmanager, which would meet others of its kind; and an explorer for rehearsals."""
    place = Place(tmp_path, tmp_path / "results", node)
    words = [*LAB, *victims(docker=False)["monitor up"].words[1:], *victims(docker=False)["monitor up"].prepare(place)]
    with started(words, tmp_path / "monitor", own_cache) as process:
        assert set(await_sockets(process, tmp_path / "monitor", 3)) <= LOOPBACK
    with started([*LAB, "live", "explorer", "--chain", f"1={node}"], tmp_path / "explorer", own_cache) as process:
        assert set(await_sockets(process, tmp_path / "explorer", 1)) <= LOOPBACK


def test_a_rehearsal(node: str, tmp_path: Path, own_cache: Path) -> None:
    """Nodes, failing endpoints and an explorer, looked at until it ends."""
    victim = victims(docker=False)["live rehearse"]
    words = [*LAB, *victim.words[1:], *victim.prepare(Place(tmp_path, tmp_path / "results", node))]
    seen: dict[str, set[int]] = {}
    words = [str(tmp_path / word) if word == "deployment.yaml" else word for word in words]
    with started([*words, str(tmp_path / "deployment.yaml")], tmp_path / "rehearsal", own_cache) as process:
        while process.poll() is None:
            for address, ports in listening(process.pid).items():
                seen.setdefault(address, set()).update(ports)
            time.sleep(1)
    assert process.returncode == 0, (tmp_path / "rehearsal" / "output.txt").read_text(errors="replace")
    assert set(seen) <= LOOPBACK
    assert sum(map(len, seen.values())) >= 3


def test_a_swarm_on_a_cluster(tmp_path: Path, own_cache: Path) -> None:
    """`lab swarm --engine dask` and all that its tasks start on a worker of the user's own, which is on loopback."""
    (tmp_path / "cluster").mkdir()
    words = ["swarm", "--seeds", "6", "--engine", "dask", "--scheduler"]
    with closing(DaskCluster(tmp_path / "cluster")) as cluster:
        scheduler = cluster.start_scheduler()
        worker = cluster.start_worker("one", XDG_CACHE_HOME=str(own_cache))
        command = [*LAB, *words, cluster.address, "--results", str(tmp_path)]
        seen: dict[int, dict[str, set[int]]] = {scheduler.pid: {}, worker.pid: {}}
        with started(command, tmp_path / "swarm", own_cache) as process:
            seen[process.pid] = {}
            while process.poll() is None:
                for root, sockets in seen.items():
                    for address, ports in (listening(root) if psutil.pid_exists(root) else {}).items():
                        sockets.setdefault(address, set()).update(ports)
                time.sleep(0.1)
        assert process.returncode in (0, 1, 3), (tmp_path / "swarm" / "output.txt").read_text(errors="replace")
    assert {address for sockets in seen.values() for address in sockets} <= LOOPBACK, seen
    assert seen[scheduler.pid]
    assert seen[worker.pid]
    assert "1 took part" in (tmp_path / "swarm" / "output.txt").read_text(errors="replace")


# Command -> the test above, or the victim below, that looks at what it listens on.
LISTENING = {
    "load": "test_two_loads_at_once",
    "up": "test_plain_locust_with_a_web_page",
    "monitor exporter": "test_monitoring_and_explorers",
    "monitor up": "test_monitoring_and_explorers",
    "live explorer": "test_monitoring_and_explorers",
    "live rehearse": "test_a_rehearsal",
    "swarm": "swarm",
    "mutate": "mutate",
}
# Those that start nodes by the same backend, for a smoke run, a simulation or a check, and nothing else that listens.
NODES_ALONE = {"doctor", "contract", "live estimate", "live smoke"}
# Those that read and write files, or ask endpoints that others run.
SILENT = {
    "networks", "analyse", "init", "lint", "schema", "check", "merge", "status", "down", "report", "causes", "attest",
    "freeze", "sign", "bundle", "verify", "prune", "image build", "checklist import",
    "monitor config", "monitor maintenance", "monitor page",
    "live init", "live schema", "live plan", "live deploy", "live status", "live session", "live verify",
    "safe propose", "safe show", "safe sign", "safe merge", "safe status", "safe execute", "safe publish", "safe fetch",
    "ops pause", "ops unpause", "ops revoke", "ops drift", "ops health", "ops backup", "ops restore", "ops migrate",
    "ops operators list", "ops operators add", "ops operators remove", "ops operators sync",
    "ops rotate relayer", "ops rotate operator", "ops rotate owner", "ops maintenance begin", "ops maintenance end",
}  # fmt: skip
# Modules of the lab that open a socket for others -> the commands through which that is looked at.
OPENERS = {
    "chains/nodes/process.py": "nodes: every one of them",
    "commands/monitor/up.py": "monitor up",
    "faults/transport/proxy.py": "the relayer's endpoint: load, up, live rehearse, and pytest below",
    "live/explorer/server.py": "live explorer, live rehearse",
    "live/rehearsal/endpoint.py": "live rehearse",
    "live/rehearsal/signing.py": "live rehearse",
    "monitor/exporter.py": "monitor exporter",
    "monitor/servers.py": "a port that is free, closed again",
    "session/doctor.py": "a port that is free, closed again",
    "relayer/metrics.py": "the relayer's own metrics",
}
OPENS = re.compile(r"create_server\(|start_server\(|start_http_server\(|TCPSite\(|HTTPServer[()]|\.listen\(")
WATCHED = ("pytest", "pytest on the wall clock", "swarm", "mutate")


def test_no_command_is_forgotten() -> None:
    """A new one is named here, with what looks at its sockets, as is every module that opens one."""
    names = {" ".join(words) for words, _ in commands(typer.main.get_command(app))}
    assert names == {*LISTENING, *NODES_ALONE, *SILENT}
    assert all(by in globals() or by in WATCHED for by in LISTENING.values())
    root = Path(lab.__file__).parent
    opening = {path.relative_to(root).as_posix() for path in root.rglob("*.py") if OPENS.search(path.read_text())}
    assert opening == set(OPENERS)


@pytest.mark.parametrize("name", random.Random(SEED).sample(WATCHED, min(len(WATCHED), count(1))))
def test_runs_listen_on_loopback(name: str, tmp_path: Path, own_cache: Path, shared_backend: ProcessBackend) -> None:
    """Scenarios on both clocks, and the workers of searches, from their start on."""
    victim = victims(docker=False)[name]
    place = Place(tmp_path, tmp_path / "results", "")
    words = [sys.executable, "-m", *victim.words, *victim.prepare(place)]
    seen: dict[str, set[int]] = {}
    with started(words, tmp_path / "work", own_cache) as process:
        deadline = time.monotonic() + 10
        while process.poll() is None and time.monotonic() < deadline:
            for address, ports in listening(process.pid).items():
                seen.setdefault(address, set()).update(ports)
            time.sleep(0.2)
    assert set(seen) <= LOOPBACK, seen


def test_compose_publishes_on_loopback_only() -> None:
    """Every published port, and everything that shares the machine's network."""
    for file in sorted(COMPOSE.glob("*.yml")):
        documents = list(yaml.safe_load_all(file.read_text()))
        if "apiVersion" in documents[0]:
            # Of Kubernetes, which opens no port of a host unless it is told to.
            assert "hostPort" not in file.read_text()
            assert "hostNetwork" not in file.read_text()
            continue
        for name, service in documents[0]["services"].items():
            assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", ())), (file, name)
            if service.get("network_mode") == "host":
                said = " ".join(map(str, [*service.get("command", ()), *service.get("environment", {}).values()]))
                assert "127.0.0.1" in said, (file, name)


def test_a_generator_worker_that_is_killed(tmp_path: Path, own_cache: Path) -> None:
    """The run ends early and INVALID with exit code 3: what it measured is no system's failure, and no row passes."""
    with started(load_command(tmp_path), tmp_path, own_cache) as process:
        folder = await_start(process, tmp_path)
        (locust,) = [
            child
            for child in psutil.Process(process.pid).children(recursive=True)
            if "lab.load.generator.locust_main" in child.cmdline()
            and not any("keeper.py" in word for word in child.cmdline())
            and child.children()
        ]
        time.sleep(1)
        locust.children()[0].kill()
        assert process.wait(600) == 3, (tmp_path / "output.txt").read_text(errors="replace")
    load = json.loads((folder / "load.json").read_text())
    assert load["outcome"] == "INVALID"
    assert load["invalid"][0].startswith("1 of 2 generator workers died")
    rows = json.loads((folder / "rows.json").read_text())["rows"]
    assert {row["verdict"] for row in rows} <= {"UNKNOWN", "INFEASIBLE"}
