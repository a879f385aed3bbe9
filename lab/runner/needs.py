"""Which core operations a scenario cannot do without, so that a contract that fails one is not tried in vain."""

from __future__ import annotations

from lab.deploy.smoke import CORE, Smoke
from lab.scenario.expectations import RevertOutcome, StateExpectation
from lab.scenario.item import ScenarioItem, Step

BY_STEP = {"buffer": "buffer_transaction", "resolve": "resolve_dependency", "execute": "mark_executed"}
BY_STATE = {"BUFFERED": "buffer_transaction", "READY": "resolve_dependency", "EXECUTED": "mark_executed"}


def needed_operations(item: ScenarioItem) -> tuple[str, ...]:
    """Operations that must succeed at least once for the scenario to come out as it should, in their order."""
    needed = {operation for step in item.steps if (operation := _needed(step)) is not None}
    if item.legs and item.relayer is not None:
        needed.update(CORE)
    return tuple(operation for operation in CORE if operation in needed)


def _needed(step: Step) -> str | None:
    if isinstance(step.condition, StateExpectation):
        return BY_STATE.get(step.condition.state)
    if step.expect == "fail" or isinstance(step.expect, RevertOutcome):
        return None
    return BY_STEP.get(step.kind)


def blocked(item: ScenarioItem, smoke: Smoke | None) -> str | None:
    """Why the scenario need not be played; None if it can be."""
    failure = smoke.blocks(needed_operations(item)) if smoke is not None else None
    if failure is None:
        return None
    return f"not played, for the smoke run showed that {failure}"
