"""Finality that stands still: the tags, the requests that name one, what a reorg may take, and both clocks."""

from __future__ import annotations

from typing import Any

import pytest

from lab.faults import FAULTS, ActiveFault, FaultContext
from lab.model.records import Reorg
from lab.session.lab import Lab

from ..conftest import StartLab
from ..real_chains import buffer, head
from .proxied import proxied
from .test_gate import gate_of

POLYGON = "polygon"


def started(lab: Lab) -> ActiveFault:
    """The fault, begun."""
    spec = FAULTS["finality_stall"].spec.model_validate({"fault": "finality_stall", "chain": POLYGON})
    fault = FAULTS["finality_stall"].activate(lab.fault_context, "it", spec)
    fault.inject()
    return fault


def number(lab: Lab, tag: str) -> int:
    """What the relayer is told of a tag."""
    return int(gate_of(lab, POLYGON).call("eth_getBlockByNumber", [tag, False])["number"], 16)


@pytest.fixture
def lab(start_lab: StartLab) -> Lab:
    """A Polygon a minute after genesis."""
    lab = start_lab(POLYGON)
    lab.scheduler.advance_to(60_000)
    return lab


def test_the_tags_stand_while_blocks_come_and_jump_at_the_end(lab: Lab) -> None:
    """`latest` is not touched; a question at the moment itself is no activation, for it changes nothing."""
    finalized, safe, latest = (number(lab, tag) for tag in ("finalized", "safe", "latest"))
    assert (latest - safe, latest - finalized) == (1, 2)
    fault = started(lab)
    assert (number(lab, "finalized"), fault.activations) == (finalized, 0)
    lab.scheduler.advance_to(100_000)
    assert (number(lab, "finalized"), number(lab, "safe")) == (finalized, safe)
    assert number(lab, "latest") > latest + 20
    assert fault.activations == 2
    assert fault.proof == f"finality stood at block {finalized}, 2 of 3 questions for it met that"
    fault.heal()
    fault.heal()
    latest = number(lab, "latest")
    assert (number(lab, "finalized"), number(lab, "safe")) == (latest - 2, latest - 1)
    assert fault.activations == 2


def test_every_request_that_names_a_tag_sees_the_same(lab: Lab) -> None:
    """A call at a final block, logs up to it, a block as EIP-1898 writes it: none sees what came later."""
    fault = started(lab)
    tx_hash = buffer(lab, POLYGON, 1)
    lab.scheduler.advance_to(80_000)
    gate, contract = gate_of(lab, POLYGON), lab.chains[POLYGON].contract
    call = {"to": contract, "data": lab.spec.target.codec.encode("transaction_count", [])}
    for block in ("finalized", {"blockNumber": "finalized"}):
        assert int(gate.call("eth_call", [call, block]), 16) == 0
    query: dict[str, Any] = {"address": contract, "fromBlock": "0x2"}
    assert gate.call("eth_getLogs", [{**query, "toBlock": "finalized"}]) == []
    (log,) = gate.call("eth_getLogs", [{**query, "toBlock": "latest"}])
    assert log["transactionHash"] == tx_hash
    assert fault.activations == 3


def test_a_reorg_of_what_has_not_become_final_breaks_no_promise(lab: Lab) -> None:
    """Blocks above where finality stood may go; those below may not."""
    chain = lab.chains[POLYGON]
    started(lab)
    stood = number(lab, "finalized")
    lab.scheduler.advance_to(100_000)
    chain.look()
    above = head(lab, POLYGON) - stood
    chain.reorg(above, requeue=False)
    assert number(lab, "finalized") == stood
    chain.reorg(above + 1, requeue=False)
    reorgs = [record.beyond_finality for record in lab.recorder.records if isinstance(record, Reorg)]
    assert reorgs == [False, True]


def test_the_proxy_asks_the_node_for_the_same() -> None:
    """Under the real clock a tag reaches the node as the number where it stands."""
    with proxied() as parts:
        context = FaultContext(parts.chain._scheduler, {POLYGON: parts.chain}, {POLYGON: parts.policy}, None, 1)
        parts.chain.producer.stopped = True  # its node is a stand-in
        spec = FAULTS["finality_stall"].spec.model_validate({"fault": "finality_stall", "chain": POLYGON})
        FAULTS["finality_stall"].activate(context, "it", spec).inject()
        parts.client().call("eth_call", [{"to": "0x1"}, "finalized"])
        assert [each["params"] for each in parts.upstream.requests] == [[{"to": "0x1"}, "0x0"]]
