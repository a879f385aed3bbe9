"""How many states a node of a run has."""

from __future__ import annotations

import pytest

from lab.networks.states import ALIKE, STATES_OF_A_NODE, states_alike


@pytest.mark.parametrize("kept", range(STATES_OF_A_NODE, STATES_OF_A_NODE + 3 * ALIKE))
def test_nodes_that_are_alike_have_all_that_is_wanted_and_few_more(kept: int) -> None:
    """Never fewer, and the same for finalities that are about as deep."""
    alike = states_alike(kept)
    assert 0 <= alike - kept < ALIKE
    assert alike % ALIKE == 0
