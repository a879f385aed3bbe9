"""Recall, time to detect and false alarms are counted from runs whose alerts are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.explore.swarm.case import to_text
from lab.explore.swarm.detection import KINDS, Watched, Wrong, cases, measure
from lab.monitor.alerting.alerts import Thresholds, alerts
from lab.monitor.alerting.timeline import SeriesLog
from lab.scenario.resolve import parse_scenario

from .test_timeline import recorded

NAMES = {alert.name for alert in alerts(Thresholds())}


@pytest.mark.parametrize("kind", list(KINDS))
def test_kinds_name_alerts_that_exist(kind: str) -> None:
    """At least one each."""
    wrong = KINDS[kind](20, "base")
    assert wrong.alerts
    assert set(wrong.alerts) <= NAMES


def test_cases_are_scenarios_and_always_the_same() -> None:
    """Every kind comes up, with and without what is wrong; both are files that lint accepts."""
    seen = set()
    for seed in range(40):
        drawn = cases(seed)
        assert drawn == cases(seed)
        (quiet, _), (wrong, _) = drawn
        assert quiet is None
        assert wrong is not None
        seen.add(wrong.kind)
        if seed < 6:
            for _, document in drawn:
                parse_scenario(to_text(document), Path(f"{seed}.yaml"))
    assert seen == set(KINDS)


def runs(down: SeriesLog, up: SeriesLog) -> list[Watched]:
    """One detected, one missed, one on another chain, one quiet, one false alarm, one that could not be run.

    And one whose alert was there before.
    """
    wrong = Wrong("node_kill", ("ChainDown",), 15, (), "base")
    late = Wrong("node_kill", ("ChainDown",), 120, (), "base")
    other = Wrong("node_kill", ("ChainDown",), 15, (), "optimism")
    return [
        Watched(1, wrong, down),
        Watched(2, wrong, up),
        Watched(3, other, down),
        Watched(4, None, up),
        Watched(5, None, down),
        Watched(6, None, None, "NodeFailure: it died"),
        Watched(7, late, down),
    ]


@pytest.mark.usefixtures("prometheus_tools")
def test_runs_are_counted() -> None:
    """By one evaluation, each run's alerts its own."""
    measured = measure(runs(recorded([1, 1, *[0.0] * 8]), recorded([1.0] * 10)))
    (kind,) = measured.kinds.values()
    assert (kind.runs, kind.fired, kind.seconds, kind.missed_seeds) == (4, 1, [75], [2, 3, 7])
    assert (measured.quiet_runs, measured.false_alarms) == (2, [(5, "ChainDown (base)")])
    assert measured.broke == [(6, "NodeFailure: it died")]
    assert measured.verdict == "NOT MET"


def test_no_runs_are_no_proof() -> None:
    """Nothing fired, and nothing was there."""
    assert measure([]).verdict == "UNKNOWN"
