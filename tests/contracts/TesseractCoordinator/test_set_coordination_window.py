"""set_coordination_window: owner only, 5 to 300 seconds, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


@pytest.mark.parametrize("window", [5, 30, 300])
def test_both_ends_are_allowed(coordinator: Coordinator, window: int) -> None:
    """Set and announced."""
    receipt = coordinator.send("owner", "set_coordination_window", window)
    assert receipt.events == [("CoordinationWindowSet", {"window": window})]
    assert coordinator.call("coordination_window") == window


@pytest.mark.parametrize("window", [0, 4, 301, 65_536 + 30, 2**256 - 1])
def test_one_beyond_either_end_is_refused(coordinator: Coordinator, window: int) -> None:
    """The old window stays."""
    reason = coordinator.reverts("owner", "set_coordination_window", window)
    assert reason == "Window must be between 5 and 300 seconds"
    assert coordinator.call("coordination_window") == 30


@pytest.mark.parametrize("role", ["operator", "attacker"])
def test_only_the_owner_sets_it(coordinator: Coordinator, role: str) -> None:
    """The role is judged before the value."""
    assert coordinator.reverts(role, "set_coordination_window", 4) == "Only owner can set window"


@pytest.mark.parametrize("window", [5, 300])
def test_it_decides_about_what_is_already_buffered(coordinator: Coordinator, window: int) -> None:
    """A transaction buffered under another window lives by the new one, to the second."""
    coordinator.buffer(1)
    coordinator.buffer(2)
    coordinator.send("owner", "set_coordination_window", window)
    coordinator.now += window
    coordinator.send("operator", "resolve_dependency", coordinator.id(1))
    coordinator.now += 1
    coordinator.send("operator", "resolve_dependency", coordinator.id(2))
    assert (coordinator.state(1), coordinator.state(2)) == ("READY", "EXPIRED")
