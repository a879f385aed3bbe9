"""Every fault of a scenario file is drawn by the swarm, or left out for a reason; what is drawn is a sound step."""

from __future__ import annotations

import random

import pytest

from lab.explore.swarm.fault_draws import FAULT_DRAWS, LEFT_OUT
from lab.explore.swarm.surroundings import DrawnChain, DrawnLeg, Surroundings
from lab.scenario.faults import FAULTS

CHAINS = (
    DrawnChain("ethereum", 12_000, True, 3),
    DrawnChain("arbitrum", 250, False, None),
    DrawnChain("polygon", 2_000, True, None, tagged=True),
)
LEGS = (
    DrawnLeg("a.one", "ethereum", 40, 5.0),
    DrawnLeg("a.two", "arbitrum", 60, 6.0),
    DrawnLeg("a.three", "polygon", 80, 7.0),
)


def test_no_fault_is_forgotten() -> None:
    """A new one is drawn, or says why not."""
    assert set(FAULT_DRAWS) | set(LEFT_OUT) == set(FAULTS)
    assert not set(FAULT_DRAWS) & set(LEFT_OUT)


@pytest.mark.parametrize("kind", FAULT_DRAWS)
def test_what_is_drawn_is_a_step_of_a_scenario(kind: str) -> None:
    """Fifty times, whatever the dice say: the model of the fault takes it, and it ends after it begins."""
    for seed in range(50):
        drawn = FAULT_DRAWS[kind](random.Random(seed), Surroundings(CHAINS, LEGS, 60))
        assert drawn is not None
        step = FAULTS[kind].model_validate(drawn.step)
        assert step.at_ms == drawn.begin_ms >= 0
        assert drawn.end_ms >= drawn.begin_ms
        assert step.chain_name() in (None, "ethereum", "arbitrum", "polygon")


def test_no_exchange_with_a_chain_that_is_not_there() -> None:
    """On one chain alone it is not drawn."""
    alone = Surroundings(CHAINS[:1], LEGS[:1], 60)
    assert FAULT_DRAWS["swapped_nodes"](random.Random(1), alone) is None


def test_finality_stands_still_only_where_it_is_a_tag() -> None:
    """No other chain shows anything of it."""
    assert FAULT_DRAWS["finality_stall"](random.Random(1), Surroundings(CHAINS[:2], LEGS[:2], 60)) is None
    drawn = FAULT_DRAWS["finality_stall"](random.Random(1), Surroundings(CHAINS, LEGS, 60))
    assert drawn is not None and drawn.step["chain"] == "polygon"
