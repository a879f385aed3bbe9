"""What a scenario cannot do without, so that a contract that lacks it, or fails at it, is not tried in vain."""

from __future__ import annotations

from lab.coordinator import Codec
from lab.deploy.smoke import CORE, Smoke
from lab.faults import Fault
from lab.monitor.tools import missing as missing_tools
from lab.scenario.expectations import LatencyExpectation, RevertOutcome, StateExpectation
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
    if isinstance(step.condition, LatencyExpectation):
        return BY_STATE["READY" if step.condition.latency == "to_ready" else "EXECUTED"]
    if step.expect == "fail" or isinstance(step.expect, RevertOutcome):
        return None
    return BY_STEP.get(step.kind)


def needed_help(item: ScenarioItem) -> tuple[str, ...]:
    """Functions without which nobody is an operator, or nobody can follow the scenario's transactions."""
    needed = ["add_operator"] if needed_operations(item) else []
    if any(isinstance(step.condition, StateExpectation) for step in item.steps):
        needed.append("get_transaction_state")
    if item.legs and item.relayer is not None:
        needed += ["get_transaction_state", "get_transaction_details", "coordination_window"]
        homes = {leg.name: leg.chain for leg in item.legs}
        if any(leg.after is not None and homes[leg.after] != leg.chain for leg in item.legs):
            # A mirror carries its parent's payload, which has no other getter.
            needed.append("transactions")
    return tuple(dict.fromkeys(needed))


def blocked(item: ScenarioItem, smoke: Smoke | None, codec: Codec) -> str | None:
    """Why the scenario need not be played; None if it can be."""
    needed = needed_operations(item)
    missing = [function for function in (*needed, *needed_help(item)) if not codec.has(function)]
    if missing:
        return f"not played, for the contract has no function {', '.join(missing)}"
    failure = smoke.blocks(needed) if smoke is not None else None
    return f"not played, for the smoke run showed that {failure}" if failure is not None else None


def unexercised(item: ScenarioItem) -> str | None:
    """Which programs of this machine's are missing for the scenario, with the command that installs them."""
    return missing_tools() if item.model.monitor else None


def lacks(item: ScenarioItem, *, own_relayer: bool) -> str | None:
    """Why this machine, this clock, or a relayer of the user's own, cannot carry the scenario out; None if it can.

    What is left out would be judged as if it held.
    """
    if item.clock == "virtual":
        return None
    reasons = [
        f"{step.id} {reason}"
        for step in item.steps
        if isinstance(step.action, Fault) and (reason := step.action.unsupported(own_relayer=own_relayer)) is not None
    ]
    return f"not played: {'; '.join(reasons)}" if reasons else None
