"""Ends a node without warning while load runs, and starts it again from what was durable: its pool is lost."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from lab.errors import LabError
from lab.load.record.plan import read_urls, write_urls
from lab.rpc import HttpTransport, Rpc
from lab.session.load_chains.interval import IntervalChain

STATE_S = 300.0
STATE_BYTES_MAX = 4 << 30


class Restart:
    """A thread that restarts each chain's node once, `at` in unix time. `problem` says why it could not."""

    def __init__(self, chains: dict[str, IntervalChain], folder: Path, at: float) -> None:
        self._chains, self._folder, self._at = chains, folder, at
        self.spans: dict[str, tuple[float, float]] = {}
        self.problem: str | None = None
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="restart", daemon=True)

    def start(self) -> None:
        """Wait for the moment."""
        self._thread.start()

    def under_way(self, name: str) -> bool:
        """Whether a chain's node is down because of this."""
        return name in self.spans and self.spans[name][1] == 0.0

    def close(self) -> None:
        """Let one under way end; one that has not begun does not take place."""
        self._cancelled.set()
        self._thread.join(timeout=120)

    def _run(self) -> None:
        if self._cancelled.wait(max(0.0, self._at - time.time())):
            return
        try:
            for name, chain in self._chains.items():
                self._restart(name, chain)
        except LabError as failure:
            self.problem = f"the planned restart failed: {failure}"

    def _restart(self, name: str, chain: IntervalChain) -> None:
        assert chain.node is not None
        assert chain.miner is not None
        # No block may come between the state that is kept and the end: it would be gone, as in no real restart.
        chain.miner.pause()
        self.spans[name] = (time.time(), 0.0)
        try:
            state = _big(chain).call("anvil_dumpState", True)
            chain.node.kill()
            chain.node.restart()
            chain.reconnect()
            _big(chain).call("anvil_loadState", state)
            chain.rpc.call("evm_setTime", int(time.time()))
        finally:
            chain.miner.resume()
        write_urls(self._folder, read_urls(self._folder) | {name: chain.url})
        self.spans[name] = (self.spans[name][0], time.time())


def _big(chain: IntervalChain) -> Rpc:
    """A connection for a whole state: some kilobytes a transaction, there and back."""
    return Rpc(HttpTransport(chain.url, timeout_s=STATE_S, answer_bytes_max=STATE_BYTES_MAX))
