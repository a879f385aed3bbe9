"""What pytest's JUnit file says of a whole suite: of which commit it is, what failed, and what never ran."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"tests ([0-9a-f]{40})(-dirty)?")


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """`commit` is None where the file does not say it, or files had been changed. Tests are `class::name`."""

    commit: str | None
    tests: int
    failed: tuple[str, ...]
    skipped: tuple[str, ...]


def read_suite(path: Path) -> SuiteResult:
    """One file. An expected failure counts as skipped. Raises OSError, ValueError for what is no JUnit."""
    try:
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    except ElementTree.ParseError as error:
        raise ValueError(f"{path}: expected JUnit's XML: {error}") from None
    suites = [suite for suite in root.iter("testsuite")]
    named = [_NAME.fullmatch(suite.get("name", "")) for suite in suites]
    commits = {match[1] if match and not match[2] else None for match in named}
    cases = list(root.iter("testcase"))
    return SuiteResult(
        commits.pop() if len(commits) == 1 else None,
        len(cases),
        tuple(_name(case) for case in cases if case.find("failure") is not None or case.find("error") is not None),
        tuple(_name(case) for case in cases if case.find("skipped") is not None),
    )


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname')}::{case.get('name')}"[:200]
