"""Every panel of every dashboard, asked of a real Prometheus over a known run: its values are those of the run."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.monitor import tools
from lab.monitor.alerting.alerts import Thresholds
from lab.monitor.alerting.timeline import SeriesLog, open_metrics
from lab.monitor.dashboards.boards import Query, boards
from tests.unit.conftest import StartLab
from tests.unit.monitor.watching import Watched
from tests.unit.real_chains import buffer, send, tx_id

from .conftest import WAIT_S

Values = dict[frozenset[tuple[str, str]], float]
SAMPLES = 13


class Answering:
    """A Prometheus over blocks of recorded series."""

    def __init__(self, url: str, at_s: int) -> None:
        self.url, self.at_s = url, at_s

    def ask(self, query: Query | str) -> Values:
        """The values of an instant query at the end of the run, variables filled as Grafana fills them."""
        expr = (query if isinstance(query, str) else query.expr).replace("$chain", ".*")
        words = urllib.parse.urlencode({"query": expr, "time": self.at_s})
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{words}", timeout=WAIT_S) as answer:
            found = json.load(answer)["data"]["result"]
        return {
            frozenset((k, v) for k, v in one["metric"].items() if k != "__name__"): float(one["value"][1])
            for one in found
        }


@pytest.fixture
def run(start_lab: StartLab) -> tuple[Watched, SeriesLog]:
    """Three minutes of a chain: one transaction executed, one waiting, one refused call of an attacker."""
    lab = start_lab("optimism")
    watched = Watched(lab, interval_s=15.0)
    log = SeriesLog(lab.genesis_time)
    for sample in range(SAMPLES):
        log.add(watched.at(15 * sample))
        if sample == 1:
            buffer(lab, "optimism", 1, at_s=30)
            buffer(lab, "optimism", 2, at_s=600, nonce=1)
        elif sample == 3:
            send(lab, "optimism", "operator", "resolve_dependency", tx_id(1))
        elif sample == 4:
            send(lab, "optimism", "operator", "mark_executed", tx_id(1))
            send(lab, "optimism", "attacker", "mark_executed", tx_id(2))
    return watched, log


@pytest.fixture
def prometheus(prometheus_tools: None, run: tuple[Watched, SeriesLog], tmp_path: Path) -> Iterator[Answering]:
    """The run as blocks, and Prometheus over them."""
    _, log = run
    (tmp_path / "run.om").write_text(open_metrics(log))
    code, output = tools.run(
        "promtool", ["tsdb", "create-blocks-from", "openmetrics", "run.om", "data"], folder=tmp_path
    )
    assert code == 0, output
    (tmp_path / "empty.yml").write_text("{}\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        tools.find("prometheus"),
        "--config.file=empty.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    url = f"http://127.0.0.1:{port}"
    with (tmp_path / "log").open("w") as out, subprocess.Popen(command, cwd=tmp_path, stderr=out) as process:
        try:
            _wait_ready(url, process, tmp_path / "log")
            yield Answering(url, log.start_s + (log.count - 1) * log.interval_s)
        finally:
            process.terminate()


def _wait_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=WAIT_S):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(log.read_text()[-2000:])


def test_panels_show_the_run(prometheus: Answering, run: tuple[Watched, SeriesLog]) -> None:
    """The figures that the run itself has, by another way: receipts, the contract's own count, the node's head."""
    watched, _ = run
    rpc = watched.lab.chains["optimism"].look()
    panels = {(board.uid, panel.title): panel.queries[0] for board in boards(Thresholds()) for panel in board.panels}

    def value(board: str, title: str, **labels: str) -> float | None:
        found = prometheus.ask(panels[board, title])
        return next((v for key, v in found.items() if labels.items() <= dict(key).items()), None)

    for state, count in {"BUFFERED": 1, "READY": 0, "EXECUTED": 1, "EXPIRED": 0}.items():
        assert value("transactions", "Transactions by state", state=state) == count
    for event, count in watched.receipts("optimism").items():
        assert value("transactions", "Events", event=event) == count
    assert value("networks", "Up") == 1
    assert value("networks", "Head") == rpc.block_number()
    head = rpc.block()
    assert head is not None
    assert value("networks", "Base fee") == int(head["baseFeePerGas"], 16)
    assert value("networks", "Age of the head") == prometheus.at_s - int(head["timestamp"], 16)
    assert value("security", "Unauthorised calls", function="mark_executed") == 1
    assert value("operators", "Calls", function="mark_executed", outcome="ok") == 1
    assert value("operators", "Calls", function="mark_executed", outcome="reverted") == 1
    hashes = [line["tx"] for line in watched.lines if line["event"] == "call"]
    receipts = [receipt for tx in hashes if (receipt := rpc.receipt(tx)) is not None]
    paid = sum(int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16) for receipt in receipts)
    assert value("cost", "Fees paid") == paid
    assert value("cost", "Balances", role="operator") == float(rpc.balance(watched.session.accounts["operator"]))


# What a run of one chain without a relayer has no value of.
WITHOUT_VALUE = {
    "Cross-chain time, 95%",
    "Legs that crossed",
    "Synchronisation lag",
    "Relayer's oldest job",
    "Relayer's queue",
    "Relayer",
}


def test_every_panel_has_a_value(prometheus: Answering) -> None:
    """Every query is one that Prometheus takes, and finds something where there is something."""
    for board in boards(Thresholds()):
        for panel in board.panels:
            for query in panel.queries:
                assert bool(prometheus.ask(query)) == (panel.title not in WITHOUT_VALUE), (board.uid, panel.title)
