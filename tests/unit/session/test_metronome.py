"""Blocks in time from outside: on a node, over its restart, and past a slow answer."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

from lab.chains.backend import NodeSpec
from lab.chains.process import ProcessBackend
from lab.rpc import HttpTransport, Rpc
from lab.session.metronome import metronome

from ..rpc.hostile import Server, http, serving


def within(seconds: float, what: Any) -> bool:
    """Whether it comes true in this time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False


def head_of(url: str) -> int:
    """The node's block number."""
    return Rpc(HttpTransport(url)).block_number()


def stands_still(url: str) -> bool:
    """No block comes any more, once the one under way is there."""
    time.sleep(0.2)
    head = head_of(url)
    time.sleep(0.4)
    return head_of(url) == head


def test_blocks_come_also_after_a_restart(shared_backend: ProcessBackend) -> None:
    """The node comes back under another address, and nobody tells the metronome."""
    (node,) = shared_backend.start_all([NodeSpec("n", "run", ("--no-mining",))])
    try:
        with metronome(lambda: node.url, 100) as beat:
            assert within(20, lambda: head_of(node.url) >= 3)
            node.kill()
            node.restart()
            assert within(20, lambda: head_of(node.url) >= 3)
            beat.hold()
            assert stands_still(node.url)
            beat.go_on()
            head = head_of(node.url)
            assert within(20, lambda: head_of(node.url) > head)
            beat.stop()
            assert stands_still(node.url)
    finally:
        node.stop()


def test_what_became_due_during_a_slow_block_is_left_out() -> None:
    """Ten beats of 50 ms, and a node that takes 200 ms for a block: two or three, not ten in a row afterwards."""

    def slowly(connection: socket.socket, request: dict[str, Any]) -> bool:
        time.sleep(0.2)
        body = {"jsonrpc": "2.0", "id": request["id"], "result": "0x0"}
        connection.sendall(http(json.dumps(body).encode()))
        return True

    with serving(slowly) as server:
        beaten(server)
        assert 2 <= len(server.requests) <= 4
        assert {request["method"] for request in server.requests} == {"evm_mine"}


def beaten(server: Server) -> None:
    """Half a second of it."""
    with metronome(lambda: server.url, 50):
        time.sleep(0.5)
