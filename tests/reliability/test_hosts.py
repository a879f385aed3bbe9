"""Load from three hosts, each a network namespace; one is cut off in the middle, and the ledger balances."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lab.chains.nodes.provision import locate_anvil
from lab.paths import LOADTESTS
from lab.traffic.book import NEVER, Book, read_attempts

from .namespaces import Hosts, why_not

pytestmark = [pytest.mark.load, pytest.mark.real_clock, pytest.mark.reliability]
WORKERS, SECONDS, TPS = 3, 14, 15
PATIENCE_S = 120.0
PROFILE = f"""
name: Three hosts
description: One of them is cut off in the middle.
networks: {{capacity: {{}}}}
traffic: [{{kind: buffer, payload: 64B}}]
shape: {{kind: constant, tps: {TPS}, duration: {SECONDS}s}}
criteria: {{throughput_tps_min: 0.1, throughput_over: 5s, lateness_p99_max: 60s, dropped_share_max: 0.9}}
"""


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    """A hub and three others."""
    if (why := why_not()) is not None:
        pytest.skip(why)
    with closing(Hosts(WORKERS)) as opened:
        opened.open()
        yield opened


def test_a_worker_that_is_cut_off(hosts: Hosts, tmp_path: Path) -> None:
    """What it had sent before counts, what it could not send is lost by name, and the others are not held up."""
    url, shared = f"http://{hosts.address}.1:8545", tmp_path / "shared"
    shared.mkdir()
    (profile := tmp_path / "profile.yaml").write_text(PROFILE)
    node = [str(locate_anvil().path), "--host", "0.0.0.0", "--silent", "--block-time", "1", "--chain-id", "31337"]
    node += ["--gas-limit", "2000000000", "--base-fee", "500000000", "--cache-path", str(tmp_path / "anvil")]
    hosts.start(hosts.hub, node, tmp_path / "node.log")
    locust = [sys.executable, "-m", "locust", "-f", str(LOADTESTS / "locustfile.py")]
    leading = ["--master", "--master-bind-host", "0.0.0.0", "--expect-workers", str(WORKERS), "--headless"]
    session = shared / "session.json"
    environment = {
        "LAB_PROFILE": str(profile),
        "LAB_SESSION": str(session),
        "LAB_RESULTS": str(shared / "results"),
    }
    master = hosts.start(
        hosts.hub,
        [
            *(sys.executable, "-m", "lab.load.prepare.deploy", "--chain", f"capacity=capacity={url}"),
            *("--out", str(session), "sh", "-c"),
            f"exec {shlex.join([*locust, *leading, '--only-summary'])}",
        ],
        tmp_path / "master.log",
        **environment,
    )
    for number in range(1, WORKERS + 1):
        words = [*locust, "--worker", "--master-host", f"{hosts.address}.1"]
        hosts.start(hosts.host(number), words, tmp_path / f"worker-{number}.log", **environment)
    folder = until(lambda: begun(shared / "results" / "load"), tmp_path)
    time.sleep(4)
    hosts.cut(2)
    until(lambda: master.poll() is not None, tmp_path)
    said = (tmp_path / "master.log").read_text()
    assert master.returncode == 3, said
    load: dict[str, Any] = json.loads((folder / "load.json").read_text())
    assert (load["outcome"], load["unexplained"], load["problems"]) == ("INVALID", [], []), load["invalid"]
    (lost,) = [reason for reason in load["invalid"] if "cut off from the master" in reason]
    sent, unanswered = map(int, re.findall(r"sent (\d+) transactions, (\d+) of them without an answer", lost)[0])
    assert lost in said

    totals = load["totals"]
    assert totals["offered"] == totals["sent"] + totals["dropped"]
    assert totals["sent"] == totals["succeeded"] + totals["lost"] + totals["refused"] + totals["reverted"]
    # One on its way when the cable was cut may be mined all the same.
    assert 0 < totals["lost"] <= unanswered < sent < totals["sent"]
    rank = re.findall(r"generator worker (\d) of 0 to 2", lost)[0]
    for other in {0, 1, 2} - {int(rank)}:
        book = Book().read(read_attempts(folder / f"attempts-{other}.bin"))
        assert (book.rows["accepted_us"] != NEVER).all()
    assert (folder / "report.html").read_text().count("cut off from the master") >= 1


def begun(loads: Path) -> Path | None:
    """The folder of a run to which all workers have sent something."""
    for folder in loads.glob("2*"):
        attempts = list(folder.glob("attempts-*.bin"))
        if sum(path.stat().st_size > 0 for path in attempts) == WORKERS and (folder / "start.json").is_file():
            return folder
    return None


def until(happened: Any, folder: Path) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (value := happened()):
        logs = "\n".join(f"{path.name}: {path.read_text()[-1500:]}" for path in folder.glob("*.log"))
        assert time.monotonic() < deadline, logs
        time.sleep(0.1)
    return value
