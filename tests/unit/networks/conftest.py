"""A bare Anvil per test: the profiles are tried on the node itself, with nothing of the lab in between."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lab.networks.anvil import anvil_args
from lab.networks.profile import NetworkProfile
from tests.bare_node import DEADLINE_S, bare_node

GENESIS = 1_800_000_000


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


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[NetworkProfile], Node]]:
    """Starts a node with a profile's own arguments; it ends with the test."""

    def started(profile: NetworkProfile) -> Node:
        # With `--silent` nothing would say which port the node took.
        arguments = [word for word in anvil_args(profile, genesis_time=GENESIS) if word != "--silent"]
        return Node(nodes.enter_context(bare_node([*arguments, "--cache-path", str(tmp_path)], tmp_path / "anvil.log")))

    with ExitStack() as nodes:
        yield started
