"""A guest is told what was stored in the block that is final by its chain's rule, however deep that is."""

from __future__ import annotations

import pytest

from lab.model.chain.finality import Finality

from ..conftest import StartLab
from ..faults.test_gate import gate_of


@pytest.mark.parametrize(
    ("network", "rule", "depth"),
    [
        ("base", Finality(seconds=40), 200),
        ("base", Finality(blocks=150), 150),
        ("optimism", Finality(blocks=2), 2),
        ("optimism", Finality(tag="finalized"), 64),
    ],
    ids=str,
)
def test_states_are_kept_behind_the_final_block(start_lab: StartLab, network: str, rule: Finality, depth: int) -> None:
    """And for as long as a full node keeps its newest ones, 128 blocks, while somebody works on what it read."""
    lab = start_lab(network, finality=rule)
    chain = lab.chains[network]
    lab.scheduler.advance_to((depth + 140) * chain.profile.block_time_ms)
    chain.look()
    number = chain.producer.head.number - depth - 120
    call = {"to": chain.contract, "data": lab.spec.target.codec.encode("transaction_count", ())}
    assert int(gate_of(lab, network).call("eth_call", [call, hex(number)]), 16) == 0
