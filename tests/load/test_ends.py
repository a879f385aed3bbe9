"""How a load ends otherwise: by Ctrl-C, by a dead node, as a run of plain Locust. The ledger balances each time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from lab.load.record.plan import START, URLS
from lab.rpc import HttpTransport, Rpc
from lab.session.up.files import UpFolder

pytestmark = pytest.mark.load

PROFILE = """
name: A load that is ended
description: Long enough to be ended.
networks: {capacity: {}}
traffic: [{kind: buffer, payload: 64B}]
shape: {kind: constant, tps: 20, duration: 3m}
criteria: {lateness_p99_max: 60s, dropped_share_max: 0.9}
"""
LOCUSTFILE = Path(__file__).parents[2] / "loadtests" / "buffer.py"


@contextmanager
def running(folder: Path, cache: Path) -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    """A load whose first transactions are in a block, and every process that it has."""
    profile = folder / "profile.yaml"
    profile.write_text(PROFILE, encoding="utf-8")
    command = [sys.executable, "-m", "lab.cli", "load", str(profile), "--results", str(folder), "--backend", "process"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    try:
        deadline = time.monotonic() + 600
        while not under_way(folder / "load"):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, "no load under way after 600 s"
            time.sleep(0.05)
        yield process, psutil.Process(process.pid).children(recursive=True)
    finally:
        process.kill()
        process.wait()


def under_way(loads: Path) -> bool:
    """Whether the generator has started and something of it is in the newest block."""
    for started in loads.glob(f"*/{START}"):
        url = json.loads((started.parent / URLS).read_text(encoding="utf-8"))["capacity"]
        block = Rpc(HttpTransport(url, timeout_s=600)).call("eth_getBlockByNumber", "latest", False)
        return bool(block["transactions"])
    return False


def load_json(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "load" / "latest" / "load.json").read_text(encoding="utf-8"))
    return found


def gone(children: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(children, timeout=600)
    return not alive


def test_ctrl_c_ends_it_with_a_report(tmp_path: Path, own_cache: Path) -> None:
    """What ran is reckoned up: everything that was sent has an end."""
    with running(tmp_path, own_cache) as (process, children):
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=600)
        assert process.returncode == 130, told
        assert gone(children)
    load = load_json(tmp_path)
    totals = load["totals"]
    assert load["outcome"] == "INTERRUPTED"
    assert 0 < totals["sent"] < 3_600
    assert totals["unexplained_count"] == 0
    assert totals["succeeded"] + totals["left_in_pool"] + totals["lost"] + totals["refused"] == totals["sent"]


def test_a_second_ctrl_c_leaves_nothing_running(tmp_path: Path, own_cache: Path) -> None:
    """At once, without a report."""
    with running(tmp_path, own_cache) as (process, children):
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=600)
        assert process.returncode != 0
        assert gone(children)


def test_a_node_that_dies_ends_the_run_and_names_what_was_in_flight(tmp_path: Path, own_cache: Path) -> None:
    """A report is written all the same; nothing is claimed of what nobody can know."""
    with running(tmp_path, own_cache) as (process, children):
        for child in children:
            if "anvil" in child.name():
                child.kill()
        told, _ = process.communicate(timeout=600)
        assert process.returncode in (1, 3), told
        assert gone(children)
    load = load_json(tmp_path)
    ledger = load["chains"]["capacity"]["ledger"]
    assert "node capacity died while load ran" in load["problems"][0]
    assert ledger["unexplained_count"] == 0
    assert ledger["in_flight"] == 0 or ledger["in_flight_examples"][0].startswith("leg 0, sender ")
    assert ledger["mined"] + ledger["in_flight"] + ledger["lost"] + ledger["refused"] == ledger["sent"]


@pytest.fixture
def networks(tmp_path: Path) -> Iterator[Path]:
    """A running `lab up`; its session file."""
    lab = [sys.executable, "-m", "lab.cli"]
    where = ["--results", str(tmp_path)]
    subprocess.run(
        [*lab, "up", "base", "two=base", "--backend", "process", "--no-relayer", *where],
        check=True,
        capture_output=True,
        timeout=600,
    )
    yield UpFolder(tmp_path).path / "session.json"
    subprocess.run([*lab, "down", *where], check=True, capture_output=True, timeout=600)


def test_plain_locust_finds_a_running_lab(networks: Path, tmp_path: Path, own_cache: Path) -> None:
    """The plain command, on two processes, against what `lab up` keeps running: same ledger, same report."""
    options = ["--processes", "2", "--lab-session", str(networks), "--lab-tps", "40", "--lab-duration", "5s"]
    command = [
        sys.executable,
        "-m",
        "locust",
        "-f",
        str(LOCUSTFILE),
        "--headless",
        "--only-summary",
        *options,
        "--lab-results",
        str(tmp_path),
    ]
    environment = {**os.environ, "XDG_CACHE_HOME": str(own_cache)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=environment)
    load = load_json(tmp_path)
    assert load["workers"] == load["generator"]["workers"] == 2, done.stderr
    assert load["totals"]["offered"] == 200
    assert load["totals"]["succeeded"] == load["totals"]["sent"]
    assert load["totals"]["unexplained_count"] == 0
    assert load["problems"] == []
    assert (tmp_path / "load" / "latest" / "report.html").is_file()
