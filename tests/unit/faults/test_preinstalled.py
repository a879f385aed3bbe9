"""Clients that count on a contract of every network find it behind the gate."""

from __future__ import annotations

import pytest
from eth_abi.abi import decode, encode

from lab.networks.preinstalls import preinstalls

from ..conftest import StartLab
from ..real_chains import buffer, tx_id
from .test_gate import gate_of

MULTICALL3 = next(one for one in preinstalls() if one.name == "Multicall3")


@pytest.mark.parametrize("network", ["polygon", "base"])
def test_a_client_that_batches_its_reads_is_answered(start_lab: StartLab, network: str) -> None:
    """`aggregate3` of two calls of the contract, as viem makes it: the states of a transaction and of none."""
    lab = start_lab(network)
    lab.scheduler.advance_to(10_000)
    buffer(lab, network, 1)
    lab.scheduler.advance_to(30_000)
    contract = lab.chains[network].contract
    reads = [lab.spec.target.codec.encode("get_transaction_state", [tx_id(number)]) for number in (1, 2)]
    calls = [(contract, True, bytes.fromhex(read[2:])) for read in reads]
    data = bytes.fromhex("82ad56cb") + encode(["(address,bool,bytes)[]"], [calls])
    gate = gate_of(lab, network)
    single = [gate.call("eth_call", [{"to": contract, "data": read}, "latest"]) for read in reads]
    answer = gate.call("eth_call", [{"to": MULTICALL3.address, "data": f"0x{data.hex()}"}, "latest"])
    (results,) = decode(["(bool,bytes)[]"], bytes.fromhex(answer[2:]))
    assert [(good, f"0x{value.hex()}") for good, value in results] == [(True, value) for value in single]
    assert single[0] != single[1]
