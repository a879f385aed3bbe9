"""The pytest plugin: scenario files become test items, their verdicts become outcomes, and reports are written.

A YAML file is a scenario if it lies in the project's folder `scenarios`, or in a folder of that name that the command
line leads into, or is itself named there. Thin: what a run does is the runner's business, what a report says the
report's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.environment import can_write
from lab.errors import EnvironmentFailure, LabError
from lab.evidence import RunFolder
from lab.plugin.estimating import lines_of_ids, lines_of_items, relayer_lines
from lab.plugin.items import ScenarioFailure, ScenarioFile, ScenarioTest, lab_run
from lab.plugin.sharing import FOLDER, RUN_ID, SUITE, is_worker, suite, tell
from lab.runner.runner import DISK_ERRORS
from lab.session.suite import new_run_id

__all__ = ["lab_run"]

ESTIMATED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The lab's options."""
    group = parser.getgroup("tesseract-lab", "Tesseract Lab")
    group.addoption("--backend", choices=("auto", "process", "docker"), default="auto", help="where the nodes run")
    group.addoption("--image", default=None, help="node image of the docker backend (or LAB_IMAGE)")
    group.addoption("--contract", type=Path, default=None, help="contract under test: .vy, or an artifact .json")
    group.addoption("--clock", choices=("virtual", "real"), default=None, help="overrule the scenarios' clock")
    group.addoption(
        "--relayer-cmd", default=None, help="relayer under test: a command; it finds LAB_SESSION, {session}"
    )
    group.addoption("--results", type=Path, default=Path("results"), help="where evidence and reports go")


def _runs_scenarios(config: pytest.Config) -> bool:
    paths = [Path(argument.split("::")[0]) for argument in config.args]
    return any(path.suffix in (".yaml", ".yml") or "scenarios" in path.parts for path in paths)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the evidence folder, the same for all xdist workers, and let pytest-html and JUnit write into it."""
    worker: dict[str, Any] = getattr(config, "workerinput", {})
    config.stash[RUN_ID] = worker.get("lab_run_id") or new_run_id()
    if not _runs_scenarios(config) or is_worker(config) or config.option.collectonly:
        return
    folder = Path(config.option.results) / config.stash[RUN_ID]
    if not can_write(folder.absolute()):
        told = f"{folder.parent.absolute()} cannot be written to: choose another folder for the evidence by --results"
        pytest.exit(told, EnvironmentFailure.exit_code)
    if getattr(config.option, "htmlpath", None) is None:
        config.option.htmlpath = str(folder / "report.html")
        config.option.self_contained_html = True
    if config.option.xmlpath is None:
        config.option.xmlpath = str(folder / "junit.xml")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker which folder this session writes to."""
    node.workerinput["lab_run_id"] = node.config.stash[RUN_ID]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Scenario files."""
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    config = parent.config
    asked = [(config.invocation_params.dir / argument.split("::")[0]).resolve() for argument in config.args]
    led_to = any(path == file_path or ("scenarios" in path.parts and path in file_path.parents) for path in asked)
    if led_to or (config.rootpath / "scenarios") in file_path.parents:
        collector: pytest.Collector = ScenarioFile.from_parent(parent, path=file_path)
        return collector
    return None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Give pytest-html the scenario's page: description, verdict, time line, links into the run folder."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.when != "call":
        return
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, (ScenarioFailure, LabError)) and FOLDER in item.stash:
        # A Python scenario is a function to pytest, which would tell its stack before the story.
        report.longrepr = str(error)
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
    return [
        evidence,
        *relayer_lines(config),
        *(_contract_lines(config) if getattr(config.option, "numprocesses", None) else ()),
    ]


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """What is known of the contract before anything runs: its smoke run, and what it lacks of the interface."""
    if config.option.collectonly or not any(isinstance(item, ScenarioTest) for item in items):
        return []
    if items[0].session.testsfailed and not config.option.continue_on_collection_errors:
        # pytest ends here: nothing is started for runs that do not come.
        return []
    return [*lines_of_items(config, items), *_contract_lines(config)]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """With xdist the workers collect; this process tells the estimate once the first of them has."""
    if not node.config.stash.get(ESTIMATED, False):
        node.config.stash[ESTIMATED] = True
        for line in lines_of_ids(node.config, ids):
            # This process runs no test, so pytest captures nothing of it, and the line keeps its place in the output.
            node.config.get_terminal_writer().line(f"\n{line}")


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
        tell(session.config, f"reports could not be written: {error.strerror}: {error.filename}")
        session.exitstatus = EnvironmentFailure.exit_code


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """One line per scenario, why this backend, and where to read on."""
    results, run_id = Path(config.option.results), config.stash[RUN_ID]
    if is_worker(config) or not any((results / run_id).glob("*/manifest.json")):
        return
    from lab.commands.suite_report import summarise_session

    summarise_session(terminalreporter, results, run_id, getattr(config.option, "htmlpath", None))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Nothing is left running."""
    if SUITE in config.stash:
        config.stash[SUITE].close()
        del config.stash[SUITE]
