"""Payloads in the bounds of a contract that takes fewer bytes than documented."""

from __future__ import annotations

from pathlib import Path

from lab.checks import CHECKS
from lab.model.contract.names import Limits
from lab.runner.requirements.fitting import fitted
from lab.scenario.resolve import load_scenario

LIBRARY = Path(__file__).parents[3] / "scenarios"


def test_what_is_about_the_limit_is_about_the_contracts_own() -> None:
    """One byte less, all of them and one more stay that; what is well below stays as it is; what is between is cut."""
    (item,) = load_scenario(LIBRARY / "failures/payload_limits.yaml", known_checks=CHECKS)
    given = {leg.leg: leg.payload for leg in item.legs}
    sizes = {name: len(payload) for name, payload in given.items()}
    assert sizes == {"none": 0, "one": 1, "almost": 511, "most": 512, "mirrored": 33, "too-much": 513}
    got = {leg.leg: leg.payload for leg in fitted(item, Limits(payload_bytes=96)).legs}
    assert {name: len(payload) for name, payload in got.items()} == sizes | {"almost": 95, "most": 96, "too-much": 97}
    assert all(given[name].startswith(payload) for name, payload in got.items())
    assert {leg.leg: len(leg.payload) for leg in fitted(item, Limits(payload_bytes=8)).legs}["mirrored"] == 8


def test_without_such_a_limit_nothing_changes() -> None:
    """Of one that takes more than documented nothing more is asked."""
    (item,) = load_scenario(LIBRARY / "failures/payload_limits.yaml", known_checks=CHECKS)
    for limits in (Limits(), Limits(payload_bytes=512), Limits(payload_bytes=4096), Limits(per_block=1)):
        assert fitted(item, limits) is item
