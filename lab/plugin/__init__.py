"""The pytest plugin: scenario files become test items, their verdicts become outcomes, and reports are written.

A YAML file is a scenario by its content, wherever it lies. Thin: what a run does is the runner's business, what a
report says the report's. Every project on the machine loads this module with its tests, so the lab proper is imported
when there is a scenario, and not before.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.errors import LabError
from lab.plugin.admission import admit
from lab.plugin.collecting import collect, expects_scenarios, left_alone
from lab.plugin.items import ScenarioFailure, ScenarioTest, is_scenario, lab_run
from lab.plugin.options import add_options, runs_nothing, translate
from lab.plugin.repeating import keep_item, leads_elsewhere
from lab.plugin.reporting import EXIT_CODE, TROUBLE, add_page, failure_of, prepare_reports, report_session
from lab.plugin.sharing import (
    FILES,
    FOLDER,
    RESULTS,
    RUN_ID,
    SUITE,
    add_library,
    begin_session,
    check_speed,
    file_of,
    is_worker,
    notify,
    seen_from_here,
    session_folder,
    suite,
)
from lab.plugin.side_by_side import ADMISSION, CHOSEN, choose_workers, put_longest_first
from lab.plugin.stories import STORIES, Stories, story

__all__ = ["lab_run"]

ESTIMATED = pytest.StashKey[bool]()
PREPARED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The lab's options."""
    add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Iterator[None]:
    """The short spelling of the options, where no other plugin has it."""
    yield from translate(early_config, parser, args)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the evidence folder, the same for all xdist workers, and let pytest-html and JUnit write into it.

    pytest-xdist looks after this how many workers it is to start.
    """
    # The library's own items carry it, in projects that are strict about marks as well.
    config.addinivalue_line("markers", "real_clock: lasts as long as what it waits for, on the wall clock")
    if config.option.lab_library:
        add_library(config)
    begin_session(config)
    check_speed(config)
    scenarios = not is_worker(config) and expects_scenarios(config)
    config.stash[PREPARED] = scenarios and not runs_nothing(config)
    if scenarios:
        config.pluginmanager.register(_Interrupted())
        choose_workers(config)
    if config.stash[PREPARED]:
        prepare_reports(config)
        config.stash[STORIES] = Stories(config)
        config.pluginmanager.register(config.stash[STORIES])


class _Interrupted:
    """What follows Ctrl-C may take long, in a session with scenarios: a second one ends it with one line."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """The first one, while collecting or later."""
        # Sessions without scenarios do not pay for it.
        from lab.environment import end_at_next_interrupt

        end_at_next_interrupt()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker which folder this session writes to."""
    node.workerinput["lab_run_id"] = node.config.stash[RUN_ID]
    node.workerinput["lab_results"] = str(node.config.stash[RESULTS])
    node.workerinput[ADMISSION] = node.config.stash.get(CHOSEN, False)


@pytest.hookimpl(tryfirst=True)
def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `--lab-item`: all but that item's file, and the folders around it."""
    return leads_elsewhere(config, collection_path)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Scenario files."""
    collectors = yield
    mine = collect(file_path, parent, taken=bool(collectors))
    return collectors if mine is None else [*collectors, mine]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """In real time a scenario begins once there is room for it, before its own time begins to count."""
    if is_scenario(item):
        admit(item.config)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure of the lab is its story; pytest-html gets the scenario's page."""
    report = yield
    if report.when == "call":
        error = call.excinfo.value if call.excinfo is not None else None
        if isinstance(error, (ScenarioFailure, LabError)) and FOLDER in item.stash:
            # A Python scenario is a function to pytest, which would print its stack before the story.
            report.longrepr = story(item, error)
        add_page(item, report)
    return report


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Where evidence goes."""
    if not config.stash[PREPARED]:
        return []
    return [f"tesseract-lab: evidence in {seen_from_here(config, session_folder(config))}"]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """With scenarios most of the lab is loaded. Where there is nothing else, nobody asks the collector about it."""
    if not expects_scenarios(session.config):
        return (yield)
    from lab.garbage import loading

    with loading(stays=lambda: all(map(is_scenario, session.items))):
        return (yield)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--lab-item` that alone; in real time the longest scenarios come first."""
    keep_item(config, items)
    put_longest_first(config, items)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What will be run decides which project it is about."""
    session.config.stash[FILES] = tuple(dict.fromkeys(item.path for item in session.items))


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """What is known of the contract before anything runs: its smoke run, and what it lacks of the interface."""
    scenarios = any(isinstance(item, ScenarioTest) for item in items)
    lines = left_alone(config, scenarios=scenarios)
    # After an error of collection nothing will run, so nothing is started either.
    broken = bool(items) and items[0].session.testsfailed > 0 and not config.option.continue_on_collection_errors
    if runs_nothing(config) or not scenarios or broken:
        return lines
    from lab.plugin.estimating import lines_of_items, relayer_lines

    return [*lines, *_contract_lines(config), *relayer_lines(config), *lines_of_items(config, items)]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """With xdist the workers collect; this process prints the estimate once the first of them has."""
    config = node.config
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not config.stash[PREPARED] or config.stash.get(ESTIMATED, False):
        return
    from lab.plugin.estimating import lines_of_ids, relayer_lines

    config.stash[ESTIMATED] = True
    files = [file_of(config, node_id) for node_id in ids]
    config.stash[FILES] = tuple(dict.fromkeys(path for path in files if path is not None))
    estimate = lines_of_ids(config, ids, len(config.option.tx))
    for line in [*_contract_lines(config), *relayer_lines(config), *estimate]:
        # This process runs no test, so pytest captures nothing of it, and the line keeps its place in the output.
        reporter.write_line(f"\n{line}")


def _contract_lines(config: pytest.Config) -> list[str]:
    try:
        shared = suite(config)
        return [shared.under_test.line, *shared.contract_lines()]
    except LabError:
        # Whoever needs the suite next meets the same error, and reports it as it should be.
        return []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """A disk too full for the reports of pytest's own plugins is one line, not a stack trace of theirs."""
    try:
        yield
        # Where there is a terminal, it has asked for them before.
        report_session(session.config)
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
        notify(session.config, failure)
        session.exitstatus = EXIT_CODE
    if TROUBLE in session.config.stash:
        session.exitstatus = EXIT_CODE


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """One line per scenario, why this backend, and where to read on."""
    try:
        report_session(config, terminalreporter)
    except LabError as error:
        config.stash[TROUBLE] = True
        terminalreporter.write_line(f"error: {error}")
    if STORIES in config.stash:
        config.stash[STORIES].before_the_list(terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Nothing is left running."""
    if SUITE in config.stash:
        config.stash[SUITE].close()
        del config.stash[SUITE]
