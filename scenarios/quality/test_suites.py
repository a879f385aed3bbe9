"""The lab's own tests ran and passed on this commit, and every core operation of the contract succeeds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.evidence.repository import lab_state
from lab.report.evidence.suite_result import SuiteResult, read_suite
from lab.runner.script import Script

SETUP = """
name: The test suite of this commit
description: >
  `make test` left results/tests.xml for this very commit: nothing failed, and nothing was skipped or expected to fail,
  for a test that did not run proves nothing. Beside it every core operation of the contract succeeds once: what is
  never seen to succeed is not tested by anything.
rows: [CQ-02]
networks: {ethereum: {}}
relayer: none
window: 60s
timeout: 10m
checks: [default]
flows: {core: {one: {chain: ethereum, at: +30s}}}
"""

JUNIT = Path("results") / "tests.xml"


def judge(script: Script, suite: SuiteResult, commit: str | None) -> None:
    """The file beside the commit that runs now."""
    same = suite.commit is not None and suite.commit == commit
    script.expect(f"tests of commit {commit}", f"of {suite.commit or 'no single clean commit'}", met=same or None)
    first = "".join(f"; {name}" for name in suite.failed[:3])
    script.expect("no test to fail", f"{len(suite.failed)} of {suite.tests}{first}", met=not suite.failed)
    left_out = "".join(f"; {name}" for name in suite.skipped[:3])
    all_ran = not suite.skipped and suite.tests > 0
    script.expect("every test to run", f"{len(suite.skipped)} skipped or xfailed{left_out}", met=all_ran or None)


def core_operations(script: Script) -> None:
    """Buffer, resolve, execute."""
    leg = script.run.item.leg("core.one")
    script.expect_ok(script.buffer("core.one"))
    script.advance_to(48)
    for function in ("resolve_dependency", "mark_executed"):
        script.expect_ok(script.call(leg.chain, function, leg.tx_id))


def test_suites(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Read what `make test` wrote."""
    if not JUNIT.is_file():
        pytest.skip(f"{JUNIT}: `make test` has not run here")
    suite = read_suite(JUNIT)

    def play(script: Script) -> None:
        judge(script, suite, lab_state()["commit"])
        core_operations(script)

    lab_run(SETUP, play)
