"""The contract's source is analysed without running it: no grave finding is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.analysis.analyse import analyse
from lab.deploy.deployer import once_only
from lab.errors import EnvironmentFailure
from lab.runner.script import Script

SETUP = """
name: Static analysis
description: >
  Ten rules over the syntax tree that the contract's own compiler makes, and slither where it reads that release: state
  written after a call, a missing check of the sender, tx.origin, an unchecked raw call and others. A finding of high
  severity fails, unless the source accepts it with a reason (`# lab: accept[RULE] REASON`). `lab analyse` prints all.
rows: [CQ-06]
networks: {ethereum: {}}
relayer: none
timeout: 10m
checks: []
"""

# An initializer that lab.yaml names is there for whoever sets up; that nobody calls it again is tried by
# `test_role_matrix`.
ANYBODY = "unguarded-write"


def play(script: Script) -> None:
    """Every open finding of high severity is an expectation of its own that is not met."""
    contract = script.run.lab.spec.target.contract
    if not script.needs_source(rows=["CQ-06"]):
        return
    try:
        analysis = analyse(contract.source_path)
    except EnvironmentFailure as error:
        script.note("unsupported", str(error).splitlines()[0])
        return
    once = {call.what.partition("(")[0] for call in once_only(script.run.lab.spec.target)}
    grave = [finding for finding in analysis.open if finding.rule != ANYBODY or finding.function not in once]
    for finding in grave:
        place = f"{finding.file.name}:{finding.line}:{finding.column}"
        script.expect(f"no open finding of {finding.rule}", f"{place}: {finding.message}", met=False)
    script.note("analysed", f"{len(analysis.findings)} findings by {' and '.join(analysis.tools)}")
    script.expect("no finding of high severity to be open", f"{len(grave)} of {len(analysis.findings)}", met=not grave)


def test_static_analysis(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Analyse it."""
    lab_run(SETUP, play)
