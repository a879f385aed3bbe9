"""A chain behind the fault proxy whose node is a stand-in, and signed transactions to send through it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from lab.chains.chain import Chain, ChainPlan
from lab.chains.nodes.backend import Node
from lab.chains.scheduler import Scheduler
from lab.coordinator import Codec, Fees, role_account, sign_transaction
from lab.evidence import Recorder
from lab.faults.transport.policy import Effect, Policy
from lab.faults.transport.proxy import FaultProxy
from lab.faults.transport.submits import Submits
from lab.model.records import Submit
from lab.networks import load_network
from lab.rpc import HttpTransport
from tests.unit.faults.upstream import Upstream
from tests.waiting import PATIENCE_S

CONTRACT = "0x" + "c0" * 20
CODEC = Codec([{"type": "function", "name": "pause", "inputs": [], "outputs": [], "stateMutability": "nonpayable"}])
POLYGON = load_network("polygon")


class Always:
    """A rule that does the same to every request, or to every request of one method."""

    def __init__(self, effect: Effect, method: str | None = None) -> None:
        self._effect, self._method = effect, method

    def effect(self, method: str) -> Effect | None:
        return self._effect if self._method in (None, method) else None


@dataclass
class Proxied:
    """The parts of the set-up that tests look at."""

    upstream: Upstream
    chain: Chain
    policy: Policy
    submits: Submits
    recorder: Recorder
    proxy: FaultProxy

    def client(self, timeout_s: float = PATIENCE_S) -> HttpTransport:
        """A client as the relayer has it."""
        return HttpTransport(self.proxy.url("polygon"), timeout_s=timeout_s)

    def submitted(self) -> list[Submit]:
        """What was recorded so far."""
        return [record for record in self.recorder.records if isinstance(record, Submit)]

    def outcomes(self) -> list[str]:
        """The outcomes recorded so far."""
        return [submit.outcome for submit in self.submitted()]


@contextmanager
def proxied(node: Upstream | None = None) -> Iterator[Proxied]:
    """Start it, and end it with a look for errors of the proxy's own. A `node` that is given goes on."""
    upstream, scheduler, recorder, policy = node or Upstream(), Scheduler("real"), Recorder(None), Policy()
    chain = Chain(
        ChainPlan("polygon", POLYGON, POLYGON.finality, seed=1, genesis_time=1_800_000_000, remember=64),
        cast("Node", upstream),
        scheduler,
        recorder,
        CODEC,
        CONTRACT,
    )
    submits = Submits(chain, scheduler, recorder, CODEC)
    proxy = FaultProxy({"polygon": chain}, {"polygon": policy}, {"polygon": submits})
    proxy.start()
    try:
        yield Proxied(upstream, chain, policy, submits, recorder, proxy)
    finally:
        proxy.close()
        if node is None:
            upstream.close()
    assert proxy.failure is None


def signed(nonce: int = 0, *, tip: int = POLYGON.min_tip_wei) -> str:
    """A raw call of `pause` by the relayer."""
    fees = Fees(max_fee_per_gas=10 * POLYGON.min_tip_wei, max_priority_fee_per_gas=tip)
    return sign_transaction(
        role_account("relayer"), chain_id=137, nonce=nonce, to=CONTRACT, data=CODEC.encode("pause", []), gas=50_000,
        fees=fees,
    )[0]  # fmt: skip
