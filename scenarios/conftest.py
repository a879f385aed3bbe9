"""With several workers the scenarios on the real clock start first: they mostly wait, and the others fill the time."""

from __future__ import annotations

import pytest

from lab.plugin.items import ScenarioTest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Only in a worker: alone, everything runs in the order in which it stands."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not _waits(item))


def _waits(item: pytest.Item) -> bool:
    if isinstance(item, ScenarioTest):
        return item.scenario.clock == "real"
    return item.get_closest_marker("real_clock") is not None
