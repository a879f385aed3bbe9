"""Mines a chain's blocks from outside, one each block time, in a thread of its own.

Anvil's own interval mining does the same, and keeps up to 1,500 states in memory where blocks are two seconds apart or
less, whatever `--prune-history` says: at a thousand transactions a second a node then held 6 GiB after 150,000 of them,
and died of 23 GiB after 318,000 (measured on 1.7.1).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from lab.rpc import HttpTransport, RpcFailure

ANSWER_S = 30.0


@contextmanager
def metronome(url: Callable[[], str], block_time_ms: int) -> Iterator[Callable[[], None]]:
    """Mine while the context lasts, or until the function that it gives is called, which returns at once.

    `url` is asked before each block: the node may have been started anew.
    A block that is due while the one before is still being made is left out, as a network would.
    """
    stopping = threading.Event()
    thread = threading.Thread(target=_beat, args=(url, block_time_ms / 1000, stopping), daemon=True, name="metronome")
    thread.start()
    try:
        yield stopping.set
    finally:
        stopping.set()
        thread.join(ANSWER_S)


def _beat(url: Callable[[], str], block_time_s: float, stopping: threading.Event) -> None:
    begun, beats = time.monotonic(), 0
    transport: HttpTransport | None = None
    while True:
        beats = max(beats + 1, int((time.monotonic() - begun) / block_time_s))
        if stopping.wait(max(0.0, begun + beats * block_time_s - time.monotonic())):
            break
        now = url()
        if transport is None or transport.url != now:
            transport = HttpTransport(now, timeout_s=ANSWER_S)
        # A node that is down makes no blocks; whoever watches it says so.
        with suppress(RpcFailure):
            transport.call("evm_mine", [])
    if transport is not None:
        transport.close()
