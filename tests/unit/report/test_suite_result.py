"""What a JUnit file says of a suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.bounded_files import UnfitFile
from lab.report.evidence.suite_result import read_suite

SHA = "a" * 40
CASES = '<testcase classname="tests.test_a" name="ok"/><testcase classname="t" name="no"><failure/></testcase>'
SKIPPED = '<testcase classname="t" name="left"><skipped type="pytest.xfail" message="no engine"/></testcase>'
OF_A_CLASS = '<testcase classname="tests.test_b.TestB" name="ok"/>'


def suite_file(folder: Path, name: str) -> Path:
    file = folder / "tests.xml"
    file.write_text(f'<testsuites><testsuite name="{name}">{CASES}{SKIPPED}{OF_A_CLASS}</testsuite></testsuites>')
    return file


@pytest.mark.parametrize(
    ("name", "commit"),
    [(f"tests {SHA}", SHA), (f"tests {SHA}-dirty", None), ("pytest", None), ("", None)],
)
def test_a_suite_is_of_one_clean_commit(tmp_path: Path, name: str, commit: str | None) -> None:
    suite = read_suite(suite_file(tmp_path, name))

    assert suite.commit == commit
    assert (suite.tests, suite.failed, suite.skipped) == (4, ("t::no",), {"no engine": 1})


def test_a_part_of_the_tests_is_not_the_suite(tmp_path: Path) -> None:
    """A file of tests without a result is named; what has no tests, or a command of its own, is not asked for."""
    suite = read_suite(suite_file(tmp_path, ""))
    tests = tmp_path / "tests"
    (tests / "deep").mkdir(parents=True)
    for name, text in {
        "test_a.py": "def test_ok(): ...\n",
        "test_b.py": "class TestB:\n    def test_ok(self): ...\n",
        "deep/test_c.py": "def test_never(): ...\n",
        "test_helpers.py": "def helper(): ...\n",
        "test_torture.py": "pytestmark = pytest.mark.reliability\ndef test_long(): ...\n",
    }.items():
        (tests / name).write_text(text)

    assert suite.missing(tests) == ["tests/deep/test_c.py"]


def test_two_parts_of_a_suite_are_one(tmp_path: Path) -> None:
    """Both have to be there, of the same commit; what is missing without the second is not missing with it."""
    first = read_suite(suite_file(tmp_path, f"tests {SHA}"))
    other = tmp_path / "detection.xml"
    tests = tmp_path / "tests"
    tests.mkdir()
    for module in ("test_a", "test_b", "test_judged"):
        (tests / f"{module}.py").write_text("def test_ok(): ...\n")
    for commit, of_both in ((SHA, SHA), ("b" * 40, None)):
        case = '<testcase classname="tests.test_judged" name="bad"><failure/></testcase>'
        other.write_text(f'<testsuites><testsuite name="tests {commit}">{case}{SKIPPED}</testsuite></testsuites>')
        both = first.with_part(read_suite(other))
        assert (both.commit, both.tests, both.skipped) == (of_both, 6, {"no engine": 2})
        assert both.failed == ("t::no", "tests.test_judged::bad")
        assert (first.missing(tests), both.missing(tests)) == (["tests/test_judged.py"], [])


def test_what_is_no_junit_is_named(tmp_path: Path) -> None:
    (tmp_path / "tests.xml").write_text("<testsuites>")

    with pytest.raises(ValueError, match="expected JUnit's XML"):
        read_suite(tmp_path / "tests.xml")


@pytest.mark.parametrize(
    "content",
    [
        "<a>" * 200,
        "<testcase/>" * 100_010,
        f"<a {' '.join(f'b{number}=' + chr(34) * 2 for number in range(200_000))}/>",
    ],
)
def test_a_file_that_is_deep_or_has_very_many_parts_is_refused(content: str, tmp_path: Path) -> None:
    """A tree of 16 MB of elements took a gigabyte; what is read is told element by element, within bounds."""
    file = tmp_path / "tests.xml"
    file.write_text(f"<testsuites><testsuite>{content}</testsuite></testsuites>")
    with pytest.raises(UnfitFile, match="at most"):
        read_suite(file)
