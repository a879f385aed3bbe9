"""What a JUnit file says of a suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.report.evidence.suite_result import read_suite

SHA = "a" * 40
CASES = '<testcase classname="t" name="ok"/><testcase classname="t" name="no"><failure/></testcase>'
SKIPPED = '<testcase classname="t" name="left"><skipped type="pytest.xfail"/></testcase>'


@pytest.mark.parametrize(
    ("name", "commit"),
    [(f"tests {SHA}", SHA), (f"tests {SHA}-dirty", None), ("pytest", None), ("", None)],
)
def test_a_suite_is_of_one_clean_commit(tmp_path: Path, name: str, commit: str | None) -> None:
    file = tmp_path / "tests.xml"
    file.write_text(f'<testsuites><testsuite name="{name}">{CASES}{SKIPPED}</testsuite></testsuites>')

    suite = read_suite(file)

    assert suite.commit == commit
    assert (suite.tests, suite.failed, suite.skipped) == (3, ("t::no",), ("t::left",))


def test_what_is_no_junit_is_named(tmp_path: Path) -> None:
    (tmp_path / "tests.xml").write_text("<testsuites>")

    with pytest.raises(ValueError, match="expected JUnit's XML"):
        read_suite(tmp_path / "tests.xml")
