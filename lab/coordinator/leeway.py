"""What the documentation leaves open of a call: a contract may refuse it or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.coordinator.behaviour import (
    EXECUTION_WINDOW_SURE,
    THRESHOLD_SURE,
    TIMESTAMP_SURE,
    ZERO_ADDRESS,
    Behaviour,
    requests_of,
)


def may_refuse(function: str, args: Sequence[Any]) -> bool:
    """Whether a number is so large that the contract may refuse it, whatever the model says."""
    limits = {"set_execution_window": EXECUTION_WINDOW_SURE, "set_breaker_threshold": THRESHOLD_SURE}
    too_late = any(int(request[5]) > TIMESTAMP_SURE for request in requests_of(function, args))
    return too_late or (function in limits and int(args[0]) > limits[function])


def changes_nothing(model: Behaviour, function: str, args: Sequence[Any], sender: str) -> bool:
    """Whether an owner's call would leave all as it is, or gives the role of an operator to no account."""
    if sender != model.owner:
        return False
    if function in ("add_operator", "remove_operator"):
        return args[0] == ZERO_ADDRESS or (args[0] in model.operators) == (function == "add_operator")
    present = {
        "pause": model.paused,
        "unpause": not model.paused,
        "set_coordination_window": model.window in args,
        "set_execution_window": model.execution_window in args,
        "set_breaker_threshold": model.threshold in args,
    }
    return present.get(function, False)
