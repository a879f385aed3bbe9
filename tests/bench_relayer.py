"""What flows cost, part of `make bench-load`: whole runs, and the relayer by the number of flows behind it.

The runs are made one after the other at the same rate: with each call and each question by itself, and as the relayer
makes them. For the curve it runs over chains in memory: its own processor time is counted, its store on disk included,
not that of the chains. Beside it: what a look of the exporter at its store takes.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from lab.monitor.collect.relayer import look_at
from tests.bench_stages import stages
from tests.unit.relayer.bench import Bench
from tests.unit.relayer.fakes import BATCH_ABI, GENESIS, BatchingChain, Coordinator, MinedBlock

FLOWS_A_SECOND = 100
PART = 1_000
LOOKS = 5


class _Kept(Coordinator):
    """A state of which there is one: nothing is asked of older blocks."""

    def copied(self) -> _Kept:
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


def of_relayer(rate: str, seconds: str, backend: str, curve_flows: int) -> dict[str, Any]:
    """Flows with each call and each question by itself, and as the relayer makes them; and its curve."""
    figures: dict[str, Any] = {}
    if rate:
        for name, extra in (("one_by_one", ["--one-by-one"]), ("in_batches", [])):
            figures[name] = flows(rate, seconds, backend, extra)
        print(flow_table(figures))
    if curve_flows:
        figures["curve"] = [asdict(part) for part in curve(curve_flows)]
        for part in figures["curve"]:
            print("  ".join(f"{name} {value:,.2f}" for name, value in part.items()))
    return figures


def flows(rate: str, seconds: str, backend: str, extra: Sequence[str]) -> dict[str, Any]:
    """`lab load flow` with the reference relayer as a command: what was executed, and where the time went."""
    folder = Path(tempfile.mkdtemp(prefix="tesseract-bench-"))
    relayer = shlex.join([sys.executable, "-m", "lab.relayer", "--session", "{session}", *extra])
    arguments = ["flow", "--tps", rate, "--duration", seconds, "--relayer-cmd", relayer]
    command = [sys.executable, "-m", "lab.cli", "load", *arguments, "--backend", backend, "--results", str(folder)]
    try:
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        run = folder / "load" / "latest"
        load = json.loads((run / "load.json").read_text(encoding="utf-8"))
        lines = (run / "logs" / "relayer.log").read_text(encoding="utf-8").splitlines()
        timed = [json.loads(line) for line in lines if line.startswith('{"event": "timing", ')]
        spent = stages(run)
    finally:
        shutil.rmtree(folder)
    ended, parts = max(1, load["flows"]["ended"]), {**load["resources"]["chains"], **load["resources"]["processes"]}
    return {
        "flows": load["flows"],
        "invalid": load["invalid"],
        "bottleneck": load["bottleneck"],
        "host_cpu_percent": load["resources"]["host_cpu_percent"],
        "cpu_ms_a_flow": {name: round(part["cpu_seconds"] / ended * 1000, 3) for name, part in parts.items()},
        "relayer_waits_ms_a_flow": {line["method"]: round(line["seconds"] / ended * 1000, 3) for line in timed},
        "relayer_requests": {line["method"]: (line["requests"], line["calls"]) for line in timed},
        "stages_mean_s": {name: round(mean(values), 2) for name, values in spent.items()},
    }


def flow_table(figures: dict[str, Any]) -> str:
    """Both runs side by side: what came out, and where the time of a flow went."""
    both = [figures[name] for name in ("one_by_one", "in_batches")]
    rows: list[tuple[str, list[Any]]] = [
        ("flows executed/s", [each["flows"]["throughput"]["tps"] for each in both]),
        ("flows that never ended", [each["flows"]["open"] for each in both]),
        ("latency p50, s", [each["flows"]["latency_ms"].get("p50", 0) / 1000 for each in both]),
        ("latency p95, s", [each["flows"]["latency_ms"].get("p95", 0) / 1000 for each in both]),
        ("relayer's transactions", [each["flows"]["relayer_calls"] for each in both]),
        ("of these reverted", [each["flows"]["relayer_reverts"] for each in both]),
        ("processor of the host, %", [each["host_cpu_percent"] for each in both]),
    ]
    parts = (
        ("cpu_ms_a_flow", "processor: {}, ms a flow"),
        ("relayer_waits_ms_a_flow", "relayer waits for: {}, ms a flow"),
        ("stages_mean_s", "a flow waits {}, s"),
    )
    for key, text in parts:
        names = dict.fromkeys(name for each in both for name in each[key])
        rows += [(text.format(name), [each[key].get(name, 0) for each in both]) for name in names]
    head = f"{'':52}{'one by one':>12}{'in batches':>12}"
    return "\n".join([head, *(f"{name:52}{values[0]:>12,.2f}{values[1]:>12,.2f}" for name, values in rows)])
