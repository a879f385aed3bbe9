"""What a session with scenarios writes and says at its end, whichever of pytest's own plugins are switched off."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lab.errors import EnvironmentFailure, LabError
from lab.plugin.options import plain
from lab.plugin.sharing import (
    FOLDER,
    NOT_EXERCISED,
    NOT_RUN_SINCE,
    RESULTS,
    RUN_ID,
    environment,
    is_worker,
    quiet,
    seen_from_here,
    session_folder,
    system,
)
from lab.plugin.stories import STORIES

# How the reasons of runs begin, which have a line of their own.
LISTED = (NOT_EXERCISED, NOT_RUN_SINCE)
REPORTED = pytest.StashKey[bool]()
TROUBLE = pytest.StashKey[bool]()


class _Title:
    """A plugin of its own, since pytest-html does not say whose page it asks about."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """What stands at the top of the page."""
        report.title = "Tesseract Lab: scenarios"


def writes_html(config: pytest.Config) -> bool:
    """Whether pytest-html can: it ends with a stack trace of its own where pytest-metadata is switched off."""
    return all(config.pluginmanager.hasplugin(name) for name in ("html", "metadata"))


def prepare_reports(config: pytest.Config) -> None:
    """Let pytest-html and JUnit write into the session's folder, unless they have another place or are switched off.

    Raises pytest.UsageError where nothing can be written.
    """
    folder = session_folder(config)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(
            f"the evidence folder {folder} cannot be written to: {error.strerror}. "
            "Name another place with --results, or make this one writable"
        ) from None
    if writes_html(config):
        config.pluginmanager.register(_Title(), "lab-title")
        if plain(config, "htmlpath") is None:
            config.option.htmlpath = str(folder / "report.html")
            config.option.self_contained_html = True
    if config.pluginmanager.hasplugin("junitxml") and plain(config, "xmlpath") is None:
        config.option.xmlpath = str(folder / "junit.xml")


def add_page(item: pytest.Item, report: Any) -> None:
    """Give pytest-html the scenario's page: description, verdict, time line, links into the run folder."""
    folder = item.stash.get(FOLDER, None)
    if folder is None or not writes_html(item.config):
        return
    with quiet(), suppress(OSError):
        from pytest_html import extras

        from lab.evidence import RunFolder
        from lab.report.run_page.page import scenario_fragment

        if folder.is_dir():
            fragment = scenario_fragment(RunFolder(folder), relative_to=folder.parent)
            report.extras = [*getattr(report, "extras", []), extras.html(fragment)]


def report_session(config: pytest.Config, terminalreporter: Any = None) -> None:
    """Write the session's reports once, and say where they are. Raises EnvironmentFailure where that is impossible."""
    if is_worker(config) or REPORTED in config.stash or RUN_ID not in config.stash:
        return
    config.stash[REPORTED] = True
    if not any(session_folder(config).glob("*/manifest.json")):
        with suppress(OSError):
            session_folder(config).rmdir()  # prepared for reports that nobody writes
        return
    with quiet(), environment("reports could not be written"):
        from lab.commands.release.suite_report import Reporting, summarise_session

        results = _shown_path(config, config.stash[RESULTS])
        verbose = getattr(config.option, "verbose", 0) > 0
        stories_shown = STORIES in config.stash and not config.stash[STORIES].hidden
        reporting = Reporting(results, config.stash[RUN_ID], _page(config), system(config), verbose, stories_shown)
        summarise_session(terminalreporter, reporting)
        _name_skips(config, terminalreporter)


def _name_skips(config: pytest.Config, terminalreporter: Any) -> None:
    """A line for each reason to skip that the session's list has not, unless pytest is asked to name them (`-rs`)."""
    if terminalreporter is None or "s" in config.option.reportchars:
        return
    for reason, count in skip_reasons(terminalreporter).items():
        if not reason.startswith(LISTED):
            terminalreporter.write_line(f"{count} skipped: {reason}")


def skip_reasons(terminalreporter: Any) -> Counter[str]:
    """How many tests each reason kept from running, in the order in which they came."""
    skipped = [report.longrepr for report in terminalreporter.stats.get("skipped", ())]
    return Counter(place[2].removeprefix("Skipped: ") for place in skipped if isinstance(place, tuple))


def _shown_path(config: pytest.Config, path: Path) -> Path:
    """The path as pages and messages show it, if it leads there: a test may have changed the working folder."""
    short = seen_from_here(config, path)
    with suppress(OSError):
        if short.samefile(path):
            return short
    return path


def _page(config: pytest.Config) -> str | None:
    """Where pytest-html writes, if it does."""
    given = plain(config, "htmlpath")
    if not given or not writes_html(config):
        return None
    return str(seen_from_here(config, Path(given)))


def failure_of(error: BaseException) -> str | None:
    """A sentence for what kept reports from being written; None for what is no fault of the environment."""
    if isinstance(error, LabError):
        return str(error)
    if isinstance(error, (OSError, UnicodeError)):
        place = f": {error.filename}" if isinstance(error, OSError) and error.filename else ""
        return f"reports could not be written: {getattr(error, 'strerror', None) or error}{place}"
    return None


EXIT_CODE = EnvironmentFailure.exit_code
