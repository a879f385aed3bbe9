"""With several workers the scenarios on the real clock start first: they mostly wait, and the others fill the time."""

from __future__ import annotations

import os

import pytest

from lab.plugin.items import ScenarioTest
from lab.plugin.side_by_side import dealt

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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long ones unless they are wanted; in a worker, what waits starts first."""
    named = any(part in argument for argument in config.args for part in ("documentation", "quality", *LONG))
    if not (os.environ.get(WANTED) or named):
        left_out = [item for item in items if item.path.name in LONG]
        items[:] = [item for item in items if item.path.name not in LONG]
        config.hook.pytest_deselected(items=left_out)
    if hasattr(config, "workerinput"):
        items[:] = dealt(items, lambda item: float(_waits(item)), config.workerinput["workercount"])


def _waits(item: pytest.Item) -> bool:
    if isinstance(item, ScenarioTest):
        return item.scenario.clock == "real"
    return item.get_closest_marker("real_clock") is not None
