"""What pytest's JUnit file says of a whole suite: of which commit it is, what failed, and what never ran."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import ParseError, XMLParser

from lab.bounded_files import UnfitFile, read_text

BYTES_MAX, TESTS_MAX, DEPTH_MAX, TAG_MAX = 16 << 20, 100_000, 100, 1 << 20
_CHUNK = 1 << 20
_OUTCOMES = {"skipped": "skipped", "failure": "failed", "error": "failed"}
_LONG_TAG = re.compile(rf"<[^<>!][^<>]{{{TAG_MAX}}}")
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

    def with_part(self, part: SuiteResult) -> SuiteResult:
        """This and another part of the same suite as one; of no commit where they are of different ones."""
        return SuiteResult(
            self.commit if part.commit == self.commit else None,
            self.tests + part.tests,
            self.failed + part.failed,
            dict(Counter(self.skipped) + Counter(part.skipped)),
            self.modules | part.modules,
        )

    def missing(self, folder: Path) -> list[str]:
        """The test files of a folder of which no test is in the suite, relative to the folder's parent."""
        files = (path for path in sorted(folder.rglob("test_*.py")) if _has_tests(path))
        paths = (path.relative_to(folder.parent).as_posix() for path in files)
        return [path for path in paths if path.removesuffix(".py").replace("/", ".") not in self.modules]


def read_suite(path: Path) -> SuiteResult:
    """One file. An expected failure counts as skipped. Raises OSError, UnfitFile for what is no JUnit."""
    text = read_text(path, max_bytes=BYTES_MAX)
    if "<!DOCTYPE" in text:
        raise UnfitFile(path, "expected JUnit's XML without a DOCTYPE")
    if _LONG_TAG.search(text):
        raise UnfitFile(path, f"expected JUnit's XML with tags of at most {TAG_MAX} characters, got a longer one")
    reading = _Reading(path)
    parser = XMLParser(target=reading)
    try:
        for start in range(0, len(text), _CHUNK):
            parser.feed(text[start : start + _CHUNK])
        parser.close()
    except ParseError as error:
        raise UnfitFile(path, f"expected JUnit's XML: {error}") from None
    return reading.result()


class _Reading:
    """Is told of each element as it is parsed, and keeps what counts of it: the whole tree takes ten times its text."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.commits = set[str | None]()
        self.tests = 0
        self.failed = list[str]()
        self.skipped: Counter[str] = Counter()
        self.modules = set[str]()
        # Of each element that is open the attributes, where it is a test; and what was seen of the last test.
        self._open = list[dict[str, str] | None]()
        self._seen = set[str]()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        above = self._open[-1] if self._open else None
        self._open.append(attributes if tag == "testcase" else None)
        if self.tests > TESTS_MAX or len(self._open) > DEPTH_MAX:
            raise UnfitFile(self._path, f"expected at most {TESTS_MAX} tests, {DEPTH_MAX} levels deep, got more")
        if tag == "testsuite":
            match = _NAME.fullmatch(attributes.get("name", ""))
            self.commits.add(match[1] if match and not match[2] else None)
        elif tag == "testcase":
            self.tests, self._seen = self.tests + 1, set()
            self.modules.update(_modules(attributes.get("classname", "")))
        elif above is not None and (what := _OUTCOMES.get(tag)) is not None and what not in self._seen:
            self._seen.add(what)
            if what == "failed":
                self.failed.append(f"{above.get('classname')}::{above.get('name')}"[:200])
            else:
                self.skipped[(attributes.get("message") or "no reason")[:200]] += 1

    def end(self, tag: str) -> None:
        self._open.pop()

    def close(self) -> None:
        """The end of the document."""

    def result(self) -> SuiteResult:
        commit = self.commits.pop() if len(self.commits) == 1 else None
        return SuiteResult(commit, self.tests, tuple(self.failed), dict(self.skipped), frozenset(self.modules))


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
