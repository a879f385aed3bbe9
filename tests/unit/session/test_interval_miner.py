"""Blocks in time from outside: on a node, over its restart, and past a slow answer."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

from lab.chains.nodes.backend import NodeSpec
from lab.chains.nodes.process import ProcessBackend
from lab.errors import NodeFailure
from lab.model.redacted import RedactedUrl
from lab.rpc import HttpTransport, Rpc
from lab.session.load_chains.interval_miner import interval_miner

from ..rpc.hostile import http, serving

INTERVAL_S = 0.05


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
    return Rpc(HttpTransport(url, timeout_s=600)).block_number()


def stands_still(url: str) -> bool:
    """No block comes for several block times, once the one under way is there."""

    def unchanged() -> bool:
        head = head_of(url)
        time.sleep(0.4)
        return head_of(url) == head

    return within(120, unchanged)


def test_blocks_come_also_after_a_restart(open_backend: ProcessBackend) -> None:
    """The node comes back under another address, and nobody tells the miner."""
    (node,) = open_backend.start_all([NodeSpec("n", "run", ("--no-mining",))])
    try:
        with interval_miner(lambda: RedactedUrl(node.url), 100) as miner:
            assert within(120, lambda: head_of(node.url) >= 3)
            node.kill()
            node.restart()
            assert within(120, lambda: head_of(node.url) >= 3)
            miner.pause()
            assert stands_still(node.url)
            miner.resume()
            head = head_of(node.url)
            assert within(120, lambda: head_of(node.url) > head)
            miner.stop()
            assert stands_still(node.url)
    finally:
        node.stop()


def test_blocks_carry_the_second_that_they_are_made_in(open_backend: ProcessBackend) -> None:
    """Whatever the node takes for now: its own time is that of its start, and behind by as long as that took."""
    (node,) = open_backend.start_all(
        [NodeSpec("n", "run", ("--no-mining", "--timestamp", str(int(time.time()) - 100)))]
    )
    try:
        rpc = Rpc(HttpTransport(node.url, timeout_s=600))
        with interval_miner(lambda: RedactedUrl(node.url), 1000):
            assert within(120, lambda: rpc.block_number() >= 2)
        # What is made for it while its blocks come goes by the same time.
        assert rpc.call("evm_mine") == "0x0"
        block = rpc.block("latest")
        assert block is not None
        assert -60 < int(block["timestamp"], 16) - time.time() <= 1
    finally:
        node.stop()


def test_a_node_that_is_ahead_makes_blocks_all_the_same(open_backend: ProcessBackend) -> None:
    """Its blocks come in its own time until the clock has come up with it."""
    (node,) = open_backend.start_all(
        [NodeSpec("n", "run", ("--no-mining", "--timestamp", str(int(time.time()) + 1000)))]
    )
    try:
        with interval_miner(lambda: RedactedUrl(node.url), 100):
            assert within(120, lambda: head_of(node.url) >= 2)
    finally:
        node.stop()


def test_a_node_without_an_address_is_asked_again() -> None:
    """Between its end and its next start a node has none; the thread lives on."""
    asked = 0

    def url() -> RedactedUrl:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise NodeFailure("node n has no URL")
        return RedactedUrl(server.url)

    def mine(connection: socket.socket, request: dict[str, Any]) -> bool:
        connection.sendall(http(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": "0x0"}).encode()))
        return True

    with serving(mine) as server, interval_miner(url, int(INTERVAL_S * 1000)):
        assert within(120, lambda: bool(server.requests))


def test_what_became_due_during_a_slow_block_is_left_out() -> None:
    """Ten become due while the first block is made; what follows does not come in a row, however slow this is."""
    begun: list[float] = []

    def answer(connection: socket.socket, request: dict[str, Any]) -> bool:
        begun.append(time.monotonic())
        if len(begun) == 1:
            time.sleep(10 * INTERVAL_S)
        body = {"jsonrpc": "2.0", "id": request["id"], "result": "0x0"}
        connection.sendall(http(json.dumps(body).encode()))
        return True

    with serving(answer) as server:
        with interval_miner(lambda: RedactedUrl(server.url), int(INTERVAL_S * 1000)):
            assert within(120, lambda: len(begun) >= 8)
        assert {request["method"] for request in server.requests} == {"evm_mine"}
    # Each has an interval of its own, and the first of them may be late by less than one.
    assert begun[7] - begun[1] > 4 * INTERVAL_S
