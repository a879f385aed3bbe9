"""Every fault of a scenario file is drawn by the swarm, or left out for a reason; what is drawn is a sound step."""

from __future__ import annotations

import random

import pytest

from lab.faults import FAULTS
from lab.faults.drawing import DrawContext, DrawnChain, DrawnLeg
from lab.faults.kind import FaultKind

CHAINS = (DrawnChain("ethereum", 12_000, True, 3), DrawnChain("arbitrum", 250, False, None))
LEGS = (DrawnLeg("a.one", "ethereum", 40, 5.0), DrawnLeg("a.two", "arbitrum", 60, 6.0))


DRAWS = {name: kind.draw for name, kind in FAULTS.items() if kind.draw is not None}


def test_no_fault_is_forgotten() -> None:
    """A kind is drawn, or says why not, and not both."""
    reorg = FAULTS["reorg"]
    for draw, not_drawn in ((None, None), (reorg.draw, "a reason")):
        with pytest.raises(ValueError, match="reorg: expected either"):
            FaultKind(reorg.spec, reorg.activate, draw, not_drawn)


@pytest.mark.parametrize("kind", DRAWS)
def test_what_is_drawn_is_a_step_of_a_scenario(kind: str) -> None:
    """Fifty times, whatever the rng say: the model of the fault takes it, and it ends after it begins."""
    for seed in range(50):
        drawn = DRAWS[kind](random.Random(seed), DrawContext(CHAINS, LEGS, 60))
        assert drawn is not None
        step = FAULTS[kind].spec.model_validate(drawn.step)
        assert step.at_ms == drawn.begin_ms >= 0
        assert drawn.end_ms >= drawn.begin_ms
        assert step.chain_name() in (None, "ethereum", "arbitrum")


def test_no_exchange_with_a_chain_that_is_not_there() -> None:
    """On one chain alone it is not drawn."""
    alone = DrawContext(CHAINS[:1], LEGS[:1], 60)
    assert DRAWS["swapped_nodes"](random.Random(1), alone) is None
