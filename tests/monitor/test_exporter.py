"""The exporter as a process of its own: what it serves, what it logs, what it keeps, and what it refuses."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from lab.model.session import Session
from lab.scenario.item import RelayerSpec
from lab.session.lab import Lab
from tests.unit.conftest import StartLab
from tests.unit.real_chains import buffer, tx_id
from tests.unit.real_chains import send as send_call

from .conftest import WAIT_S, Export

MEMORY_BYTES_MAX = 60_000_000


def write_session(lab: Lab, folder: Path) -> Path:
    """The session file of a lab on real chains."""
    urls = {name: chain.node.url for name, chain in lab.chains.items()}
    path = folder / "session.json"
    lab.session(urls, RelayerSpec(2000, "ready")).write(path)
    return path


def value(text: str, name: str, **labels: str) -> float | None:
    """One sample of an exposition, which a parser of Prometheus' own client reads."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    return None


def has(name: str, wanted: float, **labels: str) -> Callable[[int, str], bool]:
    """Whether an answer has a sample with this value."""
    return lambda status, text: value(text, name, **labels) == wanted


def test_it_serves_a_known_run_and_logs_it_whole(start_lab: StartLab, export: Export, tmp_path: Path) -> None:
    """Every transaction and event is in the log with run, chain and hash; the figures are those of the run."""
    lab = start_lab("optimism")
    hashes = [buffer(lab, "optimism", 1)]
    lab.scheduler.advance_to(10_000)
    hashes.append(send_call(lab, "optimism", "attacker", "mark_executed", tx_id(1)))
    lab.scheduler.advance_to(30_000)
    lab.chains["optimism"].look()
    exporter = export(write_session(lab, tmp_path))
    exporter.wait_for(lambda line: line.get("tx") == hashes[1])
    buffered = exporter.wait_for(lambda line: line["event"] == "TransactionBuffered")
    assert (buffered["run"], buffered["chain"], buffered["tx"], buffered["tx_id"]) == (
        "test",
        "optimism",
        hashes[0],
        tx_id(1),
    )
    assert [line["tx"] for line in exporter.lines if line["event"] == "call"][-2:] == hashes
    refused = {"chain": "optimism", "function": "mark_executed"}
    # The line is written before the answer is rendered.
    text = exporter.scrape_until(has("tesseract_unauthorized_calls_total", 1, **refused))
    assert value(text, "tesseract_transactions", chain="optimism", state="BUFFERED") == 1
    assert psutil.Process(exporter.process.pid).memory_info().rss < MEMORY_BYTES_MAX
    assert exporter.stop() == 0
    assert json.loads((tmp_path / "monitor.json").read_text())["chains"]["optimism"]["events"]
    again = export(tmp_path / "session.json")
    text = again.scrape_until(has("tesseract_chain_up", 1, chain="optimism"))
    assert value(text, "tesseract_calls_total", outcome="reverted", **refused) == 1
    # Read once, by the life before.
    assert not [line for line in again.lines if line["event"] == "call"]


def test_a_dead_node_shows_and_healthz_says_so(start_lab: StartLab, export: Export, tmp_path: Path) -> None:
    """The exporter outlives what it watches."""
    lab = start_lab("optimism")
    exporter = export(write_session(lab, tmp_path), "--interval", "1")
    exporter.scrape_until(lambda status, text: status == 200, "/healthz")
    lab.chains["optimism"].crash()
    exporter.wait_for(lambda line: line["event"] == "chain_down")
    # The line is written before the next answer is made.
    health = exporter.scrape_until(lambda status, text: status == 503, "/healthz")
    assert json.loads(health)["ok"] is False
    text = exporter.scrape_until(has("tesseract_chain_up", 0, chain="optimism"))
    assert value(text, "tesseract_chain_head_block", chain="optimism") is None
    lab.chains["optimism"].restart()


def test_a_scrape_does_not_wait_for_a_chain(start_lab: StartLab, export: Export, tmp_path: Path) -> None:
    """An endpoint that takes connections and never answers holds up its own chain only."""
    lab = start_lab("optimism", "base")
    path = write_session(lab, tmp_path)
    session = Session.read(path)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        held: list[socket.socket] = []
        accepting = threading.Thread(target=lambda: held.append(silent.accept()[0]), daemon=True)
        accepting.start()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        chains = {**session.chains, "base": session.chains["base"].model_copy(update={"rpc_url": url})}
        session.model_copy(update={"chains": chains}).write(path)
        exporter = export(path, "--interval", "1")
        text = exporter.scrape_until(has("tesseract_chain_up", 1, chain="optimism"))
        assert value(text, "tesseract_chain_head_block", chain="base") is None
        accepting.join()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"chain_id": 7}, "expected chain id 7"),
        ({"contract": "0x" + "11" * 20}, "there is no code"),
        ({"rpc_url": "ws://127.0.0.1:1"}, "expected http://HOST:PORT"),
    ],
)
def test_a_wrong_session_is_one_error(
    start_lab: StartLab, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    """Said before anything is served, with exit code 2 and no trace, with the address of its entry."""
    lab = start_lab("optimism")
    path = write_session(lab, tmp_path)
    session = Session.read(path)
    changed = session.chains["optimism"].model_copy(update=change)
    session.model_copy(update={"chains": {"optimism": changed}}).write(path)
    command = [sys.executable, "-m", "lab.cli", "monitor", "exporter", "--session", str(path), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert done.returncode == 2
    error, entry = done.stderr.splitlines()
    assert words in error
    assert re.fullmatch(r"see (/.+/)?docs/troubleshooting\.md#e-\w+", entry)


def test_a_session_of_another_version_and_a_port_taken(start_lab: StartLab, export: Export, tmp_path: Path) -> None:
    """Each is one line."""
    lab = start_lab("optimism")
    path = write_session(lab, tmp_path)
    exporter = export(path)
    port = exporter.url.split(":")[2].split("/")[0]
    command = [sys.executable, "-m", "lab.cli", "monitor", "exporter", "--session"]
    taken = subprocess.run(
        [*command, str(path), "--port", port], capture_output=True, text=True, timeout=WAIT_S, check=False
    )
    assert taken.returncode == 4
    assert "name another port" in taken.stderr
    other = tmp_path / "other.json"
    other.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 9'))
    wrong = subprocess.run([*command, str(other)], capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert wrong.returncode == 2
    assert "schema_version" in wrong.stderr
