"""Calls of a contract that has nothing: whoever is to be the sender pays for no gas, on a rollup for no data either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.ops.executors.call import Call
from lab.ops.simulation import first_revert
from lab.rpc import Rpc, RpcRefused, Transport

from .conftest import Site

POOR = "0x" + "5a" * 20


class Without:
    """A node that does not know `eth_simulateV1`."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """Refused as nodes do."""
        if method == "eth_simulateV1":
            raise RpcRefused(method, -32601, "the method eth_simulateV1 does not exist/is not available")
        return self._inner.call(method, params, timeout_s)


@pytest.mark.parametrize("network", ["sepolia", "optimism-sepolia"])
@pytest.mark.parametrize("simulates", [True, False])
def test_a_sender_without_funds(site: Callable[..., Site], network: str, *, simulates: bool) -> None:
    """What would not revert is not said to; what would is named with the contract's reason."""
    here = site(network)
    rpc, codec, contract = here.rpc(network), here.target.codec, here.target.address
    if not simulates:
        rpc = Rpc(Without(rpc.transport))
    assert rpc.balance(POOR) == 0
    good = Call(network, 1, contract, "is_paused", (), codec.encode("paused", ()))
    bad = Call(network, 1, contract, "pause", (), codec.encode("pause", ()))
    assert first_revert(rpc, POOR, [good]) is None
    assert first_revert(rpc, POOR, [bad, good]) == ("pause()", "Only owner can pause")
    assert first_revert(rpc, POOR, [good, bad]) == (("pause()", "Only owner can pause") if simulates else None)
