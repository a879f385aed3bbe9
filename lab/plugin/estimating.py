"""What a run on the real clock says first: which relayer it is about, and how long it will take."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.errors import LabError
from lab.plugin.items import ScenarioTest
from lab.plugin.options import value
from lab.plugin.sharing import file_of, in_real_time, relayer_command, speed

if TYPE_CHECKING:
    from lab.scenario.item import ScenarioItem


def relayer_lines(config: pytest.Config) -> list[str]:
    """The relayer under test, if it is the user's own."""
    try:
        command = relayer_command(config)
    except (LabError, OSError):
        # Whoever needs it next meets the same error, and reports it as it should be.
        return []
    if command is None:
        return []
    faster = f", chains {speed(config):g} times as fast as the wall" if speed(config) != 1 else ""
    return [f"tesseract-lab: relayer `{command.shown}`, a process of its own: --clock real is implied{faster}"]


def lines_of_items(config: pytest.Config, items: Sequence[pytest.Item]) -> list[str]:
    """The estimate for collected items."""
    if not in_real_time(config):
        return []
    scenarios = [item.scenario for item in items if isinstance(item, ScenarioTest)]
    python = sum("lab_run" in getattr(item, "fixturenames", ()) for item in items)
    return _lines(config, scenarios, python, 1)


def lines_of_ids(config: pytest.Config, ids: Sequence[str], workers: int) -> list[str]:
    """The estimate for what a worker of pytest-xdist collected, by the items' ids. What cannot be found is left out."""
    if not in_real_time(config):
        return []
    scenarios, python = [], 0
    for node_id in ids:
        file, _, name = node_id.partition("::")
        if file and not file.endswith((".yaml", ".yml")):
            python += 1
        else:
            path = file_of(config, node_id)
            scenarios += [item for item in scenarios_of(path) if item.item == name] if path is not None else []
    return _lines(config, scenarios, python, workers)


@lru_cache(maxsize=512)
def scenarios_of(path: Path) -> tuple[ScenarioItem, ...]:
    """The items of a file; none of one that is wrong, as whoever collects it says."""
    from lab.scenario.resolve import load_scenario

    try:
        return tuple(load_scenario(path))
    except LabError:
        return ()


def seconds_of(config: pytest.Config, item: ScenarioItem) -> float:
    """How long an item lasts on the real clock, about; 0 where it runs on the virtual one."""
    from lab.runner.estimate import expected_s

    command = relayer_command(config)
    own = command is not None and item.relayer is not None
    real = own or (value(config, "clock") or item.clock) == "real"
    return expected_s(item, command, speed(config)) if real else 0.0


def _lines(config: pytest.Config, scenarios: Sequence[ScenarioItem], python: int, workers: int) -> list[str]:
    from lab.runner.estimate import format_estimate

    runs_s = [seconds for item in scenarios if (seconds := seconds_of(config, item))]
    return [format_estimate(runs_s, workers, python)] if runs_s else []
