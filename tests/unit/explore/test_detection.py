"""The swarm on real chains: broken contracts are found within a few seeds, by the check that names the bug."""

from __future__ import annotations

from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from lab.checks import CHECKS
from lab.explore.bench import open_bench
from lab.explore.swarm.alert_cases import cases
from lab.explore.swarm.case import Drawing, draw
from lab.explore.swarm.detection import measure, watch_seed
from lab.explore.swarm.seed import explore_seed
from lab.explore.swarm.trial import try_case
from lab.model.verdict import Verdict
from lab.monitor.alerting.timeline import timeline
from lab.paths import REFERENCE_CONTRACT
from lab.scenario.resolve import load_scenario, parse_scenario
from lab.session.under_test import system_under_test

BROKEN = REFERENCE_CONTRACT.parent / "broken"
SEEDS = range(1, 16)


@pytest.mark.parametrize(
    ("bug", "check", "begin"),
    [("transition_without_event", "S11", 7), ("missing_auth", "S6", 9), ("late_ready", "S4", 9)],
)
def test_a_broken_contract_is_found_and_the_case_made_small(bug: str, check: str, begin: int) -> None:
    """One of the first fifteen seeds fails by that check; what is left of the case is a scenario of few parts.

    The search begins at a seed that finds it soon today, and tries the others all the same.
    """
    seeds = sorted(SEEDS, key=lambda seed: (seed < begin, seed))
    with closing(open_bench("test", system_under_test(contract=BROKEN / f"{bug}.vy", relayer_cmd=None))) as bench:
        outcome = next((found for seed in seeds if check in (found := explore_seed(bench, seed)).failed), None)
    assert outcome is not None
    assert outcome.minimal is not None
    (item,) = parse_scenario(outcome.minimal, Path("1.yaml"), known_checks=CHECKS)
    assert len(item.legs) <= 2
    assert len(item.steps) <= 5


def test_a_seed_has_one_history() -> None:
    """Run twice on one bench, with another case between: the same digest, and the reference passes."""
    with closing(open_bench("test", system_under_test(contract=None, relayer_cmd=None))) as bench:
        first, _, again = (try_case(bench, draw(Drawing(seed)), "x") for seed in (2, 3, 2))
    assert first.digest == again.digest != ""
    assert first.verdict is not Verdict.FAIL


def test_the_checks_alone_judge_a_case() -> None:
    """Whether a leg of a drawn case executes or expires is open: what it expects fails it as a scenario only."""
    case = draw(Drawing(2))
    flow, legs = next(iter(case["flows"].items()))
    steps = [*case["timeline"], {"expect": {"leg": f"{flow}.{next(iter(legs))}", "state": "EMPTY"}, "within": "1s"}]
    case = case | {"timeline": steps}
    with closing(open_bench("test", system_under_test(contract=None, relayer_cmd=None))) as bench:
        trial = try_case(bench, case, "x")
        (item,) = load_scenario(bench.folder / "case" / "x.yaml", known_checks=CHECKS)
        result = bench.run(item)
    assert trial.verdict is Verdict.PASS, trial.reasons
    assert (result.verdict.verdict, result.verdict.failed_checks) == (Verdict.FAIL, [])
    assert result.digest == trial.digest


@pytest.mark.usefixtures("prometheus_tools")
def test_a_relayer_that_begins_no_job_is_seen_by_what_waits() -> None:
    """Its estimates of gas are refused: its queue is empty, and RelayerBacklog names the chain."""
    kind = "gas_limit_cut"
    seed = next(seed for seed in count() if (wrong := cases(seed)[1][0]) is not None and wrong.kind == kind)
    with closing(open_bench("test", system_under_test(contract=None, relayer_cmd=None))) as bench:
        watched = watch_seed(bench, seed)
    measured = measure(watched)
    assert (measured.broke, measured.false_alarms) == ([], [])
    assert measured.kinds[kind].fired == 1
    log = watched[1].log
    assert log is not None
    spans = [span for span in timeline(log) if span.alert == "RelayerBacklog"]
    assert [set(span.labels) for span in spans] == [{"chain"}]
    assert max(value or 0 for value in log.series["tesseract_relayer_oldest_intent_seconds{}"]) < 60
