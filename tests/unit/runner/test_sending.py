"""How much gas the calls of scripted scenarios are given."""

from __future__ import annotations

import pytest

from lab.coordinator import role_account
from lab.rpc import RpcRefused
from lab.runner.sending import gas_with_room

from ..conftest import StartLab

LOOP, REVERTS = "0x00000000000000000000000000000000000c0de0", "0x00000000000000000000000000000000000c0de1"
# Counts down from a number: 26 gas a step, and 21,000 for the transaction.
LOOP_CODE, STEP_GAS = "0x63{:08x}5b600190038060055700", 26


@pytest.mark.parametrize(("part", "room"), [(0.1, 0.15), (0.5, 0.75), (0.8, 1.0)])
def test_a_call_has_room_up_to_what_a_block_holds(start_lab: StartLab, part: float, room: float) -> None:
    """A node takes no transaction with more."""
    chain = start_lab("ethereum").chains["ethereum"]
    limit, sender = chain.producer.gas_limit, role_account("operator").address
    steps = round(part * limit) // STEP_GAS
    chain.look().call("anvil_setCode", LOOP, LOOP_CODE.format(steps))
    chain.look().call("anvil_setCode", REVERTS, "0x5f5ffd")
    assert gas_with_room(chain, sender, LOOP, "0x") == pytest.approx(room * limit, rel=0.05)
    assert gas_with_room(chain, sender, LOOP, "0x") <= limit
    with pytest.raises(RpcRefused):
        gas_with_room(chain, sender, REVERTS, "0x")
