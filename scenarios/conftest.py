"""With several workers the scenarios that last start first, the longest before the others: none is left over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.plugin.items import ScenarioTest
from lab.plugin.side_by_side import dealt

HERE = Path(__file__).parent
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
# Seconds, about, of those that last two or more on one process (`--durations`).
LASTING = {
    "drills/test_deployment.py": 3,
    "drills/test_keystore.py": 3,
    "drills/test_live_rehearsal.py": 6,
    "model/test_model.py": 4,
    "model/test_orphaned_effects.py": 2,
    "monitoring/base_fee.yaml": 2,
    "monitoring/intruder.yaml": 2,
    "monitoring/test_config.py": 6,
    "monitoring/test_dashboards.py": 3,
    "monitoring/test_live.py": 30,
    "networks/every_pair.yaml": 2,
    "networks/real_clock.yaml": 10,
    "networks/test_fee_models.py": 2,
    "quality/test_compilation.py": 3,
    "quality/test_static_analysis.py": 2,
    "security/test_input_fuzzing.py": 2,
    "stress/test_dependency_depth.py": 4,
    "stress/test_event_volume.py": 3,
}
# Of others that wait for the wall clock, as documents that are followed.
WAITING_S = 20


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long ones unless they are wanted; in a worker, what lasts starts first."""
    named = any(part in argument for argument in config.args for part in ("documentation", "quality", *LONG))
    if not (os.environ.get(WANTED) or named):
        left_out = [item for item in items if item.path.name in LONG]
        items[:] = [item for item in items if item.path.name not in LONG]
        config.hook.pytest_deselected(items=left_out)
    if hasattr(config, "workerinput"):
        items[:] = dealt(items, _seconds, config.workerinput["workercount"])


def _seconds(item: pytest.Item) -> float:
    # A session may have others beside the library's.
    known = LASTING.get(item.path.relative_to(HERE).as_posix()) if item.path.is_relative_to(HERE) else None
    return known if known is not None else WAITING_S * _waits(item)


def _waits(item: pytest.Item) -> bool:
    if isinstance(item, ScenarioTest):
        return item.scenario.clock == "real"
    return item.get_closest_marker("real_clock") is not None
