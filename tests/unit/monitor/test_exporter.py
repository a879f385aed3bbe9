"""Parts of the exporter without its process: the position that it keeps, the relayer's address, the log."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from lab.bounded_files import JSON_BYTES_MAX
from lab.chains.processes.python_child import python_command
from lab.commands.monitor.exporting import _answers
from lab.monitor.collect.collector import MEMORY, Memory, Watch, identity_of
from lab.monitor.collect.facts import OPEN_MAX, Book, Entry
from lab.monitor.collect.json_log import JsonLog
from lab.monitor.collect.memory import ChainMemory
from lab.monitor.exporter import Exporter
from tests.unit.conftest import StartLab

from .watching import Watched


def test_a_position_with_all_that_can_be_open_is_read_again(start_lab: StartLab, tmp_path: Path) -> None:
    """As many open transactions as are remembered, on two chains: what an exporter writes it also reads."""
    session = Watched(start_lab("optimism", "base")).session
    entry = Entry("BUFFERED", "0x" + "11" * 20, "0x" + "22" * 32, 1_800_000_000, 1_800_000_000)
    book = Book({f"0x{number:064x}": entry for number in range(OPEN_MAX)})
    chains = {
        name: ChainMemory(chain.network, final_book=book, head_book=book) for name, chain in session.chains.items()
    }
    position = tmp_path / "monitor.json"
    position.write_bytes(MEMORY.dump_json(Memory(identity_of(session), chains, {}, version=1)))
    assert position.stat().st_size > JSON_BYTES_MAX
    exporter = Exporter(session, Watch(now_s=lambda: 1_800_000_000.0), position=position)
    assert [len(chain.memory.head_book.open) for chain in exporter.collector.chains.values()] == [OPEN_MAX] * 2


@pytest.mark.parametrize(
    ("answer", "alive"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n", False),
        (b"SSH-2.0-OpenSSH_9.2\r\n", False),
        (b"", False),
    ],
)
def test_what_a_relayer_s_address_answers(answer: bytes, alive: bool) -> None:
    """200 is alive; anything else is not, words that are no HTTP included."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        assert _answers(f"http://127.0.0.1:{listener.getsockname()[1]}/relayer")() is alive
        thread.join()


def test_a_line_of_the_log_is_written_before_the_next() -> None:
    """Two threads that log at once do not end up in one line."""
    steps: list[str] = []

    def write(line: str) -> None:
        steps.append("begin")
        time.sleep(0.01)
        steps.append("end")

    log = JsonLog("run", write)
    threads = [threading.Thread(target=log, kwargs={"event": "call"}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert steps == ["begin", "end"] * 4


def test_a_process_that_exports_has_little_else_in_memory() -> None:
    """No options of commands, no library of keys, no alerts or pages: each takes memory for as long as it lives."""
    script = "import sys, lab.commands.monitor.exporting; print(*sys.modules)"
    done = subprocess.run(python_command("-c", script), capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "lab.monitor.exporter" in loaded
    others = ("typer", "coincurve", "wallycore", "rlp", "psutil", "lab.cli", "lab.report", "lab.monitor.alerting")
    assert [name for name in others if name in loaded] == []
