"""Watches chains while load runs: one fetch for each block, the moment it was seen, and how late that may be.

A block appeared between the last answer that did not show it and the first that did. The later moment is taken as its
time, the distance is the error bound. Receipts are left for afterwards: fetched while load runs they flood the node.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.bounded_files import open_regular
from lab.model.redacted import RedactedUrl
from lab.rpc import HttpTransport, Rpc, RpcFailure
from lab.traffic.hashes import BYTES

POLL_S = 0.01
# Where blocks come by the clock, nobody asks before the next one may be there; one seen late makes the next one early.
QUIET_SHARE, EARLY_S = 0.9, 0.3
PROBE_TIMEOUT_S = 5.0
DOWN_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class SeenBlock:
    """A block when it was seen, in unix seconds. It appeared at most `bound_s` before that.

    `hashes` are those of its transactions, 32 bytes each, one after another.
    """

    number: int
    hash: str
    timestamp: int
    gas_used: int
    gas_limit: int
    base_fee: int
    seen_at: float
    bound_s: float
    hashes: bytes

    @property
    def count(self) -> int:
        """How many transactions are in it."""
        return len(self.hashes) // BYTES

    def texts(self) -> tuple[str, ...]:
        """The hashes of its transactions as nodes write them."""
        return tuple("0x" + self.hashes[at : at + BYTES].hex() for at in range(0, len(self.hashes), BYTES))

    def to_json(self) -> str:
        """As one line of a file."""
        return json.dumps([*(getattr(self, name) for name in self.__slots__[:-1]), self.texts()])

    @classmethod
    def from_json(cls, line: bytes) -> SeenBlock:
        """Read `to_json`."""
        *values, hashes = json.loads(line)
        number, block_hash, timestamp, gas_used, gas_limit, base_fee, seen_at, bound_s = values
        return cls(number, block_hash, timestamp, gas_used, gas_limit, base_fee, seen_at, bound_s, _packed(hashes))


def _packed(hashes: Iterable[str]) -> bytes:
    packed = [bytes.fromhex(tx_hash[2:]) for tx_hash in hashes]
    if unfit := [len(tx_hash) for tx_hash in packed if len(tx_hash) != BYTES]:
        raise ValueError(f"expected hashes of {BYTES} bytes, got one of {unfit[0]}")
    return b"".join(packed)


def read_blocks(path: Path) -> list[SeenBlock]:
    """All blocks of a file; a last line that was cut off is left out."""
    with open_regular(path) as stream:
        return [SeenBlock.from_json(line) for line in stream if line.endswith(b"\n")]


def parse_block(block: dict[str, Any], seen_at: float, bound_s: float) -> SeenBlock:
    """A block as a node returns it, with hashes only."""
    return SeenBlock(
        number=int(block["number"], 16),
        hash=block["hash"],
        timestamp=int(block["timestamp"], 16),
        gas_used=int(block["gasUsed"], 16),
        gas_limit=int(block["gasLimit"], 16),
        base_fee=int(block.get("baseFeePerGas") or "0x0", 16),
        seen_at=round(seen_at, 4),
        bound_s=round(bound_s, 4),
        hashes=_packed(tx if isinstance(tx, str) else tx["hash"] for tx in block["transactions"]),
    )


@dataclass
class Observer:
    """Watches one chain in a thread of its own. `url` is asked anew after an outage: the node may have moved.

    `on_block` is called with each block, in the thread, over a connection of the thread's own.
    """

    name: str
    url: Callable[[], RedactedUrl]
    first_block: int
    block_time_s: float
    path: Path
    on_block: Callable[[SeenBlock, Rpc], None] | None = None
    blocks: int = 0
    down_since: float | None = None
    outages: list[tuple[float, float]] = field(default_factory=list)
    error: str | None = None

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"observer-{self.name}", daemon=True)

    def start(self) -> None:
        """Begin with `first_block`."""
        self._thread.start()

    def stop(self) -> None:
        """End; blocks mined up to now have been seen, if the node answers."""
        self._stop.set()
        self._thread.join(timeout=PROBE_TIMEOUT_S + 10)
        if self.down_since is not None:
            self.outages.append((self.down_since, time.time()))

    def _run(self) -> None:
        rpc = self._connect()
        following = self.first_block
        without_at = time.time()
        with self.path.open("a", encoding="utf-8") as stream:
            while True:
                stopping = self._stop.is_set()
                try:
                    asked_at = time.time()
                    head = rpc.block_number()
                    if self.down_since is not None:
                        self.outages.append((self.down_since, asked_at))
                        self.down_since = None
                    following = self._fetch(rpc, following, head, without_at, stream)
                    without_at = asked_at
                except (RpcFailure, KeyError, ValueError) as error:
                    self.error = str(error)
                    self.down_since = self.down_since or time.time()
                    rpc.close()
                    rpc = self._connect()
                    without_at = time.time()
                    if not stopping:
                        self._stop.wait(DOWN_POLL_S)
                if stopping:
                    rpc.close()
                    break
                self._stop.wait(POLL_S)

    def _fetch(self, rpc: Rpc, following: int, head: int, without_at: float, stream: Any) -> int:
        seen_at = time.time()
        for number in range(following, head + 1):
            block = rpc.block(number)
            if block is None:
                return number
            # Of several new ones all but the last were there earlier; the bound covers that.
            seen = parse_block(block, seen_at, seen_at - without_at)
            stream.write(seen.to_json() + "\n")
            self.blocks += 1
            if self.on_block is not None:
                self.on_block(seen, rpc)
        if head >= following:
            stream.flush()
            quiet_s = min(self.block_time_s * QUIET_SHARE, max(self.block_time_s / 2, self.block_time_s - EARLY_S))
            self._stop.wait(max(0.0, quiet_s - (time.time() - seen_at)))
        return max(following, head + 1)

    def _connect(self) -> Rpc:
        return Rpc(HttpTransport(self.url(), timeout_s=PROBE_TIMEOUT_S))
