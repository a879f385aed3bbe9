"""Payloads in the bounds of a contract that takes fewer bytes than documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.checks import CHECKS
from lab.model.contract.names import Limits
from lab.runner.requirements.fitting import crowded, fitted
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


@pytest.mark.parametrize(
    ("per_block", "due", "lacks"),
    [
        (None, 20, False),
        (1, 20, True),  # the third one is in a block at 36 s
        (1, 36, False),
        (2, 20, True),
        (2, 24, False),
        (3, 20, False),
    ],
)
def test_what_cannot_be_buffered_in_time_is_not_played(
    tmp_path: Path, per_block: int | None, due: int, lacks: bool
) -> None:
    """Three legs of one account at once, on a chain with a block every 12 s; another account has blocks of its own."""
    legs = "".join(f"    leg{number}: {{chain: ethereum, at: +{due}s}}\n" for number in range(4))
    timeline = "".join(f"  - {{at: 0s, buffer: f.leg{number}}}\n" for number in range(3))
    (tmp_path / "crowd.yaml").write_text(
        f"name: A crowd\ndescription: Three at once.\nnetworks: {{ethereum: {{}}}}\nflows:\n  f:\n{legs}"
        f"timeline:\n{timeline}  - {{buffer: f.leg3, as: operator2}}\n"
    )
    (item,) = load_scenario(tmp_path / "crowd.yaml", known_checks=CHECKS)
    assert bool(crowded(item, Limits(per_block=per_block))) is lacks
