"""Two faults of one kind on one chain at once: neither ends the other, whichever is healed first."""

from __future__ import annotations

from typing import Any

import pytest

from lab.faults import FAULTS, ActiveFault
from lab.session.lab import Lab

from ..conftest import StartLab
from ..real_chains import block, head
from .test_faults import spec

GWEI = 10**9
POLYGON = "polygon"


@pytest.fixture
def lab(start_lab: StartLab) -> Lab:
    """A Polygon a minute after genesis."""
    lab = start_lab(POLYGON)
    lab.scheduler.advance_to(60_000)
    lab.chains[POLYGON].look()
    return lab


def begin(lab: Lab, fault_id: str, kind: str, **parameters: Any) -> ActiveFault:
    """A fault with an id of its own, injected."""
    fault = FAULTS[kind].activate(lab.fault_context, fault_id, spec(kind, chain=POLYGON, **parameters))
    fault.inject()
    return fault


def next_block(lab: Lab) -> dict[str, Any]:
    """The block of the next slot."""
    lab.scheduler.advance_to(lab.chains[POLYGON].producer.next_slot_ms())
    lab.chains[POLYGON].look()
    return block(lab, POLYGON, head(lab, POLYGON))


@pytest.mark.parametrize("first_healed", [0, 1])
def test_base_fee_spikes(lab: Lab, first_healed: int) -> None:
    """The higher one counts; healed, the other still holds its level."""
    levels = [200 * GWEI, 220 * GWEI]
    spikes = [begin(lab, f"spike-{level}", "base_fee_spike", wei=f"{level} wei") for level in levels]
    assert int(next_block(lab)["baseFeePerGas"], 16) == max(levels)
    spikes[first_healed].heal()
    left = levels[1 - first_healed]
    for _ in range(40):
        fee = int(next_block(lab)["baseFeePerGas"], 16)
        assert fee >= left
    assert fee == left
    spikes[1 - first_healed].heal()
    assert int(next_block(lab)["baseFeePerGas"], 16) < left


@pytest.mark.parametrize("first_healed", [0, 1])
def test_gas_limit_cuts(lab: Lab, first_healed: int) -> None:
    """The deeper one counts; healed, the other still holds its limit."""
    limits = [2_000_000, 1_000_000]
    cuts = [begin(lab, f"cut-{limit}", "gas_limit_cut", gas_limit=limit) for limit in limits]
    assert int(next_block(lab)["gasLimit"], 16) == min(limits)
    cuts[first_healed].heal()
    assert int(next_block(lab)["gasLimit"], 16) == limits[1 - first_healed]
    cuts[1 - first_healed].heal()
    assert int(next_block(lab)["gasLimit"], 16) == lab.chains[POLYGON].profile.gas_limit


@pytest.mark.parametrize("first_healed", [0, 1])
def test_finality_stalls(lab: Lab, first_healed: int) -> None:
    """Finality stands until the last of them ends, where the earliest one that lasts has stopped it."""
    chain = lab.chains[POLYGON]
    stalls, stood = [], []
    for fault_id in ("a", "b"):
        next_block(lab)
        stood.append(chain.tagged("finalized", head(lab, POLYGON)))
        stalls.append(begin(lab, fault_id, "finality_stall"))
    next_block(lab)
    stalls[first_healed].heal()
    assert chain.tagged("finalized", head(lab, POLYGON)) == stood[0]
    stalls[1 - first_healed].heal()
    assert chain.tagged("finalized", head(lab, POLYGON)) == head(lab, POLYGON) - 2
