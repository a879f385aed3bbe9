"""Every kind of failure of an endpoint, in every phase of a deployment: it goes on, and nothing is sent twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from lab.chains.nodes.backend import NodeSpec
from lab.chains.nodes.process import ProcessBackend
from lab.live.execution.deploy import deploy_all
from lab.live.journaling.journal import Entry, Header, Journal, journal_path
from lab.live.rehearsal.endpoint import FAULTS, LASTING, FaultyEndpoint, faulty_endpoint
from lab.live.results.evidence import observe
from lab.networks import load_network
from lab.networks.anvil import anvil_args
from lab.rpc import HttpTransport, Rpc, RpcRefused
from lab.rpc.failover import EndpointsDisagree, FailoverTransport
from tests.reliability.mutants import FACTOR
from tests.unit.endpoints import Asked, forwarded, replied
from tests.unit.endpoints import endpoint as listening

from .conftest import Open, World
from .test_deploy import Killed, assert_stands, begun, killed_at

# Of five steps, each has three lines in the journal: signed, mined, final. Phase 0 is before the first.
LINES = 15
# The short form begins with the first phase of each step; the long one takes all.
PHASES = range(LINES + 1) if FACTOR > 1 else range(0, LINES + 1, 3)


def failing_from(line: int, kind: str, *endpoints: FaultyEndpoint) -> Callable[[Path, Header], Journal]:
    """A journal beside which endpoints fail from the line of that number on until the next one is written."""

    def force(number: int) -> None:
        for endpoint in endpoints:
            endpoint.forced = kind if number == line else None

    class Watched(Journal):
        count = 0

        def add(self, entry: Entry) -> None:
            super().add(entry)
            Watched.count += 1
            force(Watched.count)

    force(0)

    def opened(path: Path, header: Header) -> Journal:
        return Watched(path, *begun(path, header))

    return opened


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> Callable[[World], None]:
    """Endpoints are put back by the time that goes by while a deployment waits."""

    def use(lab: World) -> None:
        def sleep(seconds: float) -> None:
            lab.simulated_s += seconds
            lab.mine()

        transport = partial(FailoverTransport, now=lambda: lab.simulated_s, sleep=sleep)
        monkeypatch.setattr("lab.live.declaration.variables.FailoverTransport", transport)

    return use


@pytest.mark.parametrize("place", ["A", "B"])
@pytest.mark.parametrize("kind", [*FAULTS, *LASTING])
def test_each_kind_in_each_phase(world: Open, simulated: Callable[[World], None], kind: str, place: str) -> None:
    """The preferred endpoint fails, or the one that stands by: one transaction a step, one address, as declared."""
    lab = world("sepolia")
    simulated(lab)
    rpc, node, addresses, met = lab.rpc("sepolia"), lab.nodes["sepolia"].url, set[str](), 0
    # The one that stands by has a say where something is sent to all: in short, at every other step.
    phases = PHASES if place == "A" or FACTOR > 1 else PHASES[1::2]
    for phase in phases:
        before = rpc.call("evm_snapshot")
        with faulty_endpoint(node, share=0, seed=1) as faulty:
            lab.variables[f"SEPOLIA_{place}"] = faulty.url
            journal = failing_from(phase, kind, faulty)
            outcome = deploy_all(lab.work(journal), lab.deployment.targets, lab.signer, lab.waiting())[0]
            assert outcome.problem is None, (phase, outcome.problem)
            met += faulty.met[kind] > 0
        lab.variables[f"SEPOLIA_{place}"] = node
        addresses.add(assert_stands(lab, "sepolia"))
        rpc.call("evm_revert", before)
        journal_path(lab.deployment.path).unlink()
    assert len(addresses) == 1
    # The preferred one was asked in every phase; the other one where something is sent to all.
    assert met == len(phases) if place == "A" else met > 0


@pytest.mark.parametrize("phase", PHASES)
def test_both_fail_in_each_phase(world: Open, simulated: Callable[[World], None], phase: int) -> None:
    """For longer than a command waits: it ends with what happened, and the next one goes on with the same bytes."""
    lab = world("sepolia")
    simulated(lab)
    node = lab.nodes["sepolia"].url
    with ExitStack() as stack:
        pair = [stack.enter_context(faulty_endpoint(node, share=0, seed=seed)) for seed in (1, 2)]
        lab.variables |= {"SEPOLIA_A": pair[0].url, "SEPOLIA_B": pair[1].url}
        journal = failing_from(phase, "error", *pair)
        outcome = deploy_all(lab.work(journal), lab.deployment.targets, lab.signer, lab.waiting())[0]
        assert "HTTP 503" in str(outcome.problem), outcome
        signed = [entry.tx for entry in lab.work().journal.of("sepolia") if entry.event == "signed"]
        pair[0].forced = pair[1].forced = None
        again = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0]
        assert again.problem is None
        assert_stands(lab, "sepolia")
        after = [entry.tx for entry in lab.work().journal.of("sepolia") if entry.event == "signed"]
        assert after[: len(signed)] == signed


@pytest.mark.parametrize("code", [503, 429, -32005])
def test_no_endpoint_takes_a_transaction_for_a_while(world: Open, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Their trouble is no verdict on it: the same bytes are sent again, and no fees raised."""
    lab, sent = world("sepolia"), list[str]()
    send = Rpc.send_raw

    def troubled(self: Rpc, raw: str) -> str:
        sent.append(raw)
        if sent.count(raw) < 4:
            raise RpcRefused("eth_sendRawTransaction", code, "upstream connect error")
        return send(self, raw)

    monkeypatch.setattr(Rpc, "send_raw", troubled)
    outcome = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0]
    assert outcome.problem is None
    assert_stands(lab, "sepolia")
    assert [sent.count(raw) for raw in dict.fromkeys(sent)] == [4] * 5


def test_two_endpoints_of_two_forks(world: Open, open_backend: ProcessBackend) -> None:
    """Both have the network's id and take the creation: that they disagree is said, and nothing is set up on either."""
    lab = world("sepolia")
    args = anvil_args(load_network("sepolia"), genesis_time=int(time.time()) - 7200)
    (other,) = open_backend.start_all([NodeSpec("sepolia", "live-fork", args)])
    try:
        lab.variables["SEPOLIA_B"] = other.url
        lab.nodes = {**lab.nodes, "fork": other}
        lab.rpc("fork").call("anvil_setBalance", lab.account.address, hex(10**21))
        lab.mine()
        outcome = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0]
        assert isinstance(outcome.problem, EndpointsDisagree), outcome
        assert "One of them is on another fork, or not of this network: remove it" in str(outcome.problem)
        assert "SEPOLIA_A" in str(outcome.problem)
        assert "SEPOLIA_B" in str(outcome.problem)
        assert [lab.rpc(name).nonce(lab.account.address) for name in ("sepolia", "fork")] == [1, 1]
        seen = observe(lab.work(), lab.deployment.targets[0])
        assert (seen.kind, "One of them is on another fork" in str(seen.problem)) == ("rehearsal", True)
    finally:
        other.stop()


# Fewer blocks than a lagging endpoint is put back for, and more than a block needs to be final.
BEHIND_BLOCKS = 4


def a_backend_behind(node: str, asked: Asked) -> tuple[int, bytes]:
    """One address with two nodes behind it: the one that is asked for state lags, that for receipts and blocks not."""
    call, rpc = asked.call, Rpc(HttpTransport(node))
    known = max(0, rpc.block_number() - BEHIND_BLOCKS)
    if call["method"] == "eth_blockNumber":
        return replied(call, result=hex(known))
    if call["method"] in ("eth_call", "eth_getCode", "eth_estimateGas"):
        first, *others = call["params"]
        block = others[-1] if others else "latest"
        if block != "latest" and int(block, 16) > known:
            return replied(call, error={"code": -32000, "message": f"{int(block, 16)} could not be found"})
        try:
            at = hex(known) if block == "latest" else block
            return replied(call, result=rpc.call(call["method"], first, at))
        except RpcRefused as refused:
            return replied(call, error={"code": refused.code, "message": refused.reason})
    return 200, forwarded(node, asked.body)


def test_a_backend_that_lags(world: Open, simulated: Callable[[World], None]) -> None:
    """What it knows of the contract is older than what was done: no step is done twice, and no code missed."""
    lab = world("sepolia")
    simulated(lab)
    with listening(partial(a_backend_behind, lab.nodes["sepolia"].url)) as url:
        lab.variables |= {"SEPOLIA_A": url, "SEPOLIA_B": url}
        for steps in (5, 1):
            outcome = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0]
            assert (outcome.problem, len(outcome.done)) == (None, steps)
        assert observe(lab.work(), lab.deployment.targets[0]).problem is None
    assert_stands(lab, "sepolia")


def test_a_backend_that_lags_behind_the_last_command(world: Open) -> None:
    """It was killed once its last step was final: who takes it up looks no further back than at that step's block."""
    lab = world("sepolia")
    with pytest.raises(Killed):
        deploy_all(lab.work(killed_at(LINES, before=False)), lab.deployment.targets, lab.signer, lab.waiting())
    with listening(partial(a_backend_behind, lab.nodes["sepolia"].url)) as url:
        lab.variables |= {"SEPOLIA_A": url, "SEPOLIA_B": url}
        outcome = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0]
    assert (outcome.problem, outcome.done) == (None, ["deploy"])
    assert_stands(lab, "sepolia")


def test_a_receipt_that_comes_late(world: Open) -> None:
    """A nonce is used, and the backend that is asked knows no receipt yet: nobody else used it."""
    lab = world("sepolia")
    with pytest.raises(Killed):
        deploy_all(lab.work(killed_at(4, before=False)), lab.deployment.targets, lab.signer, lab.waiting())
    lab.mine()
    refusals, receipts = [0], [0]

    def without_receipts(node: str, asked: Asked) -> tuple[int, bytes]:
        if asked.call["method"] == "eth_sendRawTransaction":
            refusals[0] += 1
        elif asked.call["method"] == "eth_getTransactionReceipt" and (not refusals[0] or receipts[0] < 3):
            receipts[0] += bool(refusals[0])
            return replied(asked.call, result=None)
        return 200, forwarded(node, asked.body)

    with listening(partial(without_receipts, lab.nodes["sepolia"].url)) as url:
        lab.variables |= {"SEPOLIA_A": url, "SEPOLIA_B": url}
        outcome = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting(stuck_s=5))[0]
    assert (outcome.problem, receipts[0]) == (None, 3)
    assert_stands(lab, "sepolia")
