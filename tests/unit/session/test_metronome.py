"""Blocks in time from outside: on a node, over its restart, and past a slow answer."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

from lab.chains.nodes.backend import NodeSpec
from lab.chains.nodes.process import ProcessBackend
from lab.errors import NodeFailure
from lab.rpc import HttpTransport, Rpc
from lab.session.load_chains.interval_miner import metronome

from ..rpc.hostile import http, serving

BEAT_S = 0.05


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
    """No block comes for several block times, once the one under way is there."""

    def unchanged() -> bool:
        head = head_of(url)
        time.sleep(0.4)
        return head_of(url) == head

    return within(20, unchanged)


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


def test_a_node_without_an_address_is_asked_again() -> None:
    """Between its end and its next start a node has none; the thread lives on."""
    asked = 0

    def url() -> str:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise NodeFailure("node n has no URL")
        return server.url

    def mine(connection: socket.socket, request: dict[str, Any]) -> bool:
        connection.sendall(http(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": "0x0"}).encode()))
        return True

    with serving(mine) as server, metronome(url, int(BEAT_S * 1000)):
        assert within(20, lambda: bool(server.requests))


def test_what_became_due_during_a_slow_block_is_left_out() -> None:
    """Ten beats become due while the first block is made; what follows does not come in a row, however slow this is."""
    begun: list[float] = []

    def answer(connection: socket.socket, request: dict[str, Any]) -> bool:
        begun.append(time.monotonic())
        if len(begun) == 1:
            time.sleep(10 * BEAT_S)
        body = {"jsonrpc": "2.0", "id": request["id"], "result": "0x0"}
        connection.sendall(http(json.dumps(body).encode()))
        return True

    with serving(answer) as server:
        with metronome(lambda: server.url, int(BEAT_S * 1000)):
            assert within(20, lambda: len(begun) >= 8)
        assert {request["method"] for request in server.requests} == {"evm_mine"}
    # Each has a beat of its own, and the first of them may be late by less than one.
    assert begun[7] - begun[1] > 4 * BEAT_S
