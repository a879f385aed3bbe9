"""What pytest's JUnit file says of a whole suite: of which commit it is, what failed, and what never ran."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from lab.bounded_files import UnfitFile, read_text

BYTES_MAX = 16 << 20
_NAME = re.compile(r"tests ([0-9a-f]{40})(-dirty)?")


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """`commit` is None where the file does not say it, or files had been changed. Tests are `class::name`."""

    commit: str | None
    tests: int
    failed: tuple[str, ...]
    skipped: tuple[str, ...]


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
    return SuiteResult(
        commits.pop() if len(commits) == 1 else None,
        len(cases),
        tuple(_name(case) for case in cases if case.find("failure") is not None or case.find("error") is not None),
        tuple(_name(case) for case in cases if case.find("skipped") is not None),
    )


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname')}::{case.get('name')}"[:200]
