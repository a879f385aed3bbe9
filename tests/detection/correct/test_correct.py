"""Two correct contracts in styles of their own: no scenario of the library finds a fault in them.

`plain` has the documented interface and nothing more; `rich` has roles by hash, names, events, reasons and functions of
its own, a breaker that counts in its own way, refuses what would change nothing, and needs 25,000 gas more for every
call. What they lack is not exercised. With LAB_LIBRARY=whole every scenario under the virtual clock is tried (`make
detection`).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.checks import CHECKS
from lab.coordinator.documented import FUNCTIONS
from lab.deploy.deployer import Deployable
from lab.explore.mutate.library import LibraryItem, load_library
from lab.model.verdict import Verdict
from lab.paths import SCENARIOS
from lab.runner.runner import Options, Result, run_item
from lab.scenario.resolve import load_scenario
from lab.session.suite import compile_target
from lab.session.under_test import system_under_test

HERE = Path(__file__).parent
CONTRACTS = ("plain", "rich")
# One for each way in which a correct contract was once called wrong.
CHOSEN = (
    "congestion/gas_limit_cut",
    "failures/roles_of_capabilities",
    "failures/breaker_drill",
    "security/test_role_matrix",
    "security/test_reentrancy",
    "security/test_input_boundaries",
    "security/test_input_fuzzing",
    "model/test_model",
    "mutation/test_every_rule",
    "quality/test_interface",
)
LACKING = {"plain": {"failures/roles_of_capabilities", "failures/breaker_drill"}, "rich": set[str]()}


def scenario_name(path: Path) -> str:
    """Its name in the library."""
    return path.relative_to(SCENARIOS).with_suffix("").as_posix()


def chosen(path: Path) -> bool:
    """Whether a scenario is tried."""
    return os.environ.get("LAB_LIBRARY") == "whole" or scenario_name(path) in CHOSEN


# Only these are read: every worker collects this file.
RUNS = [(scenario_name(entry.item.file), entry) for entry in load_library(SCENARIOS, chosen).items.values()]


@pytest.fixture(scope="module", params=CONTRACTS)
def contract(request: pytest.FixtureRequest) -> tuple[str, Deployable]:
    """One of them as its lab.yaml describes it."""
    system = system_under_test(contract=None, relayer_cmd=None, working_folder=HERE / request.param)
    return request.param, compile_target(system)


def played(contract: Deployable, entry: LibraryItem, backend: ProcessBackend, folder: Path) -> Result:
    """One run."""
    return run_item(entry.item, Options(backend, "a test", contract, "correct"), folder, "", entry.play)


@pytest.mark.parametrize(("name", "entry"), RUNS, ids=[entry.name for _, entry in RUNS])
def test_no_scenario_finds_a_fault(
    shared_backend: ProcessBackend, tmp_path: Path, contract: tuple[str, Deployable], name: str, entry: LibraryItem
) -> None:
    """PASS, or not exercised by name of the capability that it lacks; never FAIL, never UNKNOWN."""
    which, target = contract
    verdict = played(target, entry, shared_backend, tmp_path / "run").verdict
    if name in CHOSEN:
        wanted = Verdict.NOT_EXERCISED if name in LACKING[which] else Verdict.PASS
        assert verdict.verdict is wanted, verdict.reasons
    assert verdict.verdict in (Verdict.PASS, Verdict.NOT_EXERCISED), verdict.reasons
    assert verdict.verdict is Verdict.PASS or verdict.lacks, verdict.reasons


@pytest.mark.parametrize("part", ["plain", "rich"])
def test_they_are_what_they_are_said_to_be(part: str) -> None:
    """All documented functions; no capability, or a breaker."""
    target = compile_target(system_under_test(contract=None, relayer_cmd=None, working_folder=HERE / part))
    assert target.codec.has(*(name for name, function in FUNCTIONS.items() if function.part == "documented"))
    assert target.capabilities == (() if part == "plain" else ("stop", "breaker"))
    assert not target.reference


def test_the_chosen_scenarios_exist() -> None:
    """A scenario that was renamed would no longer be tried."""
    assert {name for name, _ in RUNS} >= set(CHOSEN)
    assert load_scenario(SCENARIOS / "failures/breaker_drill.yaml", known_checks=CHECKS)[0].model.needs == ("breaker",)
