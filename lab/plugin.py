"""The pytest plugin: scenario files become test items, their verdicts become outcomes, and reports are written.

A YAML file is a scenario if it lies in a folder named `scenarios`, or is named on the command line. Thin: what a run
does is the runner's business, what a report says the report's.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import pytest

from lab.checks import CHECKS
from lab.errors import EnvironmentFailure, LabError
from lab.evidence import RunFolder
from lab.model.verdict import Verdict
from lab.runner.progress import progress_of
from lab.runner.run import Run
from lab.runner.runner import DISK_ERRORS, Options, Result, run_item
from lab.runner.script import Script
from lab.scenario.item import ScenarioItem
from lab.scenario.resolve import load_scenario, parse_scenario
from lab.session.project import find_project
from lab.session.suite import Suite, item_folder_name, new_run_id, open_suite

SUITE = pytest.StashKey[Suite]()
BROKEN = pytest.StashKey[LabError]()
RUN_ID = pytest.StashKey[str]()
FOLDER = pytest.StashKey[Path]()


class ScenarioFailure(Exception):
    """A scenario whose verdict is not PASS; the text is for the terminal."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The lab's options."""
    group = parser.getgroup("tesseract-lab", "Tesseract Lab")
    group.addoption("--backend", choices=("auto", "process", "docker"), default="auto", help="where the nodes run")
    group.addoption("--image", default=None, help="node image of the docker backend (or LAB_IMAGE)")
    group.addoption("--contract", type=Path, default=None, help="contract under test: .vy, or an artifact .json")
    group.addoption("--clock", choices=("virtual", "real"), default=None, help="overrule the scenarios' clock")
    group.addoption("--results", type=Path, default=Path("results"), help="where evidence and reports go")


def _runs_scenarios(config: pytest.Config) -> bool:
    paths = [Path(argument.split("::")[0]) for argument in config.args]
    return any(path.suffix in (".yaml", ".yml") or "scenarios" in path.parts for path in paths)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the evidence folder, the same for all xdist workers, and let pytest-html and JUnit write into it."""
    worker: dict[str, Any] = getattr(config, "workerinput", {})
    config.stash[RUN_ID] = worker.get("lab_run_id") or new_run_id()
    if not _runs_scenarios(config) or _is_worker(config) or config.option.collectonly:
        return
    folder = Path(config.option.results) / config.stash[RUN_ID]
    if getattr(config.option, "htmlpath", None) is None:
        config.option.htmlpath = str(folder / "report.html")
        config.option.self_contained_html = True
    if config.option.xmlpath is None:
        config.option.xmlpath = str(folder / "junit.xml")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker which folder this session writes to."""
    node.workerinput["lab_run_id"] = node.config.stash[RUN_ID]


def suite(config: pytest.Config) -> Suite:
    """The suite of this process, opened when the first scenario needs it.

    What cannot be opened ends the session: every scenario would meet the same error. A worker of xdist has no session
    to end, so there each scenario meets it.
    """
    if BROKEN in config.stash:
        raise config.stash[BROKEN]
    if SUITE not in config.stash:
        options = config.option
        try:
            config.stash[SUITE] = open_suite(
                run_id=config.stash[RUN_ID],
                backend=options.backend,
                image=options.image,
                contract=options.contract,
                notify=lambda text: _tell(config, text),
                smoke=True,
                project=find_project(config.rootpath),
            )
        except LabError as error:
            config.stash[BROKEN] = error
            if not _is_worker(config):
                pytest.exit(str(error), returncode=error.exit_code)
            raise
    return config.stash[SUITE]


def terminal(config: pytest.Config) -> TextIO | None:
    """Where pytest itself writes, past its capture of output; None in an xdist worker, which has no terminal."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    file: TextIO | None = None if reporter is None else reporter._tw._file
    return file


def _tell(config: pytest.Config, text: str) -> None:
    file = terminal(config)
    if file is not None:
        print(f"\n{text}", file=file, flush=True)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Scenario files."""
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    named = any(file_path == Path(argument.split("::")[0]).resolve() for argument in parent.config.args)
    if named or "scenarios" in file_path.parts:
        collector: pytest.Collector = ScenarioFile.from_parent(parent, path=file_path)
        return collector
    return None


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
        )
        result = run_item(item, options, folder, _repeat(node), play)
    node.user_properties += [
        ("lab_item", item.item),
        ("lab_verdict", str(result.verdict.verdict)),
        ("lab_digest", result.digest),
        ("lab_rows", " ".join(item.rows)),
    ]
    if result.verdict.verdict is not Verdict.PASS:
        from lab.report.failure import failure_text

        raise ScenarioFailure(failure_text(result.verdict, result.history) + f"\n\nevidence\n  {folder}")
    return result


def _repeat(node: pytest.Item) -> str:
    """The one command that runs this item again, on the same backend."""
    parts = ["pytest", node.nodeid, "--backend", suite(node.config).backend.name]
    for option in ("contract", "clock"):
        value = getattr(node.config.option, option)
        parts += [f"--{option}", str(value)] if value is not None else []
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


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Give pytest-html the scenario's page: description, verdict, time line, links into the run folder."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.when != "call":
        return
    folder = item.stash.get(FOLDER, None)
    if folder is not None and folder.is_dir():
        try:
            from pytest_html import extras
        except ImportError:
            return
        from lab.report.scenario_html import scenario_fragment

        fragment = scenario_fragment(RunFolder(folder), relative_to=folder.parent)
        report.extras = [*getattr(report, "extras", []), extras.html(fragment)]


@pytest.hookimpl(optionalhook=True)
def pytest_html_report_title(report: Any) -> None:
    """What pytest-html puts at the top."""
    report.title = "Tesseract Lab: scenarios"


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Where evidence goes."""
    if not _runs_scenarios(config) or config.option.collectonly:
        return []
    evidence = f"tesseract-lab: evidence in {Path(config.option.results) / config.stash[RUN_ID]}"
    # With xdist this process collects nothing, so there is no later moment before the first run.
    return [evidence, *(_contract_lines(config) if getattr(config.option, "numprocesses", None) else ())]


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """What is known of the contract before anything runs: its smoke run, and what it lacks of the interface."""
    if config.option.collectonly or not any(isinstance(item, ScenarioTest) for item in items):
        return []
    return _contract_lines(config)


def _contract_lines(config: pytest.Config) -> list[str]:
    try:
        return suite(config).contract_lines()
    except LabError:
        # Whoever needs the suite next meets the same error, and reports it as it should be.
        return []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """A disk too full for the reports of pytest's own plugins is one line, not a stack trace of theirs."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        _tell(session.config, f"reports could not be written: {error.strerror}: {error.filename}")
        session.exitstatus = EnvironmentFailure.exit_code


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """One line per scenario, why this backend, and where to read on."""
    results, run_id = Path(config.option.results), config.stash[RUN_ID]
    if _is_worker(config) or not any((results / run_id).glob("*/manifest.json")):
        return
    from lab.commands.suite_report import summarise_session

    summarise_session(terminalreporter, results, run_id, getattr(config.option, "htmlpath", None))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Nothing is left running."""
    if SUITE in config.stash:
        config.stash[SUITE].close()
        del config.stash[SUITE]
