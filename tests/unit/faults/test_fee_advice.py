"""Whoever offers the fees that a network's node advises is not refused by that network's pool."""

from __future__ import annotations

from typing import Any

import pytest

from lab.coordinator import Fees, role_account, sign_transaction
from lab.faults.transport.fee_advice import advised
from lab.faults.transport.gate import Gate
from lab.networks import BUILT_IN, load_network

from ..conftest import StartLab
from .test_gate import gate_of

FLOORED = [name for name in BUILT_IN if load_network(name).min_tip_wei]
GWEI = 10**9


def offers(gate: Gate) -> dict[str, int]:
    """The tip in wei that each client library takes from what the node says."""
    base_fee = int(gate.call("eth_getBlockByNumber", ["latest", False])["baseFeePerGas"], 16)
    history = gate.call("eth_feeHistory", [hex(4), "latest", [20, 50]])
    return {
        "eth_maxPriorityFeePerGas": int(gate.call("eth_maxPriorityFeePerGas", []), 16),
        "eth_gasPrice": int(gate.call("eth_gasPrice", []), 16) - base_fee,
        **{f"eth_feeHistory {at}": min(int(tips[at], 16) for tips in history["reward"]) for at in (0, 1)},
    }


@pytest.mark.parametrize("network", FLOORED)
def test_what_is_advised_is_taken(start_lab: StartLab, network: str) -> None:
    """By each way to ask, also where all blocks were empty: no tip below the least."""
    lab = start_lab(network)
    lab.scheduler.advance_to(40_000)
    chain, gate = lab.chains[network], gate_of(lab, network)
    sender, least = role_account("relayer"), chain.profile.min_tip_wei
    for nonce, (way, tip) in enumerate(offers(gate).items()):
        assert tip >= least, way
        fees = Fees(2 * chain.producer.head.base_fee + tip, tip)
        raw, tx_hash = sign_transaction(
            sender, chain_id=chain.profile.chain_id, nonce=nonce, to=sender.address, data="0x", gas=21_000, fees=fees
        )
        assert gate.call("eth_sendRawTransaction", [raw]) == tx_hash, way


@pytest.mark.parametrize("network", sorted({"arbitrum", "base"} - {*FLOORED}))
def test_without_a_least_tip_it_is_the_nodes_word(start_lab: StartLab, network: str) -> None:
    """Nothing is made of it."""
    lab = start_lab(network)
    lab.scheduler.advance_to(40_000)
    gate, node = gate_of(lab, network), lab.chains[network].look()
    for method, params in (
        ("eth_maxPriorityFeePerGas", []),
        ("eth_gasPrice", []),
        ("eth_feeHistory", ["0x2", "latest", [50]]),
    ):
        assert gate.call(method, list(params)) == node.call(method, *params)


@pytest.mark.parametrize(
    ("method", "answer", "expected"),
    [
        ("eth_maxPriorityFeePerGas", hex(30 * GWEI), hex(30 * GWEI)),
        ("eth_maxPriorityFeePerGas", hex(GWEI), hex(25 * GWEI)),
        ("eth_gasPrice", hex(200 * GWEI), hex(200 * GWEI)),
        ("eth_gasPrice", hex(101 * GWEI), hex(125 * GWEI)),
        ("eth_feeHistory", {"reward": [["0x0", hex(40 * GWEI)]]}, {"reward": [[hex(25 * GWEI), hex(40 * GWEI)]]}),
        ("eth_feeHistory", {"oldestBlock": "0x1", "reward": None}, {"oldestBlock": "0x1", "reward": None}),
        ("eth_feeHistory", {"oldestBlock": "0x1"}, {"oldestBlock": "0x1"}),
        ("eth_gasPrice", None, None),
    ],
)
def test_what_becomes_of_an_answer(method: str, answer: Any, expected: Any) -> None:
    """Raised to the least, never lowered; what is no figure stays."""
    assert advised(method, answer, base_fee=100 * GWEI, min_tip=25 * GWEI) == expected
