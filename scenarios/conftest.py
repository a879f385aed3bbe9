"""With several workers the scenarios on the real clock start first: they mostly wait, and the others fill the time."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import pytest

from lab.plugin.items import ScenarioTest

# They follow documents on the wall clock, install, or judge `make test`: for `make readiness`, CI, and who names them.
LONG = (
    "test_deployment_guide.py",
    "test_examples.py",
    "test_installation.py",
    "test_integration_guide.py",
    "test_javascript_sdk.py",
    "test_languages.py",
    "test_python_sdk.py",
    "test_suites.py",
)
WANTED = "LAB_DOCUMENTS"
Item = TypeVar("Item")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long ones unless they are wanted; in a worker, what waits starts first."""
    named = any(part in argument for argument in config.args for part in ("documentation", "quality", *LONG))
    if not (os.environ.get(WANTED) or named):
        left_out = [item for item in items if item.path.name in LONG]
        items[:] = [item for item in items if item.path.name not in LONG]
        config.hook.pytest_deselected(items=left_out)
    if hasattr(config, "workerinput"):
        items[:] = spread(items, _waits, config.workerinput["workercount"])


def spread(items: list[Item], waits: Callable[[Item], bool], workers: int) -> list[Item]:
    """Each worker is first given as many neighbours as any other: those that wait begin these shares, in turn."""
    waiting = [item for item in items if waits(item)]
    others = [item for item in items if not waits(item)]
    shares: list[Item] = []
    for number in range(workers):
        first = waiting[number::workers]
        # What is left is shared by the workers that are left, as pytest-xdist does it.
        rest = (len(items) - len(shares)) // (workers - number) - len(first)
        shares += [*first, *others[: max(rest, 0)]]
        del others[: max(rest, 0)]
    return shares + others


def _waits(item: pytest.Item) -> bool:
    if isinstance(item, ScenarioTest):
        return item.scenario.clock == "real"
    return item.get_closest_marker("real_clock") is not None
