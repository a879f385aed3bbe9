"""A scenario in Python ends with a verdict whatever stops it, and the verdict says where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.coordinator.reads import ZERO_ID
from lab.deploy.deployer import Deployable, deployable
from lab.errors import DeployFailure
from lab.model.contract.names import Limits
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


def expects_and_pauses(script: Script) -> None:
    script.expect("this", "this", met=True)
    pauses(script)


def fails_and_pauses(script: Script) -> None:
    script.expect("this", "that", met=False)
    pauses(script)


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
        (expects_and_pauses, Verdict.NOT_EXERCISED, "not exercised: the contract lacks stop (no pause)"),
        (fails_and_pauses, Verdict.FAIL, "expected this"),
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
    stop = dict.fromkeys((pauses, expects_and_pauses, fails_and_pauses), "stop (no pause)")
    lacks = {**stop, leaves_out: "handover (no propose_owner, accept_ownership)"}
    assert found.lacks == tuple(lacks[play] for play in (play,) if play in lacks)


@pytest.mark.parametrize(
    ("per_block", "verdict"), [(None, Verdict.PASS), (2, Verdict.PASS), (1, Verdict.NOT_EXERCISED)]
)
def test_what_has_no_room_in_blocks_is_not_exercised(
    shared_backend: ProcessBackend, plain: Deployable, tmp_path: Path, per_block: int | None, verdict: Verdict
) -> None:
    """Two calls before a moment that one block more would pass; what was met before does not make it a PASS."""

    def play(script: Script) -> None:
        script.expect("this", "this", met=True)
        calls = [("set_coordination_window", (window,)) for window in (20, 40)]
        script.bulk("polygon", calls, role="owner")
        script.advance_to(2.5)
        script.expect("what is planned to follow", "it does", met=True)

    found = ran(shared_backend, replace(plain, limits=Limits(per_block=per_block)), tmp_path, play)
    assert found.verdict is verdict, found.reasons
    room = ("room in blocks for what is planned until 2.500 s (limits: per_block 1)",)
    assert found.lacks == (room if verdict is Verdict.NOT_EXERCISED else ())


def ran(backend: ProcessBackend, target: Deployable, folder: Path, play: Any) -> RunVerdict:
    """The verdict of one run."""
    (item,) = parse_scenario(SETUP, Path(__file__))
    options = Options(backend, "a test", target, "t")
    return run_item(item, options, folder / "run", "", lambda run: guarded(run, play)).verdict
