"""A contract that buffers nothing is told before anything runs, and costs each scenario one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.broken import SMOKE_RUN, read_bugs
from lab.chains.nodes.process import ProcessBackend
from lab.checks import CHECKS
from lab.checks.verdict import judge_recorded
from lab.model.verdict import Verdict
from lab.runner.runner import Options, Result, run_item
from lab.scenario.resolve import load_scenario
from lab.session.smoke_run import smoke_run

from .conftest import ROOT, compiled

BUG = read_bugs()["zero_default_state"]
BROKEN = Path(f"broken/{BUG.name}.vy")
REASON = (
    "not played, for the smoke run showed that buffer_transaction never succeeds: it reverts with "
    '"Transaction already exists" at zero_default_state.vy:'
)


@pytest.fixture
def played(shared_backend: ProcessBackend, tmp_path: Path) -> Callable[[str], Result]:
    """Runs a library scenario against the contract, knowing its smoke run."""
    target = compiled(BROKEN)
    smoke = smoke_run(target, shared_backend, run_id="detection", cache_dir=tmp_path / "smoke")
    options = Options(shared_backend, "a test", target, "detection", smoke=smoke)

    def one(scenario: str) -> Result:
        item = load_scenario(ROOT / "scenarios" / scenario, known_checks=CHECKS)[0]
        return run_item(item, options, tmp_path / "run", "")

    return one


@pytest.mark.parametrize("scenario", ["dependencies/single_dependency.yaml", "failures/payload_limits.yaml"])
def test_zero_default_state_ends_each_scenario_in_one_line(played: Callable[[str], Result], scenario: str) -> None:
    """UNKNOWN with the reason alone, also when the evidence is judged again later."""
    assert BUG.caught_by == SMOKE_RUN
    result = played(scenario)
    (reason,) = result.verdict.reasons
    assert (result.verdict.verdict, result.verdict.checks) == (Verdict.UNKNOWN, ())
    assert reason.startswith(REASON)
    item = load_scenario(ROOT / "scenarios" / scenario, known_checks=CHECKS)[0]
    assert judge_recorded(result.history, item.checks, "").reasons == result.verdict.reasons
