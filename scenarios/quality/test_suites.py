"""The project's own tests ran and passed on this commit, and every core operation of the contract succeeds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.evidence.repository import git_state
from lab.report.evidence.suite_result import SuiteResult, read_suite
from lab.runner.script import Script

SETUP = """
name: The test suite of this commit
description: >
  `make test` left results/tests.xml for this very commit, and `make judge` results/detection.xml: nothing failed,
  and nothing was skipped or expected to fail, for a test that did not run proves nothing. Beside it every core
  operation of the contract succeeds once: what is never seen to succeed is not tested by anything.
rows: [CQ-02]
networks: {ethereum: {}}
relayer: none
window: 60s
timeout: 10m
checks: [default]
flows: {core: {one: {chain: ethereum, at: +30s}}}
"""

JUNIT, MORE = Path("results") / "tests.xml", Path("results") / "detection.xml"


def judge(script: Script, suite: SuiteResult, tests: Path) -> None:
    """What the file says, and whether it speaks of every file of tests."""
    first = "".join(f"; {name}" for name in suite.failed[:3])
    script.expect("no test to fail", f"{len(suite.failed)} of {suite.tests}{first}", met=not suite.failed)
    left_out = "".join(f"; {count} skipped: {reason}" for reason, count in list(suite.skipped.items())[:3])
    all_ran = not suite.skipped and suite.tests > 0
    skipped = sum(suite.skipped.values())
    script.expect("every test to run", f"{skipped} of {suite.tests} did not{left_out}", met=all_ran or None)
    missing = suite.missing(tests)
    names = "".join(f"; {name}" for name in missing[:3])
    wanted = "a result of every file of tests, by `make test` or `make judge`"
    script.expect(wanted, f"{len(missing)} without one{names}", met=not missing or None)


def core_operations(script: Script) -> None:
    """Buffer, resolve, execute."""
    leg = script.run.item.leg("core.one")
    script.expect_ok(script.buffer("core.one"))
    script.advance_to(48)
    for function in ("resolve_dependency", "mark_executed"):
        script.expect_ok(script.call(leg.chain, function, leg.tx_id))


def test_suites(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Read what `make test` and `make judge` wrote. A project without the second has all its tests in the first."""
    if not JUNIT.is_file():
        pytest.skip(f"{JUNIT}: `make test` has not run here")
    suite, commit = read_suite(JUNIT), git_state(str(Path.cwd()))["commit"]
    if suite.commit is None or suite.commit != commit:
        pytest.skip(f"{JUNIT} is of {suite.commit or 'no single clean commit'}, not of {commit}: `make test`")

    if MORE.is_file() and (part := read_suite(MORE)).commit == commit:
        suite = suite.with_part(part)

    def play(script: Script) -> None:
        judge(script, suite, Path.cwd() / "tests")
        core_operations(script)

    lab_run(SETUP, play)
