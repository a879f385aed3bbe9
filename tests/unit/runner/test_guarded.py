"""A scenario in Python ends with a verdict whatever stops it, and the verdict says where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.coordinator.reads import ZERO_ID
from lab.deploy.deployer import Deployable, deployable
from lab.errors import DeployFailure
from lab.model.verdict import RunVerdict, Verdict
from lab.paths import REFERENCE_CONTRACT
from lab.runner.guarded import guarded
from lab.runner.runner import Options, run_item
from lab.runner.script import Script
from lab.scenario.resolve import parse_scenario
from tests.compiling import compile_once

SETUP = """
name: A test
description: Calls what is not there.
networks: {polygon: {}}
relayer: none
checks: []
timeline: [{wait: 0s}]
"""
ACCOUNT = "0x" + "ab" * 20


@pytest.fixture(scope="module")
def plain() -> Deployable:
    """A contract without any capability."""
    path = REFERENCE_CONTRACT.parent / "plain/PlainCoordinator.vy"
    return deployable(compile_once(path))


def fails_by_itself(script: Script) -> None:
    script.expect("this", "that", met=True)
    [][1]


def asserts(script: Script) -> None:
    assert script.read("polygon", "owner") == "nobody", "expected nobody"


def pauses(script: Script) -> None:
    script.call("polygon", "pause", role="owner")


def misspells(script: Script) -> None:
    script.read("polygon", "ownr")


def reads_what_reverts(script: Script) -> None:
    script.gas("polygon", "resolve_dependency", (ZERO_ID,), at_least=1)


def is_refused(script: Script) -> None:
    raise DeployFailure("polygon: buffer is reverted: too late")


def waits_too_long(script: Script) -> None:
    script.run.lab.scheduler.advance_until(lambda: False, deadline_ms=1, step_ms=1, waiting_for="the end")


def leaves_out(script: Script) -> None:
    if script.needs("handover"):
        script.call("polygon", "propose_owner", ACCOUNT, role="owner")
    script.expect_equal("the account", script.read("polygon", "authorized_operators", ACCOUNT), False)


@pytest.mark.parametrize(
    ("play", "verdict", "words"),
    [
        (fails_by_itself, Verdict.UNKNOWN, "IndexError: list index out of range (the scenario cannot go on from test"),
        (asserts, Verdict.FAIL, "expected nobody"),
        (pauses, Verdict.NOT_EXERCISED, "not exercised: the contract lacks stop (no pause)"),
        (misspells, Verdict.FAIL, "the contract has no function ownr"),
        (reads_what_reverts, Verdict.UNKNOWN, "resolve_dependency reverts: Transaction not in buffered state"),
        (is_refused, Verdict.FAIL, "polygon: buffer is reverted: too late"),
        (waits_too_long, Verdict.UNKNOWN, "(the scenario cannot go on from test_guarded.py:"),
        (leaves_out, Verdict.PASS, ""),
    ],
)
def test_it_ends_with_a_verdict(
    shared_backend: ProcessBackend, plain: Deployable, tmp_path: Path, play: Callable[[Script], None], verdict: Verdict,
    words: str,
) -> None:  # fmt: skip
    """What the contract lacks is not exercised; what the scenario did not foresee is not known."""
    found = ran(shared_backend, plain, tmp_path, play)
    assert found.verdict is verdict, found.reasons
    assert words in "".join(found.reasons), found.reasons
    lacks = {pauses: "stop (no pause)", leaves_out: "handover (no propose_owner, accept_ownership)"}
    assert found.lacks == tuple(lacks[play] for play in (play,) if play in lacks)


def ran(backend: ProcessBackend, target: Deployable, folder: Path, play: Any) -> RunVerdict:
    """The verdict of one run."""
    (item,) = parse_scenario(SETUP, Path(__file__))
    options = Options(backend, "a test", target, "t")
    return run_item(item, options, folder / "run", "", lambda run: guarded(run, play)).verdict
