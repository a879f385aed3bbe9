"""A run's monitor sees the chain as it is, though it asks for less than it is asked."""

from __future__ import annotations

import pytest

from lab.runner.monitoring import _Look
from tests.unit.conftest import StartLab
from tests.unit.real_chains import buffer

BLOCK = "eth_getBlockByNumber"


@pytest.mark.parametrize("forged", ["", "hash"])
def test_blocks_are_those_of_the_chain(start_lab: StartLab, forged: str) -> None:
    """With and without transactions, over a reorg; what was kept counts only where hashes lead to it."""
    lab = start_lab("optimism")
    chain, first = lab.chains["optimism"], 0
    look = _Look(chain)
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
            assert {name: seen.get(name) for name in expected} == expected
            assert look.call(BLOCK, [hex(number), False])["hash"] == expected["hash"]
        first = int(head["number"], 16)
        assert len(kept) <= 1 or forged
