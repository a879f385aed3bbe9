"""What a run on the real clock says first: which relayer it is about, and how long it will take."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.plugin.items import ScenarioTest
from lab.plugin.sharing import file_of, relayer_command
from lab.runner.estimate import expected_s, told
from lab.scenario.item import ScenarioItem
from lab.scenario.resolve import load_scenario


def relayer_lines(config: pytest.Config) -> list[str]:
    """The relayer under test, if it is the user's own."""
    try:
        command = relayer_command(config)
    except LabError:
        # Whoever needs it next meets the same error, and reports it as it should be.
        return []
    if command is None:
        return []
    return [f"tesseract-lab: relayer `{command.told}`, a process of its own: --clock real is implied"]


def lines_of_items(config: pytest.Config, items: Sequence[pytest.Item]) -> list[str]:
    """The estimate for collected items."""
    scenarios = [item.scenario for item in items if isinstance(item, ScenarioTest)]
    python = sum("lab_run" in getattr(item, "fixturenames", ()) for item in items)
    return _lines(config, scenarios, python, 1)


def lines_of_ids(config: pytest.Config, ids: Sequence[str]) -> list[str]:
    """The estimate for what a worker of pytest-xdist collected, by the items' ids."""
    scenarios, python = [], 0
    for node_id in ids:
        file, _, name = node_id.partition("::")
        if Path(file).suffix in (".yaml", ".yml"):
            path = file_of(config, node_id)
            scenarios += [item for item in _scenarios(path) if item.item == name] if path is not None else []
        else:
            python += 1
    return _lines(config, scenarios, python, len(config.option.tx))


@lru_cache(maxsize=512)
def _scenarios(path: Path) -> tuple[ScenarioItem, ...]:
    return tuple(load_scenario(path))


def _lines(config: pytest.Config, scenarios: Sequence[ScenarioItem], python: int, workers: int) -> list[str]:
    try:
        command = relayer_command(config)
    except LabError:
        return []
    if not scenarios or (command is None and config.option.clock != "real"):
        return []
    return [told((expected_s(item, command) for item in scenarios), workers, python)]
