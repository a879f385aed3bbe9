"""Everything that looks on while load runs: an observer for each chain, and the sampler."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from lab.chains.nodes.backend import Node
from lab.load.drive.observer import Observer, SeenBlock
from lab.load.drive.sampler import Sampler
from lab.load.prepare.context import Context
from lab.load.record.plan import read_urls
from lab.load.record.run_files import OUTAGES, SAMPLES, blocks_file
from lab.networks.fees import FeeCurve
from lab.networks.profile import NetworkProfile
from lab.rpc import HttpTransport, Rpc, RpcFailure

POLL_S = 0.2
ANSWER_S = 20.0


class Watch:
    """`start` before the load; `drained` when nothing is left to mine; `stop` at the end."""

    def __init__(
        self,
        folder: Path,
        context: Context,
        *,
        nodes: Mapping[str, Node],
        processes: Callable[[], dict[str, int]],
        profiles: Mapping[str, NetworkProfile],
    ) -> None:
        self._folder = folder
        self._busy_at: dict[str, float] = {}
        self.observers = {
            name: Observer(
                name,
                lambda name=name: read_urls(folder)[name],  # type: ignore[misc]
                chain.first_block,
                chain.block_time_ms / 1000,
                folder / blocks_file(name),
                self._on_block(name, profiles),
            )
            for name, chain in context.chains.items()
        }
        self._sampler = Sampler(folder / SAMPLES, lambda: read_urls(folder), dict(nodes), processes)
        self._context = context

    def start(self) -> None:
        """All threads."""
        self._sampler.start()
        for observer in self.observers.values():
            observer.start()

    def stop(self) -> None:
        """All threads; the last blocks have been seen then."""
        for observer in self.observers.values():
            observer.stop()
        self._sampler.stop()
        outages = {name: observer.outages for name, observer in self.observers.items()}
        (self._folder / OUTAGES).write_text(json.dumps(outages), encoding="utf-8")

    def drain(self, within_s: float, quiet_s: float) -> bool:
        """Wait until pools are empty and blocks have been so for `quiet_s`; False if that did not come about."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if all(self._is_quiet(name, quiet_s) for name in self.observers):
                return True
            time.sleep(POLL_S)
        return False

    def _is_quiet(self, name: str, quiet_s: float) -> bool:
        block_s = self._context.chains[name].block_time_ms / 1000
        if time.time() - self._busy_at.get(name, 0.0) < max(quiet_s, 1.2 * block_s):
            return False
        transport = HttpTransport(read_urls(self._folder)[name], timeout_s=ANSWER_S)
        try:
            return int(Rpc(transport).call("txpool_status")["pending"], 16) == 0
        except (RpcFailure, KeyError, TypeError, ValueError):
            # A node that does not say, or is gone: what was seen has to do.
            return True
        finally:
            transport.close()

    def _on_block(self, name: str, profiles: Mapping[str, NetworkProfile]) -> Callable[[SeenBlock, Rpc], None]:
        curve = FeeCurve(profiles[name]) if name in profiles else None
        previous: list[SeenBlock] = []

        def act(block: SeenBlock, rpc: Rpc) -> None:
            if block.hashes:
                self._busy_at[name] = block.seen_at
            if curve is not None:
                # The network's own curve; set after each block, it holds for the next one if that is not mined yet.
                elapsed = round((block.seen_at - previous[0].seen_at) * 1000) if previous else 0
                fee = curve.next(block.base_fee, block.gas_used, block.gas_limit, max(0, elapsed))
                rpc.call("anvil_setNextBlockBaseFeePerGas", hex(fee))
                previous[:] = [block]

        return act
