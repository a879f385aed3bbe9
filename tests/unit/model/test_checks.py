"""Checks have a title and a demand wherever their id is shown."""

from __future__ import annotations

from lab.checks import CHECKS
from lab.model.checks import CHECK_TITLES, check_demand, check_name, name_checks


def test_every_check_has_a_title_of_its_own() -> None:
    """In the order of the registry, short enough to stand beside the id; no demand ends twice."""
    assert list(CHECK_TITLES) == list(CHECKS)
    assert len({title.short for title in CHECK_TITLES.values()}) == len(CHECK_TITLES)
    assert all(len(title.short) <= 20 and not title.demand.endswith(".") for title in CHECK_TITLES.values())
    assert (check_name("S4"), check_demand("S4")) == ("S4 window", "READY only within the coordination window")


def test_an_unknown_check_is_shown_by_its_id() -> None:
    """Evidence may be of another version."""
    assert (check_name("X9"), check_demand("X9")) == ("X9", "")


def test_reasons_name_their_check() -> None:
    """At the start only: what a check itself says stays as it is."""
    assert name_checks("S4: 1 late, S5: twice") == "S4 window: 1 late, S5: twice"
    assert name_checks("S99: unknown") == "S99: unknown"
    assert name_checks("the run is FAIL") == "the run is FAIL"
