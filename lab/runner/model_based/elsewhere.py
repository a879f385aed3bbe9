"""The contract under test where blocks have another chain id: deployed and set up there, in simulation.

What a contract keeps of its chain when it is deployed is therefore that chain's, as on the network itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lab.coordinator import role_account
from lab.deploy.deployer import CALL_GAS, DEPLOY_GAS, Deployable, set_up_calls
from lab.rpc import Rpc
from lab.runner.model_based.sequence import Block
from lab.runner.model_based.spaced import Calls, Encode, simulated

# Creates what it is sent, and returns the address. It stands at the owner's own account for that one block, since
# nothing can be created by a simulated transaction itself.
CREATOR_CODE = "0x365f5f37365f5ff05f5260205ff3"
# Before a sequence's start: the deployment, then the set-up.
DEPLOYED_S, SET_UP_S = 9, 8

Results = list[dict[str, Any]]


class Elsewhere:
    """One contract on one node, with any chain id."""

    def __init__(self, rpc: Rpc, target: Deployable, start: int) -> None:
        self._rpc, self._target, self._start = rpc, target, start
        self._addresses: dict[int, str] = {}

    def simulate(self, blocks: Sequence[Calls], like: Block, encode: Encode, window_s: int) -> list[Results]:
        """What becomes of blocks behind a deployment and a set-up; nothing where one of those fails."""
        assert like.chain_id is not None
        owner = role_account("owner").address
        created = {"from": owner, "to": owner, "data": self._target.contract.bytecode, "gas": hex(DEPLOY_GAS)}
        first = {
            "blockOverrides": {"time": hex(self._start - DEPLOYED_S)},
            "stateOverrides": {owner: {"code": CREATOR_CODE}},
            "calls": [created],
        }
        with self._with_chain_id(like.chain_id):
            if like.chain_id not in self._addresses:
                ((made,),) = self._results([first])
                self._addresses[like.chain_id] = "0x" + made["returnData"][-40:]
            address = self._addresses[like.chain_id]
            calls = [
                {"from": role_account(call.role).address, "to": address, "data": call.data, "gas": hex(CALL_GAS)}
                for call in set_up_calls(self._target, window_s=window_s)
            ]
            second = {
                "blockOverrides": {"time": hex(self._start - SET_UP_S)},
                "stateOverrides": {owner: {"code": "0x"}},
                "calls": calls,
            }
            (made,), ready, *results = self._results([first, second, *simulated(blocks, like, 0, address, encode)])
        there = made["status"] == "0x1" and int(address, 16) > 0
        return results if there and all(result["status"] == "0x1" for result in ready) else []

    def _results(self, requests: list[dict[str, Any]]) -> list[Results]:
        answer = self._rpc.call("eth_simulateV1", {"blockStateCalls": requests}, "latest", timeout_s=60)
        return [block["calls"] for block in answer]

    @contextmanager
    def _with_chain_id(self, chain_id: int) -> Iterator[None]:
        """Nothing is sent meanwhile: the node is asked to simulate, and then has its own chain id again."""
        own = self._rpc.chain_id()
        self._rpc.call("anvil_setChainId", chain_id)
        try:
            yield
        finally:
            self._rpc.call("anvil_setChainId", own)
