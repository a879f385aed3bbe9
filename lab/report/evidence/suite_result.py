"""What pytest's JUnit file says of a whole suite: of which commit it is, what failed, and what never ran."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lab.bounded_files import UnfitFile, read_text

BYTES_MAX = 16 << 20
_NAME = re.compile(r"tests ([0-9a-f]{40})(-dirty)?")
_TEST = re.compile(r"^\s*(async )?def test_", re.MULTILINE)
# What a suite of this mark asks for has a command of its own: `make torture`.
APART = "mark.reliability"


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """`commit` is None where the file does not say it, or files had been changed. Tests are `class::name`.

    `skipped` counts the tests that were skipped or expected to fail, by the reason that was given.
    """

    commit: str | None
    tests: int
    failed: tuple[str, ...]
    skipped: dict[str, int]
    modules: frozenset[str] = frozenset()

    def missing(self, folder: Path) -> list[str]:
        """The test files of a folder of which no test is in the suite, relative to the folder's parent."""
        files = (path for path in sorted(folder.rglob("test_*.py")) if _has_tests(path))
        paths = (path.relative_to(folder.parent).as_posix() for path in files)
        return [path for path in paths if path.removesuffix(".py").replace("/", ".") not in self.modules]


def read_suite(path: Path) -> SuiteResult:
    """One file. An expected failure counts as skipped. Raises OSError, UnfitFile for what is no JUnit."""
    try:
        text = read_text(path, max_bytes=BYTES_MAX)
        if "<!DOCTYPE" in text:
            raise UnfitFile(path, "expected JUnit's XML without a DOCTYPE")
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise UnfitFile(path, f"expected JUnit's XML: {error}") from None
    suites = [suite for suite in root.iter("testsuite")]
    named = [_NAME.fullmatch(suite.get("name", "")) for suite in suites]
    commits = {match[1] if match and not match[2] else None for match in named}
    cases = list(root.iter("testcase"))
    skipped = [left_out for case in cases if (left_out := case.find("skipped")) is not None]
    return SuiteResult(
        commits.pop() if len(commits) == 1 else None,
        len(cases),
        tuple(_name(case) for case in cases if case.find("failure") is not None or case.find("error") is not None),
        dict(Counter((left_out.get("message") or "no reason")[:200] for left_out in skipped)),
        frozenset(module for case in cases for module in _modules(case.get("classname", ""))),
    )


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname')}::{case.get('name')}"[:200]


def _modules(classname: str) -> tuple[str, str]:
    """A test of a class has the class behind its module."""
    return classname, classname.rpartition(".")[0]


def _has_tests(path: Path) -> bool:
    """A file that cannot be read may hold some."""
    try:
        text = read_text(path, max_bytes=BYTES_MAX)
    except (OSError, UnfitFile):
        return True
    return _TEST.search(text) is not None and APART not in text
