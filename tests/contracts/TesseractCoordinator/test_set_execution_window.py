"""set_execution_window: owner only; 0 means no deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


@pytest.mark.parametrize("window", [0, 1, 3600, 2**40 - 1])
def test_it_is_set_and_announced(coordinator: Coordinator, window: int) -> None:
    """From no deadline to the longest that fits."""
    receipt = coordinator.send("owner", "set_execution_window", window)
    assert receipt.events == [("ExecutionWindowSet", {"window": window})]
    assert coordinator.call("execution_window") == window


@pytest.mark.parametrize("window", [2**40, 2**256 - 1])
def test_it_refuses_what_does_not_fit(coordinator: Coordinator, window: int) -> None:
    """Refused, not cut."""
    assert coordinator.reverts("owner", "set_execution_window", window) == "Execution window too long"
    assert coordinator.call("execution_window") == 0


@pytest.mark.parametrize("role", ["operator", "attacker"])
def test_only_the_owner_sets_it(coordinator: Coordinator, role: str) -> None:
    """An operator cannot give itself more time."""
    assert coordinator.reverts(role, "set_execution_window", 60) == "Only owner can set execution window"


def test_taking_the_deadline_away_frees_a_late_one(coordinator: Coordinator) -> None:
    """The setting in force decides."""
    coordinator.send("owner", "set_execution_window", 1)
    coordinator.ready(1)
    coordinator.now += 1000
    assert coordinator.reverts("operator", "mark_executed", coordinator.id(1)) == "Execution deadline passed"
    coordinator.send("owner", "set_execution_window", 0)
    coordinator.send("operator", "mark_executed", coordinator.id(1))
