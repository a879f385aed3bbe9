"""Locust's own settings: none reaches a run of `lab load`, and with plain Locust those that contradict are named."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.load.generator.settings import contradictions, without_settings


def told(arguments: str = "", variables: dict[str, str] | None = None, **options: Any) -> str:
    return "\n".join(contradictions(SimpleNamespace(**options), 60.0, variables or {}, arguments.split()))


def test_the_environment_is_cleaned_of_them_alone() -> None:
    """Whatever Locust may read from it one day, in any case; other tools' variables stay."""
    given = {"LOCUST_RUN_TIME": "3s", "locust_tags": "x", "LOCUST_NEW_ONE": "1", "LAB_PLAN": "p", "PATH": "/bin"}
    assert without_settings(given) == {"LAB_PLAN": "p", "PATH": "/bin"}


@pytest.mark.parametrize(
    "options",
    [{}, {"run_time": None, "tags": None}, {"run_time": 60}, {"run_time": 999}, {"user_classes": ["StreamUser"]}],
)
def test_what_changes_nothing_is_no_contradiction(options: dict[str, Any]) -> None:
    """A run time that is long enough is none either."""
    assert told(**options) == ""


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        ("", {"LOCUST_RUN_TIME": "3s"}, "the variable LOCUST_RUN_TIME=3s ends the run after 3 s"),
        ("-t 3s", {"LOCUST_RUN_TIME": "9s"}, "-t on the command line ends the run after 3 s"),
        ("--run-time=3s", {}, "--run-time on the command line"),
        ("", {}, "`run-time` in ~/.locust.conf, locust.conf or pyproject.toml"),
    ],
)
def test_a_shorter_run_names_its_source(arguments: str, variables: dict[str, str], words: str) -> None:
    """As Locust ranks them: command line, variable, file."""
    assert words in told(arguments, variables, run_time=3)


@pytest.mark.parametrize("option", ["tags", "exclude_tags"])
def test_tags_pick_other_tasks(option: str) -> None:
    """The profile's tasks have none."""
    variable = f"LOCUST_{option.upper()}"
    assert f"the variable {variable}=checkout picks tasks by checkout" in told(
        "", {variable: "checkout"}, **{option: ["checkout"]}
    )


def test_other_users_are_another_run() -> None:
    """Named by the variable that picks them."""
    assert "LOCUST_USER_CLASSES picks the users Mine" in told(
        "", {"LOCUST_USER_CLASSES": "Mine"}, user_classes=["Mine"]
    )
