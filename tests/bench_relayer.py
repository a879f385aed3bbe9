"""What the relayer costs by the number of flows that it has behind it: part of `make bench-load`.

The reference relayer as it is, over chains in memory that answer at once: only its own processor time is counted, its
store on disk included, not that of the chains. Beside it: what a look of the exporter at its store takes.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.monitor.collect.relayer import look_at
from tests.unit.relayer.bench import Bench
from tests.unit.relayer.fakes import BATCH_ABI, GENESIS, BatchingChain, Coordinator, Counter, MinedBlock

FLOWS_A_SECOND = 100
PART = 1_000
LOOKS = 5


class _Kept(Coordinator):
    """A state of which there is one: nothing is asked of older blocks."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _Kept:
        return self


class LightChain(BatchingChain):
    """Mines in the time that a block's own transactions take, and counts the seconds that it takes to answer."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        genesis = self.blocks[0]
        state = _Kept(window=300)
        self.blocks[0] = MinedBlock(
            0, genesis.hash, genesis.parent, GENESIS, self.base_fee, [], [], {}, state, Counter()
        )
        self.block_gas_limit = 2_000_000_000
        self.answering_s = 0.0
        self._receipts: dict[str, Any] = {}

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`."""
        begun = time.process_time()
        try:
            return super().call(method, params, timeout_s)
        finally:
            self.answering_s += time.process_time() - begun

    def mine(self, timestamp: int | None = None) -> MinedBlock:
        """See `FakeChain.mine`."""
        block = super().mine(timestamp)
        self._receipts.update(block.receipts)
        return block

    def _at(self, ref: Any) -> MinedBlock:
        if isinstance(ref, dict) and ref["blockHash"] == self.head.hash:
            return self.head
        return super()._at(ref)

    def _eth_estimateGas(self, request: dict[str, Any]) -> str:
        return hex(60_000)

    def _eth_getTransactionReceipt(self, tx_hash: str) -> Any:
        return self._receipts.get(tx_hash)


@dataclass(frozen=True, slots=True)
class Part:
    """A thousand flows: what the relayer took for each, and then a look of the exporter's, in milliseconds."""

    flows: int
    relayer_ms: float
    look_ms: float
    store_mib: float


def curve(flows: int = 10_000) -> list[Part]:
    """One part for each thousand flows. Raises AssertionError where one of them was not executed."""
    parts: list[Part] = []
    with tempfile.TemporaryDirectory(prefix="tesseract-bench-") as name:
        bench = Bench(Path(name), abi=BATCH_ABI, kind=LightChain, block_times_s={"one": 1, "two": 1, "lazy": 1})
        begun, used, number = bench.clock.ms, 0.0, 0
        while len(parts) < flows // PART:
            for _ in range(FLOWS_A_SECOND * (number < flows)):
                number += 1
                at = bench.clock.ms // 1000 + 2
                bench.buffer("two", number, at=at)
                bench.buffer("one", flows + number, at=at, after=number)
            used += _second(bench)
            if bench.clock.ms - begun >= 1000 * PART // FLOWS_A_SECOND:
                begun = bench.clock.ms
                looked_ms = min(_look_ms(Path(name) / "relayer.sqlite") for _ in range(LOOKS))
                size = sum(path.stat().st_size for path in Path(name).glob("relayer.sqlite*"))
                parts.append(Part(number, used / PART * 1000, looked_ms, size / 2**20))
                used = 0.0
        for _ in range(30):
            _second(bench)
        states = [bench.state("two", index) for index in range(1, flows + 1)]
        states += [bench.state("one", flows + index) for index in range(1, flows + 1)]
        assert set(states) == {"EXECUTED"}, set(states)
        assert bench.relayer is not None
        bench.relayer.close()
    return parts


def _look_ms(store: Path) -> float:
    begun = time.process_time()
    look_at(store, lambda: True)
    return (time.process_time() - begun) * 1000


def _second(bench: Bench) -> float:
    """A block on both chains and two polls; the relayer's own seconds."""
    bench.clock.ms += 1000
    for name in ("one", "two"):
        bench.chains[name].mine(GENESIS + bench.clock.ms // 1000)
    chains = [chain for chain in bench.chains.values() if isinstance(chain, LightChain)]
    before, answering = time.process_time(), sum(chain.answering_s for chain in chains)
    assert bench.relayer is not None
    for _ in range(2):
        bench.relayer.step()
    return time.process_time() - before - (sum(chain.answering_s for chain in chains) - answering)


if __name__ == "__main__":
    for part in curve():
        print(part)
