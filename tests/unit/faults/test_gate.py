"""The relayer's way to a real chain, with faults in it: what reaches the node, when, and what the relayer learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from eth_account import Account as EthAccount

from lab.coordinator import role_account
from lab.coordinator.accounts import Account
from lab.faults.transport.gate import Gate
from lab.faults.transport.policy import Effect, Refusal
from lab.faults.transport.submits import Submits
from lab.model.records import Submit
from lab.rpc import RpcFailure, RpcRefused, RpcTimeout, RpcUnavailable
from lab.session.lab import Lab

from ..conftest import StartLab
from ..real_chains import buffer_args, head, signed, tx_id

ETH = "ethereum"
SEND = "eth_sendRawTransaction"
TIMEOUT_MS = 5000


class Rule:
    """One effect on every request of one method."""

    def __init__(self, effect: Effect, method: str = SEND) -> None:
        self._effect, self._method = effect, method

    def effect(self, method: str) -> Effect | None:
        return self._effect if method == self._method else None


def gate_of(lab: Lab, name: str = ETH) -> Gate:
    """A gate as the session wires it."""
    submits = Submits(lab.chains[name], lab.scheduler, lab.recorder, lab.spec.target.codec)
    return Gate(lab.chains[name], lab.scheduler, lab.policies[name], submits, timeout_s=TIMEOUT_MS / 1000)


@pytest.fixture
def lab(start_lab: StartLab) -> Lab:
    """An Ethereum half a minute after genesis."""
    lab = start_lab(ETH)
    lab.scheduler.advance_to(30_000)
    return lab


def acted(lab: Lab, body: Callable[[], Any]) -> tuple[Any, int]:
    """What an actor got, a result or an error, and how many milliseconds it took."""
    outcome: list[Any] = []
    begin = lab.scheduler.now_ms

    def run() -> None:
        try:
            outcome.append(body())
        except RpcFailure as failure:
            outcome.append(failure)
        outcome.append(lab.scheduler.now_ms - begin)

    lab.scheduler.spawn("actor", run)
    while len(outcome) < 2:
        lab.scheduler.sleep(0.1)
    return outcome[0], outcome[1]


def buffering(lab: Lab, number: int = 1, **how: Any) -> tuple[str, str]:
    """A signed buffering by the operator."""
    return signed(lab, ETH, "operator", "buffer_transaction", *buffer_args(lab, ETH, number), **how)


def submits(lab: Lab) -> list[Submit]:
    """What was recorded of sends."""
    return [record for record in lab.recorder.records if isinstance(record, Submit)]


def mined(lab: Lab, tx_hash: str) -> bool:
    """Whether it is in a block within half a minute."""
    lab.scheduler.sleep(30)
    return lab.chains[ETH].look().receipt(tx_hash) is not None


def test_without_faults_calls_pass_at_once(lab: Lab) -> None:
    """The answer is of now, and a send is recorded with its decoded call."""
    gate = gate_of(lab)
    lab.chains[ETH].look()
    assert acted(lab, lambda: int(gate.call("eth_blockNumber", []), 16)) == (head(lab, ETH), 0)
    raw, tx_hash = buffering(lab)
    assert acted(lab, lambda: gate.call(SEND, [raw]))[0] == tx_hash
    (record,) = submits(lab)
    assert (record.tx, record.outcome, record.function, record.nonce) == (tx_hash, "ok", "buffer_transaction", 0)
    assert record.sender == role_account("operator").address
    assert record.args["tx_id"] == tx_id(1)
    assert mined(lab, tx_hash)


def test_a_delay_takes_time_both_ways(lab: Lab) -> None:
    """The node is asked after half of it: what the answer says may be old."""
    gate = gate_of(lab)
    lab.policies[ETH].add(Rule(Effect(delay_ms=3000), "eth_blockNumber"))
    lab.chains[ETH].look()
    slot_ms = lab.chains[ETH].producer.next_slot_ms()
    lab.scheduler.advance_to(slot_ms - 2000)
    lab.chains[ETH].look()
    before = head(lab, ETH)
    assert acted(lab, lambda: int(gate.call("eth_blockNumber", []), 16)) == (before, 3000)
    assert lab.chains[ETH].look().block_number() == before + 1


def test_an_answer_that_comes_too_late(lab: Lab) -> None:
    """The client gives up at its own time-out; the node did what was asked."""
    gate = gate_of(lab)
    lab.policies[ETH].add(Rule(Effect(delay_ms=7000)))
    raw, tx_hash = buffering(lab)
    failure, took_ms = acted(lab, lambda: gate.call(SEND, [raw]))
    assert (type(failure), took_ms) == (RpcTimeout, TIMEOUT_MS)
    assert submits(lab)[0].outcome == "info"
    assert mined(lab, tx_hash)


def test_the_clients_own_time_out_counts(lab: Lab) -> None:
    """A call may be less patient than the connection."""
    gate = gate_of(lab)
    lab.policies[ETH].add(Rule(Effect(delay_ms=2000), "eth_chainId"))
    failure, took_ms = acted(lab, lambda: gate.call("eth_chainId", [], 1.5))
    assert (type(failure), took_ms) == (RpcTimeout, 1500)


def test_a_lost_reply_was_really_forwarded(lab: Lab) -> None:
    """The client knows nothing, the chain has it."""
    gate = gate_of(lab)
    lab.policies[ETH].add(Rule(Effect(lose_reply=True)))
    raw, tx_hash = buffering(lab)
    failure, took_ms = acted(lab, lambda: gate.call(SEND, [raw]))
    assert (type(failure), took_ms, failure.definite) == (RpcTimeout, TIMEOUT_MS, False)
    assert submits(lab)[0].outcome == "info"
    assert mined(lab, tx_hash)


def test_a_lost_refusal_is_lost(lab: Lab) -> None:
    """The node's error answer is an answer, too."""
    gate = gate_of(lab)
    lab.policies[ETH].add(Rule(Effect(lose_reply=True)))
    raw, _ = buffering(lab, max_fee=1, tip=1)
    failure, took_ms = acted(lab, lambda: gate.call(SEND, [raw]))
    assert (type(failure), took_ms) == (RpcTimeout, TIMEOUT_MS)


def test_a_delayed_refusal_comes_when_an_answer_would(lab: Lab) -> None:
    """Not in half of the time."""
    gate = gate_of(lab)
    lab.policies[ETH].add(Rule(Effect(delay_ms=2000)))
    raw, _ = buffering(lab, max_fee=1, tip=1)
    failure, took_ms = acted(lab, lambda: gate.call(SEND, [raw]))
    assert (type(failure), took_ms) == (RpcRefused, 2000)


@pytest.mark.parametrize(("status", "code"), [(None, -32005), (429, 429)])
def test_a_refusal_never_reaches_the_node(lab: Lab, status: int | None, code: int) -> None:
    """It is definite, and recorded as a failure."""
    gate = gate_of(lab)
    lab.policies[ETH].add(Rule(Effect(refusal=Refusal(-32005, "limit exceeded", status))))
    raw, tx_hash = buffering(lab)
    failure, _ = acted(lab, lambda: gate.call(SEND, [raw]))
    assert isinstance(failure, RpcRefused)
    assert (failure.code, failure.reason) == (code, "limit exceeded")
    assert submits(lab)[0].outcome == "fail"
    assert not mined(lab, tx_hash)


def test_a_frozen_node_takes_it_and_answers_nothing(lab: Lab) -> None:
    """Requests hang; a transaction lies in its socket and arrives when the node goes on."""
    gate, chain = gate_of(lab), lab.chains[ETH]
    raw, tx_hash = buffering(lab)
    chain.freeze()
    for method, params in (("eth_blockNumber", []), (SEND, [raw])):
        failure, took_ms = acted(lab, lambda method=method, params=params: gate.call(method, params))  # type: ignore[misc]
        assert (type(failure), took_ms) == (RpcTimeout, TIMEOUT_MS)
    assert chain.blocked_calls == 2
    assert submits(lab)[0].outcome == "info"
    chain.thaw()
    assert mined(lab, tx_hash)


def test_a_dead_node_refuses_connections(lab: Lab) -> None:
    """At once, and definitely without effect."""
    gate, chain = gate_of(lab), lab.chains[ETH]
    raw, tx_hash = buffering(lab)
    chain.crash()
    failure, took_ms = acted(lab, lambda: gate.call(SEND, [raw]))
    assert (type(failure), took_ms, failure.definite) == (RpcUnavailable, 0, True)
    assert chain.blocked_calls == 1
    assert submits(lab)[0].outcome == "fail"
    chain.restart()
    assert not mined(lab, tx_hash)


def test_a_replacement_must_pay_more_while_its_predecessor_waits(lab: Lab) -> None:
    """Ten percent on both fees; one wei less is refused in geth's words; the same transaction again is not."""
    gate = gate_of(lab)
    fee, tip = 40 * 10**9, 10**9
    first, _ = buffering(lab, max_fee=fee, tip=tip)
    gate.call(SEND, [first])
    for max_fee, new_tip in ((fee * 11 // 10 - 1, tip * 2), (fee * 2, tip * 11 // 10 - 1)):
        with pytest.raises(RpcRefused, match="replacement transaction underpriced"):
            gate.call(SEND, [buffering(lab, 2, max_fee=max_fee, tip=new_tip, nonce=0)[0]])
    with pytest.raises(RpcRefused, match="already imported"):
        gate.call(SEND, [first])
    _, tx_hash = replacement = buffering(lab, 2, max_fee=fee * 11 // 10, tip=tip * 11 // 10, nonce=0)
    gate.call(SEND, [replacement[0]])
    assert mined(lab, tx_hash)
    assert [record.outcome for record in submits(lab)] == ["ok", "fail", "fail", "ok", "ok"]


def _kill(lab: Lab) -> None:
    lab.chains[ETH].crash()
    lab.chains[ETH].restart()


def _lose_in_a_reorg(lab: Lab) -> None:
    lab.scheduler.sleep(30)
    lab.chains[ETH].look()
    assert len(lab.chains[ETH].reorg(4, requeue=False)) == 1


@pytest.mark.parametrize("lose", [_kill, _lose_in_a_reorg])
def test_what_the_pool_lost_need_not_be_outbid(lab: Lab, lose: Callable[[Lab], None]) -> None:
    """After a crash, or dropped in a reorg, the nonce is free at any price."""
    gate = gate_of(lab)
    gate.call(SEND, [buffering(lab, 1, max_fee=40 * 10**9, tip=2 * 10**9, nonce=0)[0]])
    lose(lab)
    raw, tx_hash = buffering(lab, 2, max_fee=30 * 10**9, tip=10**9, nonce=0)
    gate.call(SEND, [raw])
    assert mined(lab, tx_hash)


def test_polygon_has_a_tip_floor(start_lab: StartLab) -> None:
    """In the words of its own nodes."""
    lab = start_lab("polygon")
    gate, floor = gate_of(lab, "polygon"), lab.chains["polygon"].profile.min_tip_wei
    assert floor == 25 * 10**9
    args = buffer_args(lab, "polygon", 1)
    raw, _ = signed(lab, "polygon", "operator", "buffer_transaction", *args, tip=floor - 1)
    with pytest.raises(RpcRefused, match=f"gas tip cap {floor - 1}, minimum needed {floor}"):
        gate.call(SEND, [raw])
    raw, tx_hash = signed(lab, "polygon", "operator", "buffer_transaction", *args, tip=floor)
    assert gate.call(SEND, [raw]) == tx_hash


def test_a_transaction_of_an_older_type_is_seen_when_it_is_mined(start_lab: StartLab) -> None:
    """The lab does not decode it on its way; the block that holds it is recorded like any other."""
    lab = start_lab("arbitrum")
    lab.scheduler.advance_to(10_000)
    gate, chain = gate_of(lab, "arbitrum"), lab.chains["arbitrum"]
    account: Account = role_account("operator")
    codec = lab.spec.target.codec
    fields = {
        "nonce": 0, "gasPrice": 10**10, "gas": 900_000, "value": 0, "chainId": chain.profile.chain_id,
        "to": bytes.fromhex(chain.contract[2:]),
        "data": codec.encode("buffer_transaction", buffer_args(lab, "arbitrum", 1)),
    }  # fmt: skip
    legacy = "0x" + bytes(EthAccount.sign_transaction(fields, account.key).raw_transaction).hex()
    tx_hash = gate.call(SEND, [legacy])
    lab.scheduler.sleep(5)
    chain.look()
    assert tx_hash in chain.observer.observed


@pytest.mark.parametrize("params", [[], ["0x"], ["0x02zz"], ["hello"], [5], [None]])
def test_garbage_is_the_nodes_to_refuse(lab: Lab, params: list[Any]) -> None:
    """The lab has no error of its own for it, and records nothing."""
    with pytest.raises(RpcRefused):
        gate_of(lab).call(SEND, params)
    assert submits(lab) == []
