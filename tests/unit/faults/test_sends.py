"""Every way in which a relayer can send, or try to: each transaction type, each method, alone and in a batch."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from lab.errors import printable
from lab.faults import FAULTS, FaultContext
from lab.faults.transport import sync_send
from lab.faults.transport.methods import refusal
from lab.faults.transport.policy import Effect
from lab.faults.transport.raw_transaction import decode_raw
from lab.model.records import Note
from lab.networks import BUILT_IN, load_network
from lab.networks.rpc_methods import common_methods, served_methods
from lab.rpc import RpcRefused, RpcTimeout
from lab.session.lab import Lab
from tests.waiting import eventually

from ..conftest import StartLab
from ..real_chains import buffer_args
from .proxied import CODEC, CONTRACT, Always, Proxied, proxied
from .test_gate import acted, gate_of, submits
from .test_proxy import SEND, SYNC, call, post
from .typed import BLOB, TYPES, raw_of

PAUSE = CODEC.encode("pause", [])
RECEIPT = "eth_getTransactionReceipt"
POLYGON_FLOOR_GWEI = 25
NOT_CARRIED = (
    "eth_sendTransaction", "eth_sendPrivateTransaction", "eth_sendPrivateRawTransaction", "eth_sendBundle",
    "eth_sendRawTransactionConditional", "eth_sendUserOperation", "eth_sendUnsignedTransaction", "eth_signTransaction",
    "eth_resend", "personal_sendTransaction", "wallet_sendTransaction", "wallet_sendCalls", "mev_sendBundle",
    "anvil_mine", "anvil_setBalance", "evm_mine", "evm_increaseTime", "evm_revert", "hardhat_impersonateAccount",
    "tenderly_setBalance", "miner_start", "admin_peers", "engine_newPayloadV3", "debug_setHead", "eth_subscribe",
    "eth_unsubscribe", "mine", "", "eth_sign", "eth_signTypedData_v4", "eth_coinbase", "eth_mining", "eth_setGasPrice",
    "txpool_content", "txpool_status", "debug_traceTransaction", "trace_block", "ots_getApiLevel",
    "rpc_modules", "anvil_impersonateAccount", "anvil_reset", "anvil_dumpState", "hardhat_reset",
    "ETH_CHAINID", "eth_chainid", "eth_chainId ", "eth_call\n", "parity_pendingTransactions", "x" * 10_000,
)  # fmt: skip


@pytest.fixture
def lab() -> Iterator[Proxied]:
    with proxied() as parts:
        yield parts


@pytest.fixture
def arbitrum(start_lab: StartLab) -> Lab:
    """A chain without a tip floor, ten seconds after genesis."""
    lab = start_lab("arbitrum")
    lab.scheduler.advance_to(10_000)
    return lab


def raw(kind: str, **how: Any) -> str:
    """One for the stand-in node."""
    return raw_of(kind, chain_id=137, to=CONTRACT, data=PAUSE, **how)


def buffering(lab: Lab, kind: str, number: int = 1, *, chain: str = "arbitrum", **how: Any) -> str:
    """One that buffers a transaction."""
    there = lab.chains[chain]
    data = lab.spec.target.codec.encode("buffer_transaction", buffer_args(lab, chain, number))
    return raw_of(kind, chain_id=there.profile.chain_id, to=there.contract, data=data, role="operator", **how)


def notes(lab: Proxied) -> list[str]:
    """What was put on record of requests that the lab does not carry."""
    return [each.text for each in lab.recorder.records if isinstance(each, Note) and each.kind == "refused"]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("method", [SEND, SYNC])
def test_every_type_is_followed_on_a_real_chain(start_lab: StartLab, kind: str, method: str) -> None:
    """It is mined, its record tells its call and its fee, the block tells the same, and a reorg can put it back."""
    lab = start_lab("ethereum")
    lab.scheduler.advance_to(30_000)
    chain, signed = lab.chains["ethereum"], buffering(lab, kind, chain="ethereum")
    answer, _ = acted(lab, lambda: gate_of(lab).call(method, [signed], 30.0))
    lab.scheduler.sleep(15)
    chain.look()
    (submit,) = submits(lab)
    tx_hash = answer if method == SEND else answer["transactionHash"]
    assert (submit.tx, submit.outcome, submit.function) == (tx_hash, "ok", "buffer_transaction")
    assert (submit.max_fee_per_gas, submit.nonce) == (100 * 10**9, 0)
    assert chain.observer.observed[tx_hash][1].sender == submit.sender
    assert chain.reorg(2, requeue=True) == (tx_hash,)
    assert chain.waits(tx_hash)


@pytest.mark.parametrize("method", [SEND, SYNC])
@pytest.mark.parametrize("kind", TYPES)
def test_every_type_is_held_against_the_pool_rules(lab: Proxied, kind: str, method: str) -> None:
    """Polygon's tip floor and +10 % for a replacement, whatever type stood there before."""
    lab.upstream.results[RECEIPT] = {"status": "0x1"}
    client = lab.client()
    with pytest.raises(RpcRefused, match="minimum needed"):
        client.call(method, [raw(kind, gwei=POLYGON_FLOOR_GWEI - 1)])
    client.call(method, [raw("dynamic fee", gwei=100)])
    with pytest.raises(RpcRefused, match="replacement transaction underpriced"):
        client.call(method, [raw("legacy" if kind == "dynamic fee" else kind, gwei=109)])
    client.call(method, [raw(kind, gwei=110)])
    assert lab.outcomes() == ["fail", "ok", "fail", "ok"]
    assert lab.upstream.methods().count(SEND) == 2


@pytest.mark.parametrize("method", NOT_CARRIED)
def test_what_no_provider_serves_is_refused_in_its_words(lab: Proxied, method: str) -> None:
    """No node hears of it, the answer names the method, and one line stands on record however often it is tried."""
    for _ in range(2):
        _, body = post(lab, json.dumps([call("eth_chainId", request_id="a"), call(method, {})]).encode())
        first, second = json.loads(body)
        assert (first["id"], "result" in first, second["error"]["code"]) == ("a", True, -32601)
        pushing = method in ("eth_subscribe", "eth_unsubscribe")
        words = (
            "notifications not supported" if pushing else f"the method {method[:80]} does not exist/is not available"
        )
        assert second["error"]["message"] == words
    assert lab.upstream.methods() == ["eth_chainId", "eth_chainId"]
    assert len(notes(lab)) == 1
    assert printable(method[:80]) in notes(lab)[0] or "poll" in notes(lab)[0]


def test_the_gate_refuses_the_same(arbitrum: Lab) -> None:
    """A guest under the virtual clock cannot drive its node either."""
    chain = arbitrum.chains["arbitrum"]
    chain.look()
    head = chain.producer.head.number
    for method in ("anvil_mine", "evm_increaseTime", "eth_sendTransaction"):
        with pytest.raises(RpcRefused, match="does not exist/is not available"):
            gate_of(arbitrum, "arbitrum").call(method, [])
    assert chain.producer.rpc.block_number() == head
    assert [note.kind for note in arbitrum.recorder.records if isinstance(note, Note)] == ["refused"] * 3


@pytest.mark.parametrize("network", BUILT_IN)
def test_what_providers_serve_is_the_nodes_to_answer(network: str) -> None:
    """Reading and raw sends on every network, cited; what one has beside them on its own."""
    served = served_methods(load_network(network))
    assert {"eth_call", "eth_getLogs", "eth_newBlockFilter", "net_version", "eth_feeHistory", SEND, SYNC} <= served
    assert not served & set(NOT_CARRIED)
    assert all(refusal(method, served) is None for method in served)
    assert ("bor_getAuthor" in served) == (network in ("polygon", "amoy"))
    assert common_methods().source


def test_the_endpoint_does_not_answer_as_a_test_node(lab: Proxied) -> None:
    """No account is unlocked there, no client is Anvil, and the node is not asked."""
    client = lab.client()
    assert client.call("eth_accounts", []) == []
    assert "anvil" not in client.call("web3_clientVersion", []).lower()
    assert lab.upstream.requests == []


def test_blobs_are_taken_where_the_network_has_them(start_lab: StartLab) -> None:
    """On the L1 they are followed like any other send; elsewhere refused in the words of a node."""
    lab = start_lab("ethereum", "arbitrum")
    lab.scheduler.advance_to(30_000)
    refused, _ = acted(lab, lambda: gate_of(lab, "arbitrum").call(SEND, [buffering(lab, BLOB, chain="arbitrum")]))
    assert str(refused).endswith("transaction type not supported")
    signed = buffering(lab, BLOB, chain="ethereum")
    acted(lab, lambda: gate_of(lab).call(SEND, [signed]))
    first, second = submits(lab)
    assert (first.chain, first.outcome, first.function) == ("arbitrum", "fail", "buffer_transaction")
    assert (second.chain, second.outcome, second.function) == ("ethereum", "ok", "buffer_transaction")
    assert second.max_fee_per_gas == 100 * 10**9


def test_what_the_lab_cannot_read_is_what_the_node_says_that_it_is(lab: Proxied) -> None:
    """A node may take bytes that nobody else can read: they are on record with its own account of them."""
    tx_hash, sender = "0x" + "ab" * 32, "0x" + "cd" * 20
    lab.upstream.results[SEND] = tx_hash
    lab.upstream.results["eth_getTransactionByHash"] = {
        "hash": tx_hash, "from": sender, "nonce": "0x7", "to": CONTRACT, "input": PAUSE,
        "maxFeePerGas": hex(10**12), "maxPriorityFeePerGas": hex(10**11),
    }  # fmt: skip
    assert lab.client().call(SEND, ["0x02c0ffee"]) == tx_hash
    (submit,) = lab.submitted()
    assert (submit.tx, submit.sender, submit.nonce, submit.function) == (tx_hash, sender, 7, "pause")
    assert (submit.outcome, submit.max_fee_per_gas) == ("ok", 10**12)
    assert lab.chain.waits(tx_hash)


def test_the_pool_rules_hold_for_what_only_the_node_can_read(lab: Proxied) -> None:
    """What pays too little is taken out of the node's pool again, and refused."""
    tx_hash = "0x" + "ab" * 32
    lab.upstream.results[SEND] = tx_hash
    lab.upstream.results["eth_getTransactionByHash"] = {"from": "0x" + "cd" * 20, "nonce": "0x7", "gasPrice": "0x1"}
    with pytest.raises(RpcRefused, match="minimum needed"):
        lab.client().call(SEND, ["0x01c0ffee"])
    assert lab.upstream.requests[-1]["method"] == "anvil_dropTransaction"
    assert lab.outcomes() == ["fail"]


def test_a_transaction_past_the_endpoint_is_on_record(arbitrum: Lab) -> None:
    """Who finds the node's own port sends past every fault: the run says so, and its verdict is UNKNOWN."""
    chain = arbitrum.chains["arbitrum"]
    chain.look().send_raw(buffering(arbitrum, "legacy"))
    chain.producer.pool_may_hold = True
    arbitrum.scheduler.sleep(5)
    chain.look()
    chain.observer.flush()
    (note,) = [record for record in arbitrum.recorder.records if isinstance(record, Note)]
    assert note.kind == "stray"
    assert "past the lab's endpoint" in note.text
    acted(arbitrum, lambda: gate_of(arbitrum, "arbitrum").call(SEND, [buffering(arbitrum, "legacy", 2, nonce=1)]))
    arbitrum.scheduler.sleep(5)
    chain.look()
    chain.observer.flush()
    assert len([record for record in arbitrum.recorder.records if isinstance(record, Note)]) == 1


def test_a_send_that_waits_for_its_block_is_answered_with_the_receipt(lab: Proxied) -> None:
    """The node is handed a plain send, and asked for the receipt until it has one."""
    lab.upstream.results[RECEIPT] = None
    task: list[Any] = []
    thread = threading.Thread(target=lambda: task.append(lab.client().call(SYNC, [raw("legacy")])))
    thread.start()
    eventually(lambda: RECEIPT in lab.upstream.methods(), "a look for the receipt")
    assert lab.chain.producer.pool_may_hold
    lab.upstream.results[RECEIPT] = {"status": "0x1"}
    thread.join(20)
    assert task == [{"status": "0x1"}]
    assert lab.upstream.methods()[0] == SEND


def test_a_block_that_does_not_come_in_time_is_no_failed_send(lab: Proxied) -> None:
    """EIP-7966's error 4 with the hash; the record says that the node took it."""
    lab.upstream.results[RECEIPT] = None
    signed = raw("dynamic fee")
    with pytest.raises(RpcRefused, match="wasn't processed") as late:
        lab.client().call(SYNC, [signed, 1])
    sent = decode_raw(signed)
    assert sent is not None
    assert (late.value.code, late.value.data) == (sync_send.NOT_MINED, sent.hash)
    assert lab.outcomes() == ["ok"]


def test_under_the_virtual_clock_the_wait_is_simulated_time(arbitrum: Lab) -> None:
    """Without a block the answer is the error at the end of the asked time, or the client's own time-out before."""
    chain = arbitrum.chains["arbitrum"]
    chain.look()
    chain.producer.withholders.append(lambda slot: True)
    gate = gate_of(arbitrum, "arbitrum")
    failure, took_ms = acted(arbitrum, lambda: gate.call(SYNC, [buffering(arbitrum, "legacy"), "0x7d0"]))
    assert (type(failure), took_ms) == (RpcRefused, 2000)
    failure, took_ms = acted(arbitrum, lambda: gate.call(SYNC, [buffering(arbitrum, "legacy", 2, nonce=1)]))
    assert (type(failure), took_ms) == (RpcTimeout, 5000)
    assert [submit.outcome for submit in submits(arbitrum)] == ["ok", "info"]


@pytest.mark.parametrize("wait", [0, -1, "soon", [], {}])
def test_a_time_to_wait_that_is_none_sends_nothing(lab: Proxied, wait: Any) -> None:
    """It is found out before the node is handed anything."""
    with pytest.raises(RpcRefused, match="milliseconds"):
        lab.client().call(SYNC, [raw("legacy"), wait])
    assert lab.upstream.requests == []


@pytest.mark.parametrize(
    ("fault", "params"),
    [("lost_reply", {}), ("pool_full", {}), ("duplicate_delivery", {}), ("rpc_error", {"methods": [SEND]})],
)
def test_faults_that_name_sends_hit_every_way_of_sending(lab: Proxied, fault: str, params: dict[str, Any]) -> None:
    """A relayer does not get around a fault by another method's name."""
    spec = FAULTS[fault].spec.model_validate({"fault": fault, "chain": "polygon", "at": "1s", **params})
    context = FaultContext(lab.chain._scheduler, {"polygon": lab.chain}, {"polygon": lab.policy}, None, 1)
    active = FAULTS[fault].activate(context, "it", spec)
    active.inject()
    assert lab.policy.plan(SYNC) != Effect()
    assert lab.policy.plan("eth_chainId") == Effect()
    assert active.activations == 1


@pytest.mark.parametrize("alone", [True, False])
def test_a_send_without_an_id_is_done_and_not_answered(lab: Proxied, alone: bool) -> None:
    """A notification is a send like any other; in a batch only its answer is missing."""
    quiet = {key: value for key, value in call(SEND, raw("legacy")).items() if key != "id"}
    _, body = post(lab, json.dumps(quiet if alone else [quiet, call("eth_chainId", request_id=7)]).encode())
    assert body == b"" if alone else [answer["id"] for answer in json.loads(body)] == [7]
    assert lab.outcomes() == ["ok"]


@pytest.mark.parametrize("number", ["a", "", 0, 7, -1, 2**70, 1.5, None])
def test_every_id_comes_back(lab: Proxied, number: Any) -> None:
    """Also one that the node itself could not read."""
    _, body = post(lab, json.dumps(call(SEND, raw("legacy"), request_id=number)).encode())
    assert json.loads(body)["id"] == number
    assert lab.outcomes() == ["ok"]


@pytest.mark.parametrize("number", [True, {}, []])
def test_what_is_no_id_is_no_request(lab: Proxied, number: Any) -> None:
    """JSON-RPC knows texts, numbers and null."""
    _, body = post(lab, json.dumps(call("eth_chainId", request_id=number)).encode())
    assert json.loads(body)["error"]["code"] == -32600


def test_a_lost_reply_of_a_waiting_send_has_no_known_outcome(lab: Proxied) -> None:
    """The receipt never arrives: the relayer cannot know, and the record says so."""
    lab.upstream.results[RECEIPT] = {"status": "0x1"}
    lab.policy.add(Always(Effect(lose_reply=True), SYNC))
    with pytest.raises(RpcTimeout):
        lab.client(0.5).call(SYNC, [raw("set code")])
    eventually(lambda: lab.outcomes() == ["info"], "a send without a known outcome")
