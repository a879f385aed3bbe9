"""Load from three hosts, each a network namespace, of which one is cut off in the middle: the ledger balances all the same."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lab.chains.nodes.provision import locate_anvil
from lab.paths import LOADTESTS
from lab.traffic.attempts import read_attempts

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
    locust = f"{sys.executable} -m locust -f {LOADTESTS / 'locustfile.py'}"
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
            f"exec {locust} --master --master-bind-host 0.0.0.0 --expect-workers {WORKERS} --headless --only-summary",
        ],
        tmp_path / "master.log",
        **environment,
    )
    for number in range(1, WORKERS + 1):
        words = [*locust.split(), "--worker", "--master-host", f"{hosts.address}.1"]
        hosts.start(hosts.host(number), words, tmp_path / f"worker-{number}.log", **environment)
    folder = until(lambda: begun(shared / "results" / "load"), tmp_path)
    time.sleep(4)
    hosts.cut(2)
    until(lambda: master.poll() is not None, tmp_path)
    print("took", time.monotonic())
    load: dict[str, Any] = json.loads((folder / "load.json").read_text())
    print(json.dumps({k: v for k, v in load.items() if k in ("outcome", "invalid", "unexplained", "problems", "totals", "generator")}, indent=1))
    print((tmp_path / "master.log").read_text())
    assert False
    assert not list(read_attempts(folder))


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
