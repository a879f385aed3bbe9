"""Scenario files and Python scenarios as test items: a run each, whose verdict is the outcome."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.checks import CHECKS
from lab.errors import LabError
from lab.model.verdict import Verdict
from lab.plugin.sharing import FOLDER, RUN_ID, relayer_command, suite, terminal
from lab.runner.progress import progress_of
from lab.runner.run import Run
from lab.runner.runner import Options, Result, run_item
from lab.runner.script import Script
from lab.scenario.item import ScenarioItem
from lab.scenario.resolve import load_scenario, parse_scenario
from lab.session.suite import item_folder_name


class ScenarioFailure(Exception):
    """A scenario whose verdict is not PASS; the text is for the terminal."""


class ScenarioFile(pytest.File):
    """A scenario file; each combination of its matrix is an item."""

    def collect(self) -> Iterator[pytest.Item]:
        """Read, check and multiply the file. Problems are reported all at once, before any node starts."""
        items = load_scenario(self.path, known_checks=CHECKS)
        names = tuple(item.item for item in items)
        for item in items:
            yield ScenarioTest.from_parent(self, name=item.item, scenario=item, siblings=names)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Problems as lines, not as a stack trace."""
        return str(excinfo.value) if isinstance(excinfo.value, LabError) else super().repr_failure(excinfo)


class ScenarioTest(pytest.Item):
    """One run of one scenario."""

    def __init__(self, *, scenario: ScenarioItem, siblings: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scenario = scenario
        self.siblings = siblings

    def runtest(self) -> None:
        """Run it; anything but PASS fails the item, with the reason."""
        carry_out(self, self.scenario, self.siblings)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The story of the failure, not a stack trace."""
        if isinstance(excinfo.value, (ScenarioFailure, LabError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        """What the reports call it."""
        return self.path, 0, self.scenario.item


def carry_out(
    node: pytest.Item, item: ScenarioItem, siblings: tuple[str, ...], play: Callable[[Run], None] | None = None
) -> Result:
    """Run an item on behalf of a test. Raises ScenarioFailure for every verdict but PASS."""
    config = node.config
    shared = suite(config)
    folder = Path(config.option.results) / config.stash[RUN_ID] / item_folder_name(item.item)
    node.stash[FOLDER] = folder
    with progress_of(item.item, terminal(config)) as progress:
        options = Options(
            backend=shared.backend,
            backend_reason=shared.reason,
            target=shared.target,
            run_id=shared.run_id,
            clock=config.option.clock,
            progress=progress,
            scenario_items=siblings,
            smoke=shared.smoke,
            relayer_command=relayer_command(config),
            under_test=shared.under_test,
        )
        result = run_item(item, options, folder, _repeat(node), play)
    node.user_properties += [
        ("lab_item", item.item),
        ("lab_verdict", str(result.verdict.verdict)),
        ("lab_digest", result.digest),
        ("lab_rows", " ".join(item.rows)),
    ]
    if result.verdict.verdict is not Verdict.PASS:
        from lab.report.run_page.failure import failure_text

        raise ScenarioFailure(failure_text(result.verdict, result.history) + f"\n\nevidence\n  {folder}")
    return result


def _repeat(node: pytest.Item) -> str:
    """The one command that runs this item again, on the same backend."""
    parts = ["pytest", node.nodeid, "--backend", suite(node.config).backend.name]
    for option in ("contract", "clock"):
        value = getattr(node.config.option, option)
        parts += [f"--{option}", str(value)] if value is not None else []
    if node.config.option.relayer_cmd is not None:
        command = relayer_command(node.config)
        # Evidence keeps no secrets: what is hidden is to be filled in again.
        parts += ["--relayer-cmd", command.told if command is not None else ""]
    return shlex.join(parts)


@pytest.fixture
def lab_run(request: pytest.FixtureRequest) -> Callable[[str, Callable[[Script], None]], Result]:
    """Run a scenario written in Python: its set-up as YAML text, and a function that drives it.

    The set-up is a scenario file without a timeline. The item is named after the test.
    """
    node: pytest.Item = request.node

    def run(setup: str, play: Callable[[Script], None]) -> Result:
        (item,) = parse_scenario(f"{setup}\ntimeline: [{{wait: 0s}}]\n", node.path, known_checks=CHECKS)
        item = replace(item, item=f"{node.path.stem}.{node.name}")
        return carry_out(node, item, (item.item,), lambda run: play(Script(run)))

    return run
