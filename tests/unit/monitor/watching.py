"""A collector on a lab under the virtual clock, and the figures that it must agree with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from lab.chains.chain import Chain
from lab.model.session import Session
from lab.monitor.collect.collector import Collector, Memory, Watch
from lab.monitor.metrics import Samples
from lab.scenario.item import RelayerSpec
from lab.session.lab import Lab

Wrap = Callable[[str, list[Any], Callable[[], Any]], Any]


def untouched(method: str, params: list[Any], call: Callable[[], Any]) -> Any:
    """The answer as it is."""
    return call()


class ChainTransport:
    """The lab's own connection. `wrap` may change an answer, or raise instead."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self.calls: Counter[str] = Counter()
        self.wrap: Wrap = untouched

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`."""
        self.calls[method] += 1
        return self.wrap(method, params, lambda: self._chain.look().call(method, *params))


class Watched:
    """A lab and its collector, which can be closed and opened again."""

    def __init__(self, lab: Lab, **how: Any) -> None:
        self.lab, self._how = lab, how
        urls = {name: chain.node.url for name, chain in lab.chains.items()}
        self.session: Session = lab.session(urls, RelayerSpec(2000, "ready"))
        self.transports = {name: ChainTransport(chain) for name, chain in lab.chains.items()}
        self.lines: list[dict[str, Any]] = []
        self.collector = self._open(None)

    def now_s(self) -> float:
        """Unix seconds of the run's clock."""
        return self.lab.genesis_time + self.lab.scheduler.now_ms / 1000

    def _open(self, memory: Memory | None) -> Collector:
        watch = Watch(now_s=self.now_s, log=lambda **fields: self.lines.append(fields), **self._how)
        return Collector(self.session, self.transports, watch, memory)

    def restart(self, memory: Memory | None) -> None:
        """A new collector in place of the old one."""
        self.collector = self._open(memory)

    def at(self, second: float) -> Samples:
        """Let the time come, look, and say what is known."""
        self.lab.scheduler.advance_to(round(second * 1000))
        self.collector.poll()
        return self.collector.samples()

    def receipts(self, chain: str) -> Counter[str]:
        """Events of the contract on the canonical chain, counted from receipts by another way than the collector's."""
        codec, rpc = self.lab.spec.target.codec, self.lab.chains[chain].look()
        found: Counter[str] = Counter()
        for number in range(1, rpc.block_number() + 1):
            for receipt in rpc.call("eth_getBlockReceipts", hex(number)):
                decoded = [codec.decode_log(log) for log in receipt["logs"]]
                found.update(each.event for each in decoded if each is not None)
        return found


def events(samples: Samples, chain: str) -> dict[str, float]:
    """Events counted, without those that never came."""
    found = {labels: value for (name, labels), value in samples.values.items() if name == "events_total"}
    return {event: value for (of, event), value in found.items() if of == chain and value}  # type: ignore[misc]
