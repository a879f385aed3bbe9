"""A run's monitor sees the chain as it is, though it asks for less than it is asked."""

from __future__ import annotations

from typing import Any

import pytest

from lab.coordinator import role_account
from lab.rpc import RpcRefused, Transport
from lab.rpc.forwarded import OVERRIDES, SENDER
from lab.runner.monitoring.look import Look
from tests.unit.conftest import StartLab
from tests.unit.real_chains import buffer

BLOCK = "eth_getBlockByNumber"


def alike(seen: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Whether all is there that is expected: of a block that it mined a node tells more than it does later."""
    if not all(isinstance(tx, dict) for tx in expected["transactions"]):
        return {name: seen[name] for name in expected} == expected
    named = [
        {name: tx[name] for name in wanted}
        for tx, wanted in zip(seen["transactions"], expected["transactions"], strict=True)
    ]
    return {**{name: seen[name] for name in expected}, "transactions": named} == expected


@pytest.mark.parametrize("forged", ["", "hash"])
def test_blocks_are_those_of_the_chain(start_lab: StartLab, forged: str) -> None:
    """With and without transactions, over a reorg; what was kept counts only where hashes lead to it."""
    lab = start_lab("optimism")
    chain, first = lab.chains["optimism"], 0
    look = Look(chain)
    for at_s in (15, 30, 45, 60):
        if at_s == 45:
            buffer(lab, "optimism", 1)
        lab.scheduler.advance_to(at_s * 1000)
        if at_s == 60:
            chain.producer.replace(chain.producer.roll_back(3), lab.scheduler.now_ms)
        look.begin()
        chain.look()
        kept = chain.producer.kept or {}
        if forged:
            kept.update({number: {**block, forged: "0x" + "11" * 32} for number, block in list(kept.items())[-2:]})
        head = look.call(BLOCK, ["latest", False])
        rpc = chain.look()
        assert head == rpc.call(BLOCK, "latest", False)
        contract = chain.contract
        for number in range(first, int(head["number"], 16) + 1):
            logs = {"address": contract, "fromBlock": hex(first), "toBlock": hex(number)}
            assert look.call("eth_getLogs", [logs]) == rpc.call("eth_getLogs", logs)
            expected = rpc.call(BLOCK, hex(number), True)
            seen = look.call(BLOCK, [hex(number), True])
            assert alike(seen, expected)
            assert alike(look.call(BLOCK, [hex(number), False]), rpc.call(BLOCK, hex(number), False))
            receipts = rpc.call("eth_getBlockReceipts", hex(number))
            assert look.call("eth_getBlockReceipts", [hex(number)]) == receipts
            for receipt in receipts:
                assert look.call("eth_getTransactionReceipt", [receipt["transactionHash"]]) == receipt
        first = int(head["number"], 16)
        assert len(kept) <= 1 or forged


@pytest.mark.parametrize(
    "overrides", [OVERRIDES, {}, {SENDER: {"code": "0xfe"}}], ids=["forwards", "ignores", "refuses"]
)
def test_the_state_is_that_of_the_node(
    start_lab: StartLab, monkeypatch: pytest.MonkeyPatch, overrides: dict[str, Any]
) -> None:
    """Views, code and balances, with what changed meanwhile; a refusal keeps the node's words.

    Also by a node that takes no overrides, or whose gas is spent by the whole call.
    """
    monkeypatch.setattr("lab.rpc.forwarded.OVERRIDES", overrides)
    lab = start_lab("optimism")
    chain = lab.chains["optimism"]
    look, codec = Look(chain), lab.spec.target.codec
    views = [codec.encode(name, ()) for name in ("owner", "transaction_count", "paused")]
    asked: list[tuple[str, Any]] = [
        ("eth_call", {"to": chain.contract, "data": data}) for data in (*views, "0xdeadbeef")
    ]
    asked += [("eth_getCode", chain.contract), ("eth_getBalance", role_account("operator").address)]
    moments = []
    for at_s in (15, 30, 45, 60):
        lab.scheduler.advance_to(at_s * 1000)
        if at_s == 60:
            chain.look().call("anvil_setCode", chain.contract, "0x00")
        look.begin()
        answers = [outcome(look, method, [what, "latest"]) for method, what in asked]
        assert answers == [outcome(chain.look().transport, method, [what, "latest"]) for method, what in asked]
        moments.append(answers)
        buffer(lab, "optimism", at_s)
    assert [int(answers[1], 16) for answers in moments[:3]] == [0, 1, 2]
    assert [answers[4] == "0x00" for answers in moments] == [False, False, False, True]
    assert len({answers[5] for answers in moments}) == 4


def outcome(transport: Transport, method: str, params: list[Any]) -> str:
    """What was answered, or the words of a refusal."""
    try:
        return str(transport.call(method, params))
    except RpcRefused as refused:
        return f"{refused.code} {refused.reason} {refused.data}"
