"""Scenario files and Python scenarios as test items: a run each, whose verdict is the outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab.errors import LabError
from lab.plugin.options import value
from lab.plugin.repeating import names, repeating
from lab.plugin.sharing import (
    FOLDER,
    NOT_EXERCISED,
    NOT_RUN,
    NOT_RUN_SINCE,
    environment,
    quiet,
    relayer_command,
    root_of,
    seen_from_here,
    session_folder,
    speed,
    suite,
    terminal,
)
from lab.plugin.stopping import blocked, not_run_since, note_relayer
from lab.plugin.stories import story

if TYPE_CHECKING:
    from lab.runner.run import Run
    from lab.runner.runner import Result
    from lab.runner.script import Script
    from lab.scenario.item import ScenarioItem


class ScenarioFailure(Exception):
    """A scenario whose verdict is not PASS; the text is for the terminal."""


class ScenarioFile(pytest.File):
    """A scenario file; each combination of its matrix is an item."""

    def collect(self) -> Iterator[pytest.Item]:
        """Read, check and multiply the file. Problems are reported all at once, before any node starts."""
        with quiet():
            from lab.checks import CHECKS
            from lab.scenario.resolve import load_scenario

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
        """Run it; anything but PASS fails the item, with the reason. Skipped where the machine lacks a tool for it."""
        with quiet(), environment("the run could not be carried out"):
            carry_out(self, self.scenario, self.siblings)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The story of the failure, not a stack trace."""
        # What pytest.fail says (a timeout of pytest-timeout) is not explained by the place where a run was cut off.
        if isinstance(excinfo.value, (ScenarioFailure, LabError, pytest.fail.Exception)):
            return story(self, excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        """What the reports call it."""
        return self.path, 0, self.scenario.item


def is_scenario(item: pytest.Item) -> bool:
    """Whether it is a scenario, as a file or in Python."""
    return isinstance(item, ScenarioTest) or "lab_run" in getattr(item, "fixturenames", ())


def carry_out(
    node: pytest.Item,
    item: ScenarioItem,
    siblings: tuple[str, ...],
    play: Callable[[Run], None] | None = None,
    *,
    wall: bool = False,
) -> Result:
    """Run an item on behalf of a test. Raises ScenarioFailure, or skips, for every verdict but PASS.

    With `wall` chains are as fast as the wall whatever `--speed` says.
    """
    from lab.evidence.contract_source import keep_contract_source
    from lab.evidence.manifest import RunManifest
    from lab.evidence.names import own_folder, recorded_path, run_folder_name
    from lab.evidence.outcomes import note_outcome
    from lab.evidence.projects import project_marks
    from lab.model.verdict import Verdict
    from lab.paths import base_of
    from lab.report.evidence.samples import stated_samples
    from lab.runner.not_run import not_run
    from lab.runner.progress import progress_of
    from lab.runner.runner import Options, run_item

    config = node.config
    shared = suite(config)
    name = run_folder_name(item.item, item.file, base_of(item.file, config.invocation_params.dir))
    folder = own_folder(session_folder(config), name)
    node.stash[FOLDER] = folder
    with progress_of(item.item, terminal(config)) as progress:
        options = Options(
            backend=shared.backend,
            backend_reason=shared.reason,
            target=shared.target,
            run_id=shared.run_id,
            speed=1.0 if wall else speed(config),
            clock=value(config, "clock"),  # type: ignore[arg-type]  # its choices are those of the option
            progress=progress,
            scenario_items=siblings,
            recorded_as=recorded_path(item.file, base_of(item.file, root_of(config))),
            project=project_marks(root_of(config), session_folder(config).parent),
            smoke=shared.smoke,
            relayer_command=relayer_command(config),
            under_test=shared.under_test,
        )
        contract, names = shared.target.contract, shared.target.codec.names
        words = {**names.functions, **names.events, **names.reverts}
        at = session_folder(config), contract.bytecode_sha256, contract.source_path
        keep_contract_source(*at, contract.sources, words)
        stopped = blocked(node, item)
        if stopped is None:
            result = run_item(item, options, folder, repeating(node), play)
            note_relayer(node, result)
        else:
            result = not_run(item, options, folder, repeating(node), stopped)
    manifest = result.folder.manifest()
    made_with = RunManifest.read(manifest).made_with
    facts = {**manifest, "samples": stated_samples(result.history)}
    note_outcome(folder, facts, str(result.verdict.verdict), made_with=made_with)
    # A second try of a test reports itself, not of the first.
    node.user_properties[:] = [entry for entry in node.user_properties if not entry[0].startswith("lab_")] + [
        ("lab_item", item.item),
        ("lab_verdict", str(result.verdict.verdict)),
        ("lab_digest", result.digest),
        ("lab_rows", " ".join(item.rows)),
        *([(NOT_RUN, "yes")] if stopped is not None else []),
    ]
    if stopped is not None and (since := not_run_since(node, stopped)) is not None:
        pytest.skip(f"{NOT_RUN_SINCE}{since}")
    if result.verdict.verdict is Verdict.NOT_EXERCISED:
        pytest.skip(f"{NOT_EXERCISED}{result.verdict.reasons[0].removeprefix(NOT_EXERCISED)}")
    if result.verdict.verdict is not Verdict.PASS:
        from lab.evidence.manifest import RunManifest
        from lab.report.run_page.failure import failure_text
        from lab.report.run_page.relayer_log import relayer_log

        log = relayer_log(folder, RunManifest.read(result.folder.manifest()))
        story = failure_text(result.verdict, result.history, log)
        raise ScenarioFailure(f"{story}\n\nevidence\n  {seen_from_here(config, folder)}")
    return result


@pytest.fixture
def lab_run(request: pytest.FixtureRequest) -> Callable[..., Result]:
    """Run a scenario written in Python: its set-up as YAML text, and a function that drives it.

    The set-up is a scenario file without a timeline. The item is named after the test. With `wall=True` it runs
    at the wall's speed whatever `--speed` says, for programs beside the chains that nobody can make faster.
    """
    node: pytest.Item = request.node

    def run(setup: str, play: Callable[[Script], None], *, wall: bool = False) -> Result:
        with quiet():
            from dataclasses import replace

            from lab.checks import CHECKS
            from lab.runner.guarded import guarded
            from lab.scenario.resolve import parse_scenario

            (item,) = parse_scenario(f"{setup}\ntimeline: [{{wait: 0s}}]\n", node.path, known_checks=CHECKS)
            item = replace(item, item=".".join([node.path.stem, *names(node)]))
            return carry_out(node, item, (item.item,), lambda run: guarded(run, play), wall=wall)

    return run
