"""Mines a chain's blocks from outside, one each block time, in a thread of its own.

A block is made when a whole number of block times has passed since the epoch, and carries that second, as a slot does.
A node's own time is behind by as long as it took to start: by that much later everything would be due.

Anvil's own interval mining does the same, and keeps up to 1,500 states in memory where blocks are two seconds apart or
less, whatever `--prune-history` says: at a thousand transactions a second a node then held 6 GiB after 150,000 of them,
and died of 23 GiB after 318,000 (measured on 1.7.1).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from lab.errors import NodeFailure
from lab.model.redacted import RedactedUrl
from lab.rpc import HttpTransport, RpcFailure, RpcRefused

ANSWER_S = 30.0


class IntervalMiner:
    """Mines one chain in a thread. What is due while a block is being made is left out, as on a network."""

    def __init__(self, url: Callable[[], RedactedUrl], block_time_ms: int) -> None:
        self._url, self._block_time_s = url, block_time_ms / 1000
        self._stopping, self._paused = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._mine, daemon=True, name="interval-miner")

    def start(self) -> None:
        """Mine from now on."""
        self._thread.start()

    def stop(self) -> None:
        """No more blocks, for good. Returns at once."""
        self._stopping.set()

    def pause(self) -> None:
        """No more blocks until `resume`."""
        self._paused.set()

    def resume(self) -> None:
        """Mine again."""
        self._paused.clear()

    def close(self) -> None:
        """Stop, and wait for a block that is being made."""
        self.stop()
        self._thread.join(ANSWER_S)

    def _mine(self) -> None:
        # A clock that is set meanwhile neither stops the blocks nor makes many at once.
        epoch = time.monotonic() - time.time()
        slot, transport = int(time.time() / self._block_time_s), None
        while True:
            slot = max(slot + 1, int((time.monotonic() - epoch) / self._block_time_s))
            due = slot * self._block_time_s
            if self._stopping.wait(max(0.0, epoch + due - time.monotonic())):
                break
            if self._paused.is_set():
                continue
            # A node that is down, or has no address yet, makes no blocks; whoever watches it says so.
            with suppress(RpcFailure, NodeFailure):
                # Asked before each block: the node may have been started anew.
                now = self._url()
                if transport is None or transport.url != now:
                    transport = HttpTransport(now, timeout_s=ANSWER_S)
                _make_block(transport, int(due))
        if transport is not None:
            transport.close()


def _make_block(transport: HttpTransport, timestamp: int) -> None:
    """One block of this second, or of the node's own choice where its head is of a later one. Raises RpcFailure."""
    try:
        transport.call("evm_mine", [timestamp])
    except RpcRefused:
        transport.call("evm_mine", [])


@contextmanager
def interval_miner(url: Callable[[], RedactedUrl], block_time_ms: int) -> Iterator[IntervalMiner]:
    """A running one, while the context lasts. `url` gives the node's address at the time."""
    running = IntervalMiner(url, block_time_ms)
    running.start()
    try:
        yield running
    finally:
        running.close()
