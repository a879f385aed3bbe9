"""A contract that calls hardly anything as documented: with its lab.yaml the lab reaches and judges all of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.checks import CHECKS
from lab.errors import InvalidFile
from lab.model.verdict import Verdict
from lab.runner.runner import Options, Result, run_item
from lab.scenario.resolve import load_scenario
from lab.session.suite import Suite, open_suite
from lab.session.under_test import system_under_test

from ..conftest import ROOT

HERE = Path(__file__).parent
PROJECT = HERE / "mapped"


def opened(folder: Path) -> Suite:
    """The suite of a project, its contract tried once."""
    system = system_under_test(contract=None, relayer_cmd=None, working_folder=folder)
    return open_suite(run_id="mapped", backend="process", image=None, system=system, smoke=True)


@pytest.fixture(scope="module")
def suite() -> Iterator[Suite]:
    """The project as it is."""
    found = opened(PROJECT)
    yield found
    found.close()


def played(suite: Suite, scenario: Path, folder: Path) -> Result:
    """One run of a scenario's first item."""
    item = load_scenario(scenario, known_checks=CHECKS)[0]
    return run_item(item, Options(suite.backend, suite.reason, suite.target, "mapped", smoke=suite.smoke), folder, "")


def test_the_smoke_run_learns_its_delay(suite: Suite) -> None:
    """Two blocks between buffering and resolve, which nobody declared."""
    assert suite.smoke is not None
    assert suite.smoke.failure is None
    assert suite.target.limits.resolve_after_blocks == 2


def test_the_report_finds_all_of_it(suite: Suite) -> None:
    """Under its own names; a breaker whose counter is private is one."""
    first, *rest = suite.contract_lines()
    assert first == "contract Bridge (vyper 0.4.3): 14 of 14 documented functions, with all events and reverts"
    assert "  capabilities: has stop, breaker; lacks expiry, handover, deadline, batch" in rest
    assert rest[-1] == "  limits: resolve after blocks 2 (learnt)"


@pytest.mark.parametrize(
    "scenario",
    [
        ROOT / "scenarios/dependencies/single_dependency.yaml",
        ROOT / "scenarios/failures/expired_parent.yaml",
        ROOT / "scenarios/failures/window_boundaries.yaml",
        HERE / "stop_and_trip.yaml",
    ],
    ids=lambda path: path.stem,
)
def test_core_scenarios_pass(suite: Suite, tmp_path: Path, scenario: Path) -> None:
    """With the relayer and without it; S6, S10 and S11 have something to judge."""
    result = played(suite, scenario, tmp_path)
    assert result.verdict.verdict is Verdict.PASS, result.verdict.reasons
    passed = {check.check for check in result.verdict.checks if check.verdict is Verdict.PASS}
    assert passed >= {"S1", "S6", "S11"}


MISTAKES = {
    "constructor: [owner, 10]": ("constructor: [owner]", "lab.yaml:2:14 constructor: the contract's constructor takes"),
    "functions: [execute]": (
        "functions: [exekute]",
        "functions[0]: the lab knows no function exekute (did you mean ex",
    ),
    "finish\n": (
        "settle\n",
        "functions.execute: mark_executed takes (bytes32), settle(uint8,bytes32) does not: say by",
    ),
    "{value: 7}, target": ("{value: x}, target", "functions.buffer.arguments[2].value: expected uint8, got 'x'"),
    "payload]": ("payload, {value: 1}]", "functions.buffer.arguments: enqueue(uint256,bytes32,uint8,address,address"),
    "tx_id: id, reason: why": ("tx_id: id, reason: because", "arguments.reason: the event Dropped has no argument bec"),
    "[breaker]": ("[breaker, expiry]", "capabilities[1]: the contract lacks expiry: it has no expire_transaction"),
    "role: EXECUTOR_ROLE,": ("", "roles.executor: the contract has no function grantRole or grant_role of (address)"),
    "{call: set_fee, args: [0]}": ("{call: set_fee}", "set_up[0]: set_fee takes (amount: uint256), got 0 arguments"),
    "- {call: set_fee": ("- {as: user, call: set_fee", "lab.yaml:4:5 set_up[0]: expected set_fee(0) by user to succe"),
    "set_fee, args: [0]": ("set_fee, args: [1]", "functions.buffer: buffer_transaction never succeeds: it reverts wi"),
}


@pytest.mark.parametrize(("old", "new", "words"), [(old, *rest) for old, rest in MISTAKES.items()])
def test_a_mistake_has_its_place_before_anything_runs(tmp_path: Path, old: str, new: str, words: str) -> None:
    """In the mapping, in the script, and what the contract asks for that the lab does not have."""
    shutil.copytree(PROJECT, tmp_path, dirs_exist_ok=True)
    text = (tmp_path / "lab.yaml").read_text()
    assert text.count(old) == 1
    (tmp_path / "lab.yaml").write_text(text.replace(old, new))
    with pytest.raises(InvalidFile) as caught:
        opened(tmp_path).close()
    assert words in str(caught.value)
