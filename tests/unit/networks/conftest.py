"""A bare Anvil per test: the profiles are tried on the node itself, with nothing of the lab in between."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.chains.nodes.provision import locate_anvil
from lab.networks.anvil import anvil_args
from lab.networks.profile import NetworkProfile

GENESIS = 1_800_000_000
DEADLINE_S = 600


class Node:
    """JSON-RPC to one node; an error answer raises RuntimeError."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def __call__(self, method: str, *params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as reply:
            answer = json.load(reply)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def number(self, method: str, *params: Any) -> int:
        return int(self(method, *params), 16)


@contextmanager
def started(binary: Path, arguments: tuple[str, ...], folder: Path) -> Iterator[Node]:
    """Anvil on a port of its own choice."""
    log = folder / "anvil.log"
    command = [str(binary), *arguments, "--host", "127.0.0.1", "--port", "0", "--cache-path", str(folder)]
    # With `--silent` nothing would say which port the node took.
    command.remove("--silent")
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + DEADLINE_S
        while "Listening on 127.0.0.1:" not in (said := log.read_text(errors="replace")):
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"anvil did not start with {' '.join(command)}: {said[-2000:]}")
            time.sleep(0.02)
        yield Node(int(said.split("Listening on 127.0.0.1:")[1].split()[0]))
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def anvil() -> Path:
    return locate_anvil().path


@pytest.fixture
def start(anvil: Path, tmp_path: Path) -> Iterator[Callable[[NetworkProfile], Node]]:
    """Starts a node with a profile's own arguments; it ends with the test."""
    with ExitStack() as nodes:
        yield lambda profile: nodes.enter_context(started(anvil, anvil_args(profile, genesis_time=GENESIS), tmp_path))
