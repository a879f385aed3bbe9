"""Backup over endpoints that limit ranges, restored; what is not fit is refused before anything is sent."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lab.errors import UsageError
from lab.ops.backup.file import FIELDS, Backup, differences
from lab.ops.backup.restore import Restoration
from lab.ops.backup.take import take
from lab.ops.chain import OperatedChain
from lab.ops.procedures.operators import event_file
from lab.rpc import Rpc, RpcRefused

from .conftest import Site, address

Start = Callable[..., Site]
RANGE_BLOCKS = 1_000


class Limited:
    """An endpoint that answers for so many blocks at once, as providers do."""

    def __init__(self, rpc: Rpc, blocks: int) -> None:
        self._transport, self._blocks = rpc.transport, blocks
        self.refused = self.asked = 0

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport`."""
        if method == "eth_getLogs":
            self.asked += 1
            if int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1 > self._blocks:
                self.refused += 1
                raise RpcRefused(method, -32005, f"query exceeds max block range {self._blocks}")
        return self._transport.call(method, params, timeout_s)


def limited(chain: OperatedChain, blocks: int = RANGE_BLOCKS) -> tuple[OperatedChain, Limited]:
    """The chain behind such an endpoint."""
    transport = Limited(chain.rpc, blocks)
    return replace(chain, rpc=Rpc(transport)), transport


def fill(here: Site, chain: str, count: int) -> None:
    """Open transactions by batches, spread over many blocks, so that one request does not reach them all."""
    rpc = here.rpc(chain)
    for start in range(0, count, 25):
        numbers = range(start + 1, min(start + 26, count + 1))
        requests = [here.buffer_args(chain, number, in_s=500_000) for number in numbers]
        receipt = here.send(chain, "operator", "buffer_batch", requests, gas=12_000_000)
        assert receipt is not None
        assert receipt["status"] == "0x1"
        rpc.call("anvil_mine", hex(max(1, 1_200 * 25 // max(25, count))))


def restoration(here: Site, chain: OperatedChain, saved: Backup, there: Any, executors: Any) -> Restoration:
    """As the command makes it."""
    owner, operator = executors
    return Restoration(there.operation, chain, saved, owner.bulk(at_once=50), operator.bulk(at_once=50))


@pytest.mark.reliability
def test_a_backup_over_a_range_limit_is_restored_on_another_chain(site: Start) -> None:
    """Every field is as saved; a second backup asks for what is new only. LAB_TORTURE=200 is 10,000 transactions."""
    count = round(50 * float(os.environ.get("LAB_TORTURE") or 1))
    here = site("sepolia", "base-sepolia")
    fill(here, "sepolia", count)
    here.mine(3)
    there = here.opened()
    source, target = there.operation.chains
    source, endpoint = limited(source)
    saved = take(there.operation, source)
    assert len(saved.transactions) == count
    assert endpoint.refused >= 1
    asked = endpoint.asked
    again = take(there.operation, source, earlier=saved)
    assert differences(saved, again) == []
    assert endpoint.asked == asked, "nothing is new, so nothing is asked"
    with there.executor(address("owner")) as owner, there.executor(address("operator")) as operator:
        work = restoration(here, target, saved, there, (owner, operator))
        assert any("buffer: " in line for line in work.plan())
        restored = work.run()
    assert restored.differences == []
    assert restored.fields >= count * len(FIELDS)


def test_a_restore_wants_an_empty_contract(site: Start) -> None:
    """What is there and not of the backup is not mixed with it: refused, and nothing was sent."""
    here = site("sepolia", "base-sepolia")
    fill(here, "sepolia", 2)
    here.send("base-sepolia", "operator", "buffer_transaction", *here.buffer_args("base-sepolia", 99))
    here.mine(3)
    there = here.opened()
    source, target = there.operation.chains
    saved = take(there.operation, source)
    before = here.rpc("base-sepolia").nonce(address("operator"))
    with there.executor(address("owner")) as owner, there.executor(address("operator")) as operator:
        work = restoration(here, target, saved, there, (owner, operator))
        with pytest.raises(UsageError, match="expected a contract without transactions"):
            work.run()
        with pytest.raises(UsageError, match="deploy a new one"):
            work.plan()
    assert here.rpc("base-sepolia").nonce(address("operator")) == before


def test_events_are_read_again_after_a_reorg(site: Start) -> None:
    """A line whose last block is not the chain's any more is dropped."""
    here = site("sepolia")
    operation = here.operation()
    (chain,) = operation.chains
    snapshot = here.rpc("sepolia").call("evm_snapshot")
    here.send("sepolia", "owner", "add_operator", address("attacker"))
    height = here.rpc("sepolia").block_number()
    assert any(address("attacker") in args.values() for _, args in event_file(operation, chain).events(height))
    here.rpc("sepolia").call("evm_revert", snapshot)
    here.rpc("sepolia").call("evm_setNextBlockTimestamp", hex(int(time.time()) + 1000))
    here.send("sepolia", "owner", "add_operator", address("user"))
    named = [value for _, args in event_file(operation, chain).events(height) for value in args.values()]
    assert address("user") in named
    assert address("attacker") not in named


def test_an_earlier_backup_is_of_the_same_contract(site: Start) -> None:
    """Another one spares nothing, and would hide something."""
    here = site("sepolia")
    operation = here.operation()
    (chain,) = operation.chains
    saved = take(operation, chain)
    with pytest.raises(UsageError, match="expected an earlier backup of"):
        take(operation, chain, earlier=replace(saved, contract=address("user")))
