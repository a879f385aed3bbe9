"""The vocabulary of capabilities: complete, without doubles, and the same wherever it is written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.coordinator.docs import filled
from lab.coordinator.documented import EVENTS, FUNCTIONS
from lab.model.contract.capabilities import CAPABILITIES, NAMES, offered, recorded

ROOT = Path(__file__).resolve().parents[3]


def test_every_name_is_described() -> None:
    """Each with functions that make it up, which no other capability claims."""
    assert tuple(CAPABILITIES) == NAMES
    claimed = [name for each in CAPABILITIES.values() for name in each.function_names]
    assert len(set(claimed)) == len(claimed)
    assert all(each.functions and each.title and each.rules for each in CAPABILITIES.values())


def test_its_signatures_can_be_read() -> None:
    """As functions and events of the part that they belong to."""
    for name, capability in CAPABILITIES.items():
        assert {FUNCTIONS[function].part for function in capability.function_names} == {name}
        assert {EVENTS[event.partition("(")[0]].part for event in capability.events} <= {name}


@pytest.mark.parametrize(
    ("given", "all_of_them", "short"),
    [
        (("breaker",), ("stop", "breaker"), ("breaker",)),
        (("batch", "stop"), ("stop", "batch"), ("stop", "batch")),
        (NAMES, NAMES, ("breaker", "expiry", "handover", "deadline", "batch")),
        ((), (), ()),
        (("unknown",), (), ()),
    ],
)
def test_a_capability_may_include_another(
    given: tuple[str, ...], all_of_them: tuple[str, ...], short: tuple[str, ...]
) -> None:
    """A breaker is an emergency stop; a history names the breaker alone."""
    assert offered(given) == all_of_them
    assert recorded(given) == short
    assert offered(recorded(given)) == all_of_them


def test_the_page_is_up_to_date() -> None:
    """`make docs` would write the same."""
    page = (ROOT / "docs/own-contract.md").read_text(encoding="utf-8")
    assert filled(page) == page
