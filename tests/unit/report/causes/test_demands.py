"""What causes are told apart by, from the data of a difference."""

from __future__ import annotations

import pytest

from lab.model.record_parts.about import About
from lab.report.causes.demands import came_of, demanded, not_stored

READY, FAILED, NOT_READY = "TransactionReady", "TransactionFailed", "Transaction not ready"


@pytest.mark.parametrize(
    ("function", "about", "demand", "came"),
    [
        ("pause", About(refusals=(("Only owner",), ())), "S6", "Only owner"),
        ("pause", About(refusals=((), ("Only owner",))), "S6", "Only owner"),
        ("mark_executed", About(refusals=(("Coordinator is paused",), ())), "S10", "Coordinator is paused"),
        ("mark_executed", About(refusals=(("Not authorized", "Coordinator is paused"), ("no",))), "S6", "no"),
        ("mark_executed", About(refusals=((NOT_READY,), ())), NOT_READY, NOT_READY),
        ("mark_executed", About(refusals=(("any reason",), ())), "any reason", "any reason"),
        ("add_operator", About(refusals=((), ("Operator limit",))), "no Operator limit", "Operator limit"),
        ("resolve_batch", About(events=((FAILED,), (READY,))), f"{FAILED} not {READY}", READY),
        ("resolve_batch", About(events=((READY, READY), (READY,))), f"{READY} not nothing", READY),
        ("resolve_batch", About(events=((READY,), ())), f"{READY} not nothing", READY),
        ("mark_failed", About(events=((FAILED,), (FAILED,)), argument="reason"), f"{FAILED} reason", FAILED),
        ("buffer_batch", About(field="transaction_count"), "", "transaction_count"),
        ("buffer_batch", About(), "", ""),
    ],
)  # fmt: skip
def test_what_is_asked_of_a_call(function: str, about: About, demand: str, came: str) -> None:
    """A refusal that a check asks for, too, by that; else the documented one, or the one that came without cause."""
    assert demanded(function, about) == demand
    assert came_of(about) == came


@pytest.mark.parametrize(
    ("states", "lost"),
    [(("READY", "BUFFERED"), True), (("BUFFERED", "READY"), False), (("EXPIRED", "READY"), False), (None, False)],
)
def test_a_state_that_was_announced_and_is_not_there(states: tuple[str, str] | None, lost: bool) -> None:
    """It comes later in a transaction's life than the one that is stored; of an end nobody can tell."""
    assert not_stored(About(states=states)) is lost


def test_only_what_is_known_is_written() -> None:
    """And it is read back as it was; earlier evidence has nothing of it."""
    about = About(function="pause", refusals=(("Only owner",), ()))
    assert about.model_dump(mode="json") == {"function": "pause", "refusals": [["Only owner"], []]}
    assert About.model_validate_json(about.model_dump_json()) == about
    assert About().model_dump() == {}
