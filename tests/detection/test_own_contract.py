"""A user's own project: a contract that calls things otherwise, found through lab.yaml by plain pytest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.deploy.compile import compile_contract
from lab.deploy.deployer import deployable
from lab.model.verdict import Verdict
from lab.runner.runner import Options, run_item
from lab.scenario.resolve import load_scenario
from lab.session.project import read_project
from lab.session.suite import open_suite
from lab.session.under_test import system_under_test
from tests.unit.pytest_project import ADDOPTS, CACHE, run_pytest

from .conftest import ROOT, RunScenario
from .renamed import LAB_YAML, numbered_source, renamed_source

pytest_plugins = ["pytester"]

SCENARIO = ROOT / "scenarios/dependencies/single_dependency.yaml"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder of a project with a renamed contract; returns it."""
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts/Bridge.vy").write_text(renamed_source())
    (tmp_path / "lab.yaml").write_text(LAB_YAML)
    (tmp_path / "scenarios").mkdir()
    shutil.copy(SCENARIO, tmp_path / "scenarios")
    return tmp_path


def test_a_renamed_contract_passes_the_smallest_flow(project: Path) -> None:
    """Buffer, resolve and execute under other names, events and parameters too, operators granted by hash."""
    suite = open_suite(
        run_id="own",
        backend="process",
        image=None,
        system=system_under_test(contract=None, relayer_cmd=None, working_folder=project),
        smoke=True,
    )
    try:
        first, *rest = suite.contract_lines()
        assert first == "contract Bridge (vyper 0.4.3): 14 of 14 documented functions, with all events and reverts"
        assert any("has stop; lacks breaker" in line for line in rest)
        for scenario in (SCENARIO, ROOT / "tests/detection/cases/stopped_by_owner.yaml"):
            item = load_scenario(scenario, known_checks=("S1", "S2", "S3", "S10"))[0]
            options = Options(suite.backend, suite.reason, suite.target, "own", smoke=suite.smoke)
            result = run_item(item, options, project / "run" / scenario.stem, "")
            assert result.verdict.verdict is Verdict.PASS, result.verdict.reasons
            assert {check.check for check in result.verdict.checks if check.verdict is Verdict.PASS} >= {
                "S1",
                "S6",
                "S11",
            }
    finally:
        suite.close()


@pytest.mark.parametrize("scenario", [SCENARIO, ROOT / "scenarios/failures/expired_parent.yaml"], ids=lambda p: p.stem)
def test_states_of_another_numbering_are_learnt(run: RunScenario, tmp_path: Path, scenario: Path) -> None:
    """0 to 3 as documented, where a flag would have 1, 2, 4 and 8."""
    path = tmp_path / "Numbered.vy"
    path.write_text(numbered_source())
    result = run(path, scenario)
    assert result.verdict.verdict is Verdict.PASS, result.verdict.reasons
    final = result.history.final("optimism")
    assert final is not None
    assert {(stored.state, stored.raw_state) for stored in final.transactions} <= {
        ("BUFFERED", 1),
        ("READY", 2),
        ("EXECUTED", 3),
    }


def test_without_its_names_it_is_a_stranger(project: Path) -> None:
    """The same contract without lab.yaml offers next to nothing: the names are what makes the difference."""
    contract = compile_contract(project / "contracts/Bridge.vy", cache_dir=project / "cache")
    assert not deployable(contract).codec.has("buffer_transaction")
    assert deployable(contract, read_project(project / "lab.yaml").names).codec.has("buffer_transaction")


def test_plain_pytest_finds_the_project_and_says_what_is_wrong(
    pytester: pytest.Pytester, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The smoke run's failure stands before the first result, and a name that is not there has its place."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", ADDOPTS)
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE))
    shutil.copytree(project, pytester.path, dirs_exist_ok=True)
    source = renamed_source()
    old = "assert self.transactions[_id].state == empty(State)"
    assert source.count(old) == 1
    (pytester.path / "contracts/Bridge.vy").write_text(
        source.replace(old, "assert self.transactions[_id].state == State.EMPTY")
    )
    (pytester.path / "pytest.ini").write_text("[pytest]\n")
    result = run_pytest(pytester, "scenarios", "--backend", "process")
    told = [line.startswith("smoke run: buffer_transaction never succeeds: it reverts") for line in result.outlines]
    first_result = next(n for n, line in enumerate(result.outlines) if line.startswith("scenarios/single_dependency"))
    assert any(told[:first_result])
    result.stdout.fnmatch_lines(["  contracts/Bridge.vy:* | assert self.transactions[[]_id].state == State.EMPTY*"])
    result.assert_outcomes(failed=1)
    wrong = (pytester.path / "lab.yaml").read_text().replace("enqueue", "enqueu")
    (pytester.path / "lab.yaml").write_text(wrong)
    result = run_pytest(pytester, "scenarios", "--backend", "process")
    assert (
        "lab.yaml:3:11 functions.buffer: the contract has no function enqueu (did you mean enqueue?)"
        in result.stdout.str()
    )
