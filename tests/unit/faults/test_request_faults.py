"""Faults between the relayer and a real chain: what it is told, what the node got, what an activation is."""

from __future__ import annotations

from typing import Any

import pytest

from lab.coordinator import role_account
from lab.errors import UsageError
from lab.faults import FAULTS
from lab.faults.requests.base import RequestFault
from lab.rpc import RpcFailure, RpcMalformed, RpcRefused, RpcTimeout, RpcUnavailable
from lab.session.lab import Lab

from ..conftest import StartLab
from ..real_chains import block, buffer, head
from .test_faults import spec, started
from .test_gate import SEND, TIMEOUT_MS, acted, buffering, gate_of, mined, submits

ETH, POLYGON = "ethereum", "polygon"


@pytest.fixture
def lab(start_lab: StartLab) -> Lab:
    """An Ethereum with three transactions in as many blocks, a minute and more after genesis."""
    lab = start_lab(ETH)
    for number in range(3):
        lab.scheduler.advance_to(20_000 * (number + 1))
        buffer(lab, ETH, number + 100)
    lab.scheduler.advance_to(100_000)
    lab.chains[ETH].look()
    return lab


def ask(lab: Lab, method: str, *params: Any, chain: str = ETH) -> Any:
    """The answer, or the failure."""
    try:
        return gate_of(lab, chain).call(method, list(params))
    except RpcFailure as failed:
        return failed


def failure(lab: Lab, method: str, *params: Any) -> tuple[type[RpcFailure], bool, int]:
    """What kind of failure, whether it certainly had no effect, and how long it took."""
    failed, took_ms = acted(lab, lambda: gate_of(lab).call(method, list(params)))
    assert isinstance(failed, RpcFailure), failed
    return type(failed), failed.definite, took_ms


def latest(lab: Lab) -> int:
    """The head that the relayer is told."""
    return int(ask(lab, "eth_getBlockByNumber", "latest", False)["number"], 16)


def contract_logs(lab: Lab, first: int, last: str) -> Any:
    """Logs of the contract, as the relayer asks for them."""
    query = {"address": lab.chains[ETH].contract, "fromBlock": hex(first), "toBlock": last}
    return ask(lab, "eth_getLogs", query)


def test_partition(lab: Lab) -> None:
    """Silence to the end of the client's patience; nothing arrives, not even late; the chain goes on."""
    raw, tx_hash = buffering(lab)
    before = head(lab, ETH)
    fault = started(lab, "partition")
    assert failure(lab, SEND, raw) == (RpcTimeout, False, TIMEOUT_MS)
    assert failure(lab, "eth_blockNumber") == (RpcTimeout, False, TIMEOUT_MS)
    assert submits(lab)[-1].outcome == "info"
    assert (fault.activations, fault.proof) == (2, "swallowed 2 of 2 matching requests")
    assert not mined(lab, tx_hash)
    assert head(lab, ETH) > before
    fault.heal()
    assert ask(lab, SEND, raw) == tx_hash
    assert mined(lab, tx_hash)


@pytest.mark.parametrize("forwarded", [False, True])
def test_rpc_reset(lab: Lab, forwarded: bool) -> None:
    """The same failure either way; only the chain knows whether the transaction arrived."""
    raw, tx_hash = buffering(lab)
    fault = started(lab, "rpc_reset", methods=[SEND], forwarded=forwarded)
    assert failure(lab, SEND, raw) == (RpcUnavailable, False, 0)
    assert isinstance(ask(lab, "eth_blockNumber"), str)
    assert fault.activations == 1
    assert submits(lab)[-1].outcome == "info"
    assert mined(lab, tx_hash) is forwarded


@pytest.mark.parametrize(("body", "words"), [("truncated", '"jsonrpc"'), ("html", "502 Bad Gateway")])
def test_rpc_malformed(lab: Lab, body: str, words: str) -> None:
    """It arrives, and the answer is none: a refusal is garbled like everything else."""
    raw, tx_hash = buffering(lab)
    fault = started(lab, "rpc_malformed", body=body)
    answer = ask(lab, SEND, raw)
    assert isinstance(answer, RpcMalformed)
    assert words in str(answer)
    assert isinstance(ask(lab, SEND, "0x00"), RpcMalformed)
    assert fault.activations == 2
    assert mined(lab, tx_hash)


def test_duplicate_delivery(lab: Lab) -> None:
    """The node's answer to the second comes back; the lab records that it was taken; other methods are spared."""
    raw, tx_hash = buffering(lab)
    fault = started(lab, "duplicate_delivery")
    answer = ask(lab, SEND, raw)
    assert isinstance(answer, RpcRefused)
    assert "already imported" in answer.reason
    assert isinstance(ask(lab, "eth_blockNumber"), str)
    assert fault.activations == 1
    assert submits(lab)[-1].outcome == "ok"
    assert mined(lab, tx_hash)


def test_a_stale_head_is_stale_everywhere(lab: Lab) -> None:
    """Heads, nonces, states, logs, receipts, tags and hashes are those of a chain without its newest blocks."""
    sender, chain = role_account("operator").address, lab.chains[ETH]
    now = latest(lab)
    (_, last_tx) = max((number, tx.hash) for number, tx in chain.observer.observed.values())
    at = next(number for number, tx in chain.observer.observed.values() if tx.hash == last_tx)
    lag = now - at + 1
    newest, last_seen = block(lab, ETH, at)["hash"], block(lab, ETH, at - 1)["hash"]
    fault = started(lab, "stale_head", blocks=lag)
    assert latest(lab) == int(ask(lab, "eth_blockNumber"), 16) == at - 1
    assert int(ask(lab, "eth_getTransactionCount", sender, "latest"), 16) == 2
    assert int(ask(lab, "eth_getTransactionCount", sender, "pending"), 16) == 2
    assert ask(lab, "eth_getTransactionReceipt", last_tx) is None
    assert ask(lab, "eth_getTransactionByHash", last_tx)["blockNumber"] is None
    assert ask(lab, "eth_getBlockByNumber", hex(at), False) is None
    assert ask(lab, "eth_getBlockByHash", newest, False) is None
    assert ask(lab, "eth_getBlockByHash", last_seen, False)["number"] == hex(at - 1)
    depth = chain.profile.tag_depth("finalized")
    assert ask(lab, "eth_getBlockByNumber", "finalized", False)["number"] == hex(max(0, at - 1 - depth))
    assert max(int(log["blockNumber"], 16) for log in contract_logs(lab, 1, "latest")) < at
    assert contract_logs(lab, at, hex(now)) == []
    count = {"to": chain.contract, "data": lab.spec.target.codec.encode("transaction_count", [])}
    assert int(ask(lab, "eth_call", count, "latest"), 16) == 2
    for refused in (
        ask(lab, "eth_call", count, {"blockHash": newest}),
        ask(lab, "eth_call", count, hex(at)),
        ask(lab, "eth_getLogs", {"address": chain.contract, "blockHash": newest}),
    ):
        assert isinstance(refused, RpcRefused), refused
    assert fault.activations >= 14
    fault.heal()
    assert latest(lab) == now
    assert int(ask(lab, "eth_getTransactionCount", sender, "latest"), 16) == 3
    assert ask(lab, "eth_getTransactionReceipt", last_tx)["blockNumber"] == hex(at)


def test_a_stale_head_moves_with_the_chain_and_knows_its_new_blocks(lab: Lab) -> None:
    """Always so many blocks behind; the hash of a block mined meanwhile is unknown to it at first."""
    fault = started(lab, "stale_head", blocks=2)
    before = latest(lab)
    lab.scheduler.sleep(60)
    lab.chains[ETH].look()
    now = head(lab, ETH)
    assert latest(lab) == now - 2 > before
    query = {"address": lab.chains[ETH].contract, "blockHash": block(lab, ETH, now)["hash"]}
    assert isinstance(ask(lab, "eth_getLogs", query), RpcRefused)
    query["blockHash"] = block(lab, ETH, now - 2)["hash"]
    assert ask(lab, "eth_getLogs", query) == []
    fault.heal()
    fault.heal()
    assert latest(lab) == now


def test_a_transaction_passes_a_replica(lab: Lab) -> None:
    """It is behind with blocks, not with what it is handed."""
    raw, tx_hash = buffering(lab)
    started(lab, "stale_head", blocks=2)
    assert ask(lab, SEND, raw) == tx_hash
    assert mined(lab, tx_hash)


def test_inconsistent_replicas(lab: Lab) -> None:
    """Some answers are old and some are new, about the share, and a request never mixes both."""
    now = latest(lab)
    fault = started(lab, "inconsistent_replicas", blocks=4, share=0.3)
    heads = [latest(lab) for _ in range(60)]
    assert set(heads) == {now, now - 4}
    assert 6 <= heads.count(now - 4) == fault.activations <= 32


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_missing_logs(lab: Lab, share: float) -> None:
    """Logs are left out; activations are logs, and an answer that had none is no activation."""
    whole = contract_logs(lab, 2, "latest")
    fault = started(lab, "missing_logs", share=share)
    told = contract_logs(lab, 2, "latest")
    assert all(log in whole for log in told)
    assert fault.activations == len(whole) - len(told)
    if share == 1.0:
        assert told == []
    activations = fault.activations
    contract_logs(lab, head(lab, ETH), "latest")
    assert fault.activations == activations
    for _ in range(8):
        contract_logs(lab, 2, "latest")
    assert activations < fault.activations <= 9 * len(whole)
    assert fault.proof.startswith(f"{fault.activations} logs left out, 0 answers turned")
    fault.heal()
    assert contract_logs(lab, 2, "latest") == whole


def test_missing_logs_of_a_filter(lab: Lab) -> None:
    """A filter loses what a query loses, and the hashes that a filter for blocks gives stay."""
    query = {"address": lab.chains[ETH].contract, "fromBlock": "0x2", "toBlock": "latest"}
    logs, blocks = ask(lab, "eth_newFilter", query), ask(lab, "eth_newBlockFilter")
    whole = ask(lab, "eth_getFilterLogs", logs)
    fault = started(lab, "missing_logs")
    assert ask(lab, "eth_getFilterLogs", logs) == []
    assert fault.activations == len(whole) > 0
    lab.scheduler.advance_to(lab.scheduler.now_ms + 30_000)
    assert ask(lab, "eth_getFilterChanges", blocks)


@pytest.mark.parametrize("to", [{}, {"toBlock": "latest"}])
def test_a_filter_tells_what_is_new(lab: Lab, to: dict[str, str]) -> None:
    """As geth's: whatever its first block is, it begins when it is made; who wants the others asks for its logs."""
    query = {"address": lab.chains[ETH].contract, "fromBlock": "0x2"} | to
    first, second = ask(lab, "eth_newFilter", query), ask(lab, "eth_newFilter", query)
    assert ask(lab, "eth_getFilterChanges", first) == []
    lab.scheduler.advance_to(lab.scheduler.now_ms + 20_000)
    buffer(lab, ETH, 200)
    lab.scheduler.advance_to(lab.scheduler.now_ms + 20_000)
    news = ask(lab, "eth_getFilterChanges", first)
    assert [log["blockNumber"] for log in news] == [contract_logs(lab, 2, "latest")[-1]["blockNumber"]]
    assert ask(lab, "eth_getFilterChanges", second) == news
    assert ask(lab, "eth_getFilterChanges", second) == []
    assert isinstance(ask(lab, "eth_getFilterChanges", "0x7"), RpcRefused)


def test_logs_in_reverse(lab: Lab) -> None:
    """All of them, in the other order."""
    whole = contract_logs(lab, 2, "latest")
    fault = started(lab, "missing_logs", share=0, order="reversed")
    assert contract_logs(lab, 2, "latest") == whole[::-1] != whole
    assert fault.activations == 1


def test_log_range_limit(lab: Lab) -> None:
    """Wider ranges are refused with -32602, whatever names their ends; narrower ones and single blocks pass."""
    now = head(lab, ETH)
    fault = started(lab, "log_range_limit", blocks=3)
    for last in ("latest", hex(now)):
        refused = contract_logs(lab, now - 3, last)
        assert isinstance(refused, RpcRefused)
        assert (refused.code, "max block range 3: got 4" in refused.reason) == (-32602, True)
    assert isinstance(contract_logs(lab, now - 2, "latest"), list)
    query = {"address": lab.chains[ETH].contract, "blockHash": block(lab, ETH, now)["hash"]}
    assert ask(lab, "eth_getLogs", query) == []
    assert (fault.activations, fault.proof) == (2, "refused 2 of 4 matching requests")


@pytest.mark.parametrize(
    ("kind", "parameters", "asked", "unasked"),
    [
        ("log_range_limit", {"blocks": 3}, ["eth_blockNumber"], ("eth_getLogs",)),
        ("log_range_limit", {"blocks": 3}, [], ()),
        ("rpc_error", {"methods": ["net_version"]}, ["eth_blockNumber", "net_version"], ()),
        ("rpc_error", {"methods": ["net_version", "eth_chainId"]}, ["eth_blockNumber"], ("eth_chainId", "net_version")),
        ("rpc_error", {"methods": [SEND]}, ["eth_blockNumber"], ()),
        ("rpc_error", {}, [], ()),
    ],
    ids=["other questions", "silence", "asked", "two ways", "nothing sent", "every method"],
)
def test_what_nobody_asked_for(
    lab: Lab, kind: str, parameters: dict[str, Any], asked: list[str], unasked: tuple[str, ...]
) -> None:
    """It shows in a style of reading; who is silent, or sends nothing, may as well be broken."""
    fault = started(lab, kind, **parameters)
    assert isinstance(fault, RequestFault)
    for method in asked:
        ask(lab, method)
    fault.heal()
    assert fault.unasked == unasked


def test_wrong_chain_id(lab: Lab) -> None:
    """Both ways of asking; who does not ask is not fooled, and that is no activation."""
    fault = started(lab, "wrong_chain_id", chain_id=137)
    assert isinstance(ask(lab, "eth_blockNumber"), str)
    assert fault.activations == 0
    assert (ask(lab, "eth_chainId"), ask(lab, "net_version")) == ("0x89", "137")
    assert fault.activations == 2
    fault.heal()
    assert ask(lab, "eth_chainId") == "0x1"


@pytest.mark.parametrize("mib", [1, 65])
def test_huge_response(lab: Lab, mib: int) -> None:
    """Within the client's limit it is read, beyond it refused; the request arrives either way."""
    raw, tx_hash = buffering(lab)
    fault = started(lab, "huge_response", mib=mib)
    answer = ask(lab, SEND, raw)
    if mib == 1:
        assert len(answer) == 2 + mib * 1024 * 1024
    else:
        assert isinstance(answer, RpcMalformed)
    assert fault.activations == 1
    fault.heal()
    assert mined(lab, tx_hash)


def test_pool_full(lab: Lab) -> None:
    """In geth's words, definitely without effect; reads go on."""
    raw, tx_hash = buffering(lab)
    fault = started(lab, "pool_full")
    refused = ask(lab, SEND, raw)
    assert isinstance(refused, RpcRefused)
    assert refused.reason == "txpool is full"
    assert isinstance(ask(lab, "eth_blockNumber"), str)
    assert submits(lab)[-1].outcome == "fail"
    assert fault.activations == 1
    fault.heal()
    assert ask(lab, SEND, raw) == tx_hash


def test_stuck_nonce(lab: Lab) -> None:
    """Only the pending count of that account is one too high, and only until something is mined there."""
    operator, relayer = role_account("operator").address, role_account("relayer").address
    fault = started(lab, "stuck_nonce", role="operator")
    assert int(ask(lab, "eth_getTransactionCount", operator, "pending"), 16) == 4
    assert int(ask(lab, "eth_getTransactionCount", operator, "latest"), 16) == 3
    assert int(ask(lab, "eth_getTransactionCount", relayer, "pending"), 16) == 0
    assert (fault.activations, fault.proof) == (1, "nonce 3 stood in the pool in 1 of 3 answers")
    raw, tx_hash = buffering(lab)
    ask(lab, SEND, raw)
    assert mined(lab, tx_hash)
    assert int(ask(lab, "eth_getTransactionCount", operator, "pending"), 16) == 4
    assert fault.activations == 1


def test_a_stuck_nonce_that_nobody_looks_at_is_replaced(lab: Lab) -> None:
    """Whoever offers a fair price without asking for the pending count was in its way, too."""
    fault = started(lab, "stuck_nonce", role="operator")
    raw, tx_hash = buffering(lab)
    ask(lab, SEND, raw)
    assert mined(lab, tx_hash)
    fault.heal()
    assert (fault.activations, "nonce 3 was taken by a better offer" in fault.proof) == (1, True)


def test_swapped_nodes(start_lab: StartLab) -> None:
    """Each answers for the other; a transaction for one chain is refused by the other; healed, all is as before."""
    lab = start_lab(ETH, POLYGON)
    lab.scheduler.advance_to(30_000)
    raw, tx_hash = buffering(lab)
    fault = FAULTS["swapped_nodes"].activate(lab.fault_context, "f", spec("swapped_nodes", other=POLYGON))
    fault.inject()
    assert ask(lab, "eth_chainId") == "0x89"
    assert ask(lab, "eth_chainId", chain=POLYGON) == "0x1"
    assert isinstance(ask(lab, SEND, raw), RpcRefused)
    assert submits(lab)[-1].outcome == "fail"
    assert fault.activations == 3
    assert fault.proof == "2 requests answered by the other chain, 1 the other way round"
    fault.heal()
    fault.heal()
    assert (ask(lab, "eth_chainId"), ask(lab, "eth_chainId", chain=POLYGON)) == ("0x1", "0x89")
    assert ask(lab, SEND, raw) == tx_hash


def test_swapped_nodes_need_another_chain(lab: Lab) -> None:
    """One chain cannot be exchanged with itself."""
    with pytest.raises(UsageError, match="expected another chain of this scenario"):
        FAULTS["swapped_nodes"].activate(lab.fault_context, "f", spec("swapped_nodes", other=ETH))
