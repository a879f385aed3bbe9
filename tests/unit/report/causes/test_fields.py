"""Which getter a message is about."""

from __future__ import annotations

import pytest

from lab.report.causes.fields import read_field


@pytest.mark.parametrize(
    ("actual", "field"),
    [
        (
            "ethereum: expected 0x7e to be set up, something undoes what was done; left: remove_operator 0x97",
            "authorized_operators",
        ),
        (
            "ethereum: expected 0x7e to be set up, something undoes what was done; left: add_operator 0x97, x",
            "authorized_operators",
        ),
        (
            "base: expected 0x7e to be set up, something undoes what was done; left: set_coordination_window 40",
            "coordination_window",
        ),
        ("base: expected 0x7e to be set up, something undoes what was done; left: propose_owner 0x97", ""),
        ("remove_operator: expected authorized_operators afterwards to be False, got True", "authorized_operators"),
        ("remove_operator 0x97 reverted", ""),
    ],
)
def test_a_call_of_a_deployment_that_changed_nothing_is_about_its_getter(actual: str, field: str) -> None:
    """As what a sequence reads after the same call is."""
    assert read_field(actual, f"expected ethereum to be deployed; got {actual}") == field
