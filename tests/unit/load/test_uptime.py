"""Uptime of the whole: what counts as a probe, and when it is proof."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.load.analyse.judge import RunOutcome
from lab.load.analyse.resources import resources
from lab.load.analyse.rows import Row, tec_01
from lab.load.analyse.uptime import Uptime, probe
from lab.load.profile.profile import load_profile
from lab.load.profile.shapes import Soak
from lab.load.record.samples import Sample


def sample(at: float, *, node: bool = True, relayer: bool | None = True) -> Sample:
    """A sampler's line. `relayer` None: it was not looked at."""
    processes = {"generator": {"alive": False}}
    line = {
        "at": at,
        "host_cpu_percent": 1.0,
        "load_average": 0.1,
        "chains": {"a": {"answers": True}, "b": {"answers": node}},
        "processes": processes | ({} if relayer is None else {"relayer": {"alive": relayer}}),
    }
    return Sample.model_validate(line)


def uptime(probes: int, failures: int, *parts: str) -> Uptime:
    return Uptime(probes=probes, failures=failures, parts=parts)


def test_up_means_that_every_part_answers() -> None:
    """A node that is silent, a relayer that is dead or gone; the generator is no part of the system."""
    found = probe([sample(1), sample(2, node=False), sample(3, relayer=False), sample(4, relayer=None), sample(5)])
    assert found == uptime(5, 3, "a", "b", "relayer")
    assert found.percent == pytest.approx(40)


def test_a_probe_that_hung_counts_for_each_of_its_seconds() -> None:
    """Fewer probes in an outage must not make it look shorter; a late one that was answered is one."""
    assert probe([sample(1, node=False), sample(4.1, node=False), sample(7.9)]) == uptime(5, 4, "a", "b", "relayer")


def test_systems_side_by_side_are_probed_each_by_itself() -> None:
    """What fails in one is no failure of the other; the relayer is a part of both. A hung probe counts its seconds."""
    found = probe([sample(1), sample(2, node=False), sample(3, relayer=False), sample(6, node=False)], per_network=True)
    assert (found.probes, found.failures, found.systems) == (10, 6, 2)
    assert "each of 2 systems" in found.assumptions[0]
    judged = found.judge(fault_planned=True, fault_seen=True)
    assert judged is not None
    assert "2 come each second" in judged[1]


def test_only_what_the_run_lasted_counts() -> None:
    """Not the draining after it."""
    found = resources([sample(9), sample(10), sample(11, node=False), sample(31, node=False)], 10.0, 20.0)
    assert found.probes == uptime(2, 1, "a", "b", "relayer")


def entry(probes: int, failures: int, *, restart: int | None = 60_000, seen: bool = True) -> Row | None:
    """The row of a run with a restart that was seen, or not."""
    shape = Soak.recorded({"kind": "soak", "tps": 20.0, "duration_ms": 120_000, "restart_at_ms": restart})
    result: Any = SimpleNamespace(
        resources=SimpleNamespace(probes=uptime(probes, failures, "capacity")),
        context=SimpleNamespace(profile=load_profile("soak").changed(shape=shape)),
        outages=({"chain": "capacity"},) if seen else (),
        judged=SimpleNamespace(outcome=RunOutcome.PASS, unexplained=()),
    )
    return tec_01(result)


@pytest.mark.parametrize(
    ("probes", "failures", "verdict", "words"),
    [
        (2_995, 0, "LAB PASS", "at least 99.9"),
        (2_994, 0, "UNKNOWN", "2,995 probes would show"),
        (4_742, 1, "LAB PASS", "a node restart included"),
        (4_741, 1, "UNKNOWN", "1 of 4,741 probes failed; with no more failures 4,742 probes"),
        (3_000, 9, "FAIL", "9 of 3,000 probes failed; at most 99.84% up"),
        (3_000, 5, "UNKNOWN", "with no more failures 10,"),
        # Too short to show anything: the restart's share of it says how short it was.
        (600, 4, "UNKNOWN", "4 of 600 probes failed; with no more failures 9,"),
    ],
)
def test_a_run_with_a_restart(probes: int, failures: int, verdict: str, words: str) -> None:
    """By exact bounds; what is missing is told."""
    found = entry(probes, failures)
    assert found is not None
    assert (found.verdict, found.n, found.failures) == (verdict, probes, failures)
    assert words in found.reason
    assert found.interval is not None
    assert isinstance(found.figure, float)
    low, high = found.interval
    assert low <= found.figure <= high
    assert found.unit == "%"
    assert "capacity" in found.assumptions[0]


def test_no_fault_no_proof() -> None:
    """However long it ran; failures that came without one count all the same."""
    assert entry(100_000, 0, restart=None) is None
    unseen = entry(100_000, 0, seen=False)
    assert unseen is not None
    assert unseen.verdict == "UNKNOWN"
    assert "was not seen" in unseen.reason
    for failed in (entry(60, 3, restart=None), entry(60, 3, restart=None, seen=False), entry(60, 3, seen=False)):
        assert failed is not None
        assert failed.verdict == "FAIL"


def test_nothing_sampled_says_nothing() -> None:
    """Such as a run that ended at once."""
    assert entry(0, 0) is None
