"""Each fault on a real chain: it acts, it counts how often, it says so, and healing leaves the chain fit to go on."""

from __future__ import annotations

from typing import Any, cast

import pytest

from lab.coordinator import role_account
from lab.errors import UsageError
from lab.faults import FAULTS, ActiveFault, Fault, FaultContext
from lab.faults.context import RelayerControl
from lab.faults.transport.policy import Effect, Policy, Refusal
from lab.rpc import RpcFailure
from lab.session.lab import Lab

from ..conftest import StartLab
from ..real_chains import block, buffer, buffer_args, hashes, head, signed
from .test_gate import SEND, buffering, gate_of

ETH = "ethereum"


def spec(kind: str, **parameters: Any) -> Fault:
    """A fault as a scenario file states it."""
    chain = {"chain": ETH} if "chain" in FAULTS[kind].spec.model_fields else {}
    return FAULTS[kind].spec.model_validate({"fault": kind} | chain | parameters)


def started(lab: Lab, kind: str, **parameters: Any) -> ActiveFault:
    """Built from its own spec, and injected."""
    fault = FAULTS[kind].activate(lab.fault_context, "f", spec(kind, **parameters))
    fault.inject()
    return fault


@pytest.fixture
def lab(start_lab: StartLab) -> Lab:
    """An Ethereum half a minute after genesis."""
    lab = start_lab(ETH)
    lab.scheduler.advance_to(30_000)
    lab.chains[ETH].look()
    return lab


def plans(lab: Lab, count: int, method: str = SEND) -> list[Effect]:
    """What would happen to so many requests."""
    return [lab.policies[ETH].plan(method) for _ in range(count)]


def test_rpc_error(lab: Lab) -> None:
    """Refuses its methods only, until it is healed; healing twice is no error."""
    fault = started(lab, "rpc_error", methods=[SEND], code=-32000, message="no")
    assert [plan.refusal for plan in plans(lab, 2)] == [Refusal(-32000, "no")] * 2
    assert plans(lab, 1, "eth_getLogs") == [Effect()]
    assert (fault.activations, fault.proof) == (2, "refused 2 of 2 matching requests")
    fault.heal()
    fault.heal()
    assert plans(lab, 1) == [Effect()]
    assert fault.activations == 2


def test_a_share_of_requests(lab: Lab) -> None:
    """About the share, the same ones for the same seed, others for another fault."""
    shares = []
    for fault_id in ("a", "a", "b"):
        fault = FAULTS["rpc_error"].activate(lab.fault_context, fault_id, spec("rpc_error", share=0.3))
        fault.inject()
        shares.append([plan.refusal is not None for plan in plans(lab, 400)])
        fault.heal()
        assert fault.proof == f"refused {fault.activations} of 400 matching requests"
    assert shares[0] == shares[1] != shares[2]
    assert 80 < sum(shares[0]) < 160


def test_rpc_latency(lab: Lab) -> None:
    """Within the jitter, on both sides of the delay, never negative."""
    fault = started(lab, "rpc_latency", delay="100ms", jitter="200ms")
    delays = [plan.delay_ms for plan in plans(lab, 200)]
    assert min(delays) == 0
    assert max(delays) <= 300
    assert len(set(delays)) > 50
    assert fault.activations == 200
    fault.heal()
    assert plans(lab, 1) == [Effect()]


def test_lost_reply(lab: Lab) -> None:
    """As often as asked, then no more; by default only sends."""
    fault = started(lab, "lost_reply", count=2)
    assert plans(lab, 1, "eth_call") == [Effect()]
    assert [plan.lose_reply for plan in plans(lab, 4)] == [True, True, False, False]
    assert (fault.activations, fault.proof) == (2, "lost the answer of 2 of 4 matching requests")


def test_policies_add_up() -> None:
    """Delays are summed, the first refusal counts, one lost reply is enough; a rule removed is gone."""

    class Fixed:
        def __init__(self, effect: Effect | None) -> None:
            self.given = effect

        def effect(self, method: str) -> Effect | None:
            return self.given

    policy, one, two = Policy(), Refusal(1, "one"), Refusal(2, "two")
    rules = [Fixed(None), Fixed(Effect(5, one)), Fixed(Effect(7, two)), Fixed(Effect(lose_reply=True))]
    for rule in rules:
        policy.add(rule)
    assert policy.plan("m") == Effect(12, one, True)
    policy.remove(rules[1])
    policy.remove(rules[1])
    assert policy.plan("m") == Effect(7, two, True)


@pytest.mark.parametrize(("kind", "condition"), [("node_pause", "paused"), ("node_kill", "down")])
def test_outages(lab: Lab, kind: str, condition: str) -> None:
    """Bites are slots that passed and requests that met the dead node; the chain goes on when it is healed."""
    chain, before = lab.chains[ETH], hashes(lab, ETH)
    fault = started(lab, kind)
    assert chain.condition == condition
    gate, failures = gate_of(lab), list[RpcFailure]()

    def ask() -> None:
        try:
            gate.call("eth_blockNumber", [])
        except RpcFailure as failure:
            failures.append(failure)

    lab.scheduler.spawn("client", ask)
    lab.scheduler.advance_to(80_000)
    assert fault.activations == 0
    fault.heal()
    assert chain.condition == "up"
    assert len(failures) == 1
    assert fault.activations == chain.producer.slots_skipped + 1
    words = "hung" if kind == "node_pause" else "were refused"
    assert fault.proof == f"{chain.producer.slots_skipped} slots passed without a block, 1 requests {words}"
    activations = fault.activations
    fault.heal()
    assert fault.activations == activations
    lab.scheduler.advance_to(110_000)
    after = hashes(lab, ETH)
    assert after[: len(before)] == before
    assert len(after) in (len(before) + 2, len(before) + 3)


def test_a_node_restarts_by_itself(lab: Lab) -> None:
    """After the time given, with its activations counted then."""
    fault = started(lab, "node_kill", restart_after="25s")
    lab.scheduler.advance_to(54_900)
    assert lab.chains[ETH].condition == "down"
    lab.scheduler.advance_to(55_000)
    assert lab.chains[ETH].condition == "up"
    assert fault.activations >= 2


def test_an_outage_that_nobody_met(lab: Lab) -> None:
    """No slot, no request: it proves nothing."""
    fault = started(lab, "node_pause")
    fault.heal()
    assert (fault.activations, fault.proof) == (0, "0 slots passed without a block, 0 requests hung")


def test_reorg(lab: Lab) -> None:
    """Bites are transactions that lost their block; of empty blocks none."""
    fault = started(lab, "reorg", depth=1)
    assert (fault.activations, fault.proof) == (0, "1 blocks replaced, 0 transactions orphaned (dropped)")
    buffer(lab, ETH, 1)
    lab.scheduler.advance_to(60_000)
    fault = started(lab, "reorg", depth=4, orphans="requeued")
    assert (fault.activations, fault.proof) == (1, "4 blocks replaced, 1 transactions orphaned (requeued)")
    fault.heal()


@pytest.mark.parametrize(("parameters", "level"), [({"factor": 10}, None), ({"wei": "300 gwei"}, 300 * 10**9)])
def test_base_fee_spike(lab: Lab, parameters: dict[str, Any], level: int | None) -> None:
    """Every block at the level or above; afterwards down by the network's own curve, at most an eighth a block."""
    chain = lab.chains[ETH]
    level = level or 10 * chain.producer.head.base_fee
    fault = started(lab, "base_fee_spike", **parameters)
    assert chain.producer.next_base_fee() == level
    first = head(lab, ETH) + 1
    lab.scheduler.advance_to(70_000)
    fault.heal()
    last = head(lab, ETH)
    fees = [int(block(lab, ETH, number)["baseFeePerGas"], 16) for number in range(first, last + 1)]
    assert fees == [level] * len(fees)
    assert fault.activations == len(fees) >= 2
    assert fault.proof == f"{len(fees)} blocks mined at a base fee of {level} wei or more, 0 answers told of it"
    fault.heal()
    lab.scheduler.advance_to(100_000)
    hashes(lab, ETH)
    after = int(block(lab, ETH, last + 1)["baseFeePerGas"], 16)
    assert after == level - level // 8
    assert fault.activations == len(fees)


def test_gas_limit_cut(lab: Lab) -> None:
    """Bites are blocks that left executable transactions waiting; healed, the next block takes them."""
    chain = lab.chains[ETH]
    fault = started(lab, "gas_limit_cut", gas_limit=1_000_000)
    for number in range(4):
        buffer(lab, ETH, number + 1, nonce=number, payload_bytes=512)
    lab.scheduler.advance_to(chain.producer.next_slot_ms())
    hashes(lab, ETH)
    cut = block(lab, ETH, head(lab, ETH))
    assert int(cut["gasLimit"], 16) == 1_000_000
    assert len(cut["transactions"]) == 1
    proof = "1 blocks left transactions waiting, 3 at most; 0 requests were refused for want of gas"
    assert (fault.activations, fault.proof) == (1, proof)
    fault.heal()
    fault.heal()
    lab.scheduler.advance_to(chain.producer.next_slot_ms())
    hashes(lab, ETH)
    whole = block(lab, ETH, head(lab, ETH))
    assert int(whole["gasLimit"], 16) == chain.profile.gas_limit
    assert len(whole["transactions"]) == 3


def asked(lab: Lab, chain: str, method: str, *params: Any) -> Any:
    """What a relayer is answered; a refusal is one of the answers."""
    try:
        return gate_of(lab, chain).call(method, list(params))
    except RpcFailure as failure:
        return failure


QUIET = "arbitrum"


@pytest.fixture
def quiet(start_lab: StartLab) -> Lab:
    """A chain that makes no block unless somebody sends."""
    lab = start_lab(QUIET)
    lab.scheduler.advance_to(30_000)
    return lab


def quietly(lab: Lab, kind: str, **parameters: Any) -> ActiveFault:
    """A fault on that chain, injected."""
    fault = FAULTS[kind].activate(lab.fault_context, "f", spec(kind, **parameters, chain=QUIET))
    fault.inject()
    return fault


PAUSE = "0x8456cb59"


def test_a_gas_limit_cut_shows_in_refusals(quiet: Lab) -> None:
    """An estimate, a call and a transaction for which a block of the network were enough count, once each."""
    owner, target = role_account("owner").address, quiet.spec.target.address
    enough = {"from": owner, "to": target, "data": PAUSE}
    refused = {**enough, "from": role_account("operator").address}
    declared = {**enough, "gas": hex(30_000)}
    raw, _ = signed(quiet, QUIET, "operator", "buffer_transaction", *buffer_args(quiet, QUIET, 1))
    fault = quietly(quiet, "gas_limit_cut", gas_limit=30_000)
    # The contract's own refusal, and a limit that the caller set, are not the fault's.
    assert "Only owner" in str(asked(quiet, QUIET, "eth_estimateGas", refused))
    assert "allowance: 30000" in str(asked(quiet, QUIET, "eth_estimateGas", declared))
    assert isinstance(asked(quiet, QUIET, "eth_estimateGas", {**enough, "gas": hex(10**6)}), str)
    assert fault.activations == 0
    assert "allowance: 30000" in str(asked(quiet, QUIET, "eth_estimateGas", enough))
    assert fault.activations == 1
    assert "OutOfGas" in str(asked(quiet, QUIET, "eth_call", enough, "latest"))
    assert fault.activations == 2
    assert "gas_limit" in str(asked(quiet, QUIET, SEND, raw))
    assert fault.activations == 3
    assert fault.proof == "0 blocks left transactions waiting, 0 at most; 3 requests were refused for want of gas"
    fault.heal()
    assert isinstance(asked(quiet, QUIET, "eth_estimateGas", enough), str)
    assert asked(quiet, QUIET, SEND, raw).startswith("0x")
    assert fault.activations == 3


def test_a_base_fee_shows_in_answers(quiet: Lab) -> None:
    """Who is told of it may wait, so that there is no block with it; who offers less is refused."""
    raw, _ = signed(quiet, QUIET, "operator", "buffer_transaction", *buffer_args(quiet, QUIET, 1))
    fault = quietly(quiet, "base_fee_spike", factor=100)
    level = quiet.chains[QUIET].producer.next_base_fee()
    assert int(asked(quiet, QUIET, "eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16) == level // 100
    assert fault.activations == 0
    assert int(asked(quiet, QUIET, "eth_getBlockByNumber", "pending", False)["baseFeePerGas"], 16) == level
    assert int(asked(quiet, QUIET, "eth_feeHistory", "0x1", "latest", [])["baseFeePerGas"][-1], 16) == level
    assert int(asked(quiet, QUIET, "eth_gasPrice"), 16) >= level
    assert fault.activations == 3
    assert fault.proof == f"0 blocks mined at a base fee of {level} wei or more, 3 answers told of it"
    assert "base fee" in str(asked(quiet, QUIET, SEND, raw))
    assert fault.activations == 4
    assert fault.proof.endswith("3 answers told of it, 1 offers came below it")
    fault.heal()
    asked(quiet, QUIET, "eth_gasPrice")
    assert fault.activations == 4


def test_a_skewed_clock_shows_in_answers(quiet: Lab) -> None:
    """An estimate is of the block to come, which has that time; a call of the newest block has its own."""
    fault = quietly(quiet, "timestamp_skew", seconds=25)
    pending = int(asked(quiet, QUIET, "eth_getBlockByNumber", "pending", False)["timestamp"], 16)
    assert pending == quiet.genesis_time + 30 + 25
    assert fault.activations == 1
    # It stops unless the block's time is above that of the others by 20 s.
    late = "63" + f"{quiet.genesis_time + 30 + 20:08x}" + "4211600d575f5ffd5b00"
    code = {"from": role_account("owner").address, "data": f"0x{late}"}
    assert isinstance(asked(quiet, QUIET, "eth_estimateGas", code), str)
    assert fault.activations == 2
    assert isinstance(asked(quiet, QUIET, "eth_estimateGas", code, "latest"), RpcFailure)
    assert isinstance(asked(quiet, QUIET, "eth_call", code, "latest"), RpcFailure)
    assert fault.activations == 2
    assert fault.proof == "0 blocks were up to 25 s ahead of the others' time, as were 2 answers"
    fault.heal()
    assert isinstance(asked(quiet, QUIET, "eth_estimateGas", code), RpcFailure)
    assert fault.activations == 2


@pytest.mark.parametrize("outage", ["node_pause", "node_kill"])
@pytest.mark.parametrize("kind", ["gas_limit_cut", "base_fee_spike"])
def test_faults_overlap_with_an_outage(lab: Lab, outage: str, kind: str) -> None:
    """Begun or healed while the node is stopped, they hold and end like any other."""
    parameters: dict[str, Any] = {"gas_limit": 2_000_000} if kind == "gas_limit_cut" else {"wei": "90 gwei"}
    chain = lab.chains[ETH]
    stop = started(lab, outage)
    fault = started(lab, kind, **parameters)
    stop.heal()
    lab.scheduler.advance_to(60_000)
    hashes(lab, ETH)
    found = block(lab, ETH, head(lab, ETH))
    key, wanted = ("gasLimit", 2_000_000) if kind == "gas_limit_cut" else ("baseFeePerGas", 90 * 10**9)
    assert int(found[key], 16) == wanted
    stop = started(lab, outage)
    fault.heal()
    stop.heal()
    lab.scheduler.advance_to(90_000)
    hashes(lab, ETH)
    after = int(block(lab, ETH, head(lab, ETH))[key], 16)
    assert after == chain.profile.gas_limit if kind == "gas_limit_cut" else after < wanted


class FakeRelayer:
    """A relayer that only counts."""

    def __init__(self) -> None:
        self.deaths = 3
        self.point: str | None = None
        self.starts = 0

    def kill(self) -> None:
        self.deaths += 1

    def kill_at(self, point: str) -> None:
        self.point = point

    def cancel_kill(self) -> None:
        self.point = None

    def start(self) -> None:
        self.starts += 1


def killing(lab: Lab, relayer: FakeRelayer | None, **parameters: Any) -> ActiveFault:
    """The fault with a fake relayer."""
    context = FaultContext(lab.scheduler, lab.chains, lab.policies, cast("RelayerControl | None", relayer), 1)
    return FAULTS["relayer_kill"].activate(context, "f", spec("relayer_kill", **parameters))


def test_relayer_kill_at_once(lab: Lab) -> None:
    """Deaths before the fault are not its activations; it is started again once."""
    relayer = FakeRelayer()
    fault = killing(lab, relayer)
    fault.inject()
    assert (fault.activations, fault.proof, relayer.starts) == (1, "killed at once", 0)
    fault.heal()
    fault.heal()
    assert relayer.starts == 1


def test_relayer_kill_at_a_point_and_restart(lab: Lab) -> None:
    """The time to the restart counts from the death."""
    relayer = FakeRelayer()
    fault = killing(lab, relayer, point="after_send", restart_after="10s")
    fault.inject()
    assert (relayer.point, fault.activations) == ("after_send", 0)
    lab.scheduler.advance_to(60_000)
    assert (fault.proof, relayer.starts) == ("not killed: after_send was never reached", 0)
    relayer.deaths += 1
    lab.scheduler.advance_to(69_900)
    assert relayer.starts == 0
    lab.scheduler.advance_to(70_200)
    assert (relayer.starts, fault.proof) == (1, "killed at after_send")
    fault.heal()
    assert relayer.starts == 1


def test_relayer_kill_healed_before_the_point(lab: Lab) -> None:
    """It is spared."""
    relayer = FakeRelayer()
    fault = killing(lab, relayer, point="after_send")
    fault.inject()
    fault.heal()
    assert (relayer.point, fault.activations) == (None, 0)


def test_relayer_kill_without_a_relayer(lab: Lab) -> None:
    """Says what is missing."""
    with pytest.raises(UsageError, match="needs a relayer"):
        killing(lab, None)


def test_no_fault_leaves_a_send_behind(lab: Lab) -> None:
    """After all faults on requests were healed a send passes as if there had been none."""
    for kind, parameters in (("rpc_error", {}), ("rpc_latency", {"delay": "9s"}), ("lost_reply", {})):
        started(lab, kind, **parameters).heal()
    raw, tx_hash = buffering(lab)
    assert gate_of(lab).call(SEND, [raw]) == tx_hash
