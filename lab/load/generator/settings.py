"""Settings of Locust's own that contradict the profile: with plain Locust they are the user's, and void the run.

What a run does follows from its profile. A run time, tags or a choice of user classes make Locust do something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

PREFIX = "LOCUST_"
FILES = "~/.locust.conf, locust.conf or pyproject.toml"
# By Locust's name of the option: its flags.
FLAGS = {"run_time": ("--run-time", "-t"), "tags": ("--tags", "-T"), "exclude_tags": ("--exclude-tags", "-E")}
USER_CLASSES = "LOCUST_USER_CLASSES"


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which Locust has nothing but its command line."""
    return {name: value for name, value in environment.items() if not name.upper().startswith(PREFIX)}


def contradictions(
    options: Any, schedule_s: float, environment: Mapping[str, str], arguments: Sequence[str]
) -> list[str]:
    """A sentence for each setting that makes the run another than its profile's, with where it comes from."""
    reasons = []
    run_time = getattr(options, "run_time", None)
    if run_time and float(run_time) < schedule_s:
        source = _source("run_time", environment, arguments)
        reasons.append(f"{source} ends the run after {float(run_time):g} s; its profile takes {schedule_s:g} s")
    for name in ("tags", "exclude_tags"):
        if value := getattr(options, name, None):
            source = _source(name, environment, arguments)
            reasons.append(f"{source} picks tasks by {' '.join(map(str, value))}; the profile's have no tags")
    classes = getattr(options, "user_classes", None) or []
    if classes and "StreamUser" not in classes:
        source = USER_CLASSES if environment.get(USER_CLASSES) else "the command line"
        reasons.append(f"{source} picks the users {' '.join(classes)}; the profile's are StreamUser")
    return reasons


def _source(option: str, environment: Mapping[str, str], arguments: Sequence[str]) -> str:
    """Locust takes the command line before the environment, and that before its files."""
    for flag in FLAGS[option]:
        if any(word == flag or word.startswith(f"{flag}=") for word in arguments):
            return f"{flag} on the command line"
    variable = f"{PREFIX}{option.upper()}"
    if environment.get(variable):
        return f"the variable {variable}={environment[variable]}"
    return f"`{option.replace('_', '-')}` in {FILES}"
