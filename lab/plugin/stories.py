"""How failures are shown. The terminal shows one alone at length; several by their causes, or all with `-v`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from _pytest._code.code import ReprExceptionInfo, ReprFileLocation, ReprTracebackNative

from lab.plugin.sharing import NOT_RUN, SUITE

STORIES = pytest.StashKey["Stories"]()
# How many failed scenarios pytest's short summary still lists one by one.
LISTED_MAX, STORY_LINES_MAX = 8, 40
# With what stands around it: what is said of the contract, a line for each run, where to read on.
OUTPUT_LINES_MAX, AROUND = 60, 14
DEFAULT_CHARACTERS = "fE"


def story(item: pytest.Item, error: BaseException) -> ReprExceptionInfo:
    """What an error says, as pytest has failures: whole where shown alone, and its first line in lists of failures.

    Of a plain text the lists have it whole with `-vv` and where CI is set, and JUnit's message, too. Workers of
    pytest-xdist hand over only what is of pytest's own classes.
    """
    text = str(error)
    first = next(iter(text.splitlines()), type(error).__name__)
    file, line, _ = item.location
    return ReprExceptionInfo(ReprTracebackNative([f"{text}\n"]), ReprFileLocation(file, (line or 0) + 1, first))


class Stories:
    """Around pytest's summary: leaves out the failures that causes stand for, and gives them back to be counted."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._hidden: list[Any] = []

    @property
    def hidden(self) -> bool:
        """Whether some failures are not shown at length."""
        return bool(self._hidden)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Iterator[None]:
        """Outside of everything that the terminal reporter itself writes."""
        failed = terminalreporter.stats.get("failed", [])
        runs = [report for report in failed if _of_a_run(report)]
        alone = len(runs) == 1 and _fits(runs[0], self._room(terminalreporter))
        if runs and not alone and getattr(self._config.option, "verbose", 0) <= 0:
            self._hidden = runs
            terminalreporter.stats["failed"] = [report for report in failed if report not in runs]
        try:
            return (yield)
        finally:
            self.give_back(terminalreporter)

    def _room(self, terminalreporter: Any) -> int:
        """Lines for a story, so that a session of a few runs prints no more than OUTPUT_LINES_MAX."""
        reports = [report for reports in terminalreporter.stats.values() for report in reports]
        said = self._config.stash[SUITE].contract_lines() if SUITE in self._config.stash else ()
        around = len(said) + AROUND + min(LISTED_MAX, sum(map(_of_a_run, reports)))
        return min(STORY_LINES_MAX, OUTPUT_LINES_MAX - around)

    def before_the_list(self, terminalreporter: Any) -> None:
        """Pytest lists what failed next: a few of ours are welcome there, or all where somebody asked for a list."""
        if len(self._hidden) <= LISTED_MAX or self._config.option.reportchars != DEFAULT_CHARACTERS:
            self.give_back(terminalreporter)

    def give_back(self, terminalreporter: Any) -> None:
        """So that the last line counts them, and no plugin misses them."""
        if self._hidden:
            terminalreporter.stats["failed"] = [*self._hidden, *terminalreporter.stats.get("failed", [])]
            self._hidden = []


def _fits(report: Any, room: int) -> bool:
    """Whether a story is short enough to be shown; that of a scenario that was not run says nothing else."""
    not_run = any(name == NOT_RUN for name, _ in report.user_properties)
    return not not_run and len(str(report.longrepr).splitlines()) <= room


def _of_a_run(report: Any) -> bool:
    """Whether a failed test was a run with a verdict: its evidence says all that the failure would."""
    properties = getattr(report, "user_properties", ())
    return getattr(report, "when", "") == "call" and any(name == "lab_verdict" for name, _ in properties)
