"""`python -m pytest -p tests.cpu`: processor time of every test, children included, at the end of a run.

First by folder, then the greatest tests. Wall time says how busy a machine was; this says what a test costs. A
fixture counts for the test that first asks for it, and a child once it was waited for. `CPU_FILE=path` adds a line
for each test as it ends.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Any

import pytest

FILE = os.environ.get("CPU_FILE")
PROPERTY = "cpu_s"
LISTED = 60


def _spent() -> float:
    usages = map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Note what was spent before this test."""
    item.stash[_BEFORE] = _spent()
    return (yield)


_BEFORE = pytest.StashKey[float]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Send along with a test's last report what it spent."""
    if call.when == "teardown":
        item.user_properties.append((PROPERTY, _spent() - item.stash[_BEFORE]))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write a test down, in the process that workers report to."""
    if FILE and report.when == "teardown" and "PYTEST_XDIST_WORKER" not in os.environ:
        with Path(FILE).open("a", encoding="utf-8") as lines:
            lines.write(f"{dict(report.user_properties)[PROPERTY]:.3f}\t{report.nodeid}\n")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The folders, then the greatest tests."""
    tests: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "teardown":
                tests[report.nodeid] += dict(report.user_properties)[PROPERTY]
    folders: Counter[str] = Counter()
    for nodeid, spent in tests.items():
        folders[str(Path(nodeid.partition("::")[0]).parent)] += spent
    terminalreporter.section("processor time")
    for name, spent in [*folders.most_common(), *tests.most_common(LISTED)]:
        terminalreporter.write_line(f"{spent:8.2f} s  {name}")
    terminalreporter.write_line(f"{sum(tests.values()):8.2f} s  all")
