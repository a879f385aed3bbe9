"""What a scenario, or one step of it, needs of a contract's optional parts; what is not there is not exercised.

A part is needed because the file says so (`needs: [handover]`), or because a step calls one of its functions. A step
with `needs` of its own is left out alone; the rest of its scenario is played.
"""

from __future__ import annotations

from collections.abc import Iterable

from lab.coordinator.documented import FUNCTIONS
from lab.deploy.deployer import Deployable
from lab.model.contract.capabilities import CAPABILITIES
from lab.scenario.expectations import AlertExpectation, ReturnExpectation
from lab.scenario.item import ScenarioItem, Step
from lab.scenario.steps import AdminStep, CallStep

# Admin actions that have another name than the function that they call.
ADMIN_FUNCTIONS = {"set_window": "set_coordination_window"}
# What nobody has to emit, and `lab monitor` cannot notice otherwise.
ALERT_EVENTS = {"UndeclaredOperator": "OperatorAdded"}


def called(step: Step) -> str | None:
    """The function that a step names, if it names one."""
    action = step.action
    if isinstance(action, CallStep):
        return action.call.function
    if isinstance(action, AdminStep):
        return ADMIN_FUNCTIONS.get(action.admin.action, action.admin.action)
    return step.condition.function if isinstance(step.condition, ReturnExpectation) else None


def lacking(target: Deployable, needs: Iterable[str], functions: Iterable[str | None] = ()) -> tuple[str, ...]:
    """Each part that is needed and not there, with the functions that are missing: `handover (no propose_owner)`.

    `functions` are needed for themselves, whatever else of their part is there; those of no optional part do not count.
    """
    missing: dict[str, list[str]] = {}
    for part in needs:
        if part not in target.capabilities:
            functions_of = CAPABILITIES[part].function_names if part in CAPABILITIES else ()
            missing[part] = [name for name in functions_of if not target.codec.has(name)]
    for name in functions:
        signature = FUNCTIONS.get(name or "")
        if signature is not None and signature.part != "documented" and not target.codec.has(signature.name):
            there = missing.setdefault(signature.part, [])
            there += [signature.name] if signature.name not in there else []
    return tuple(f"{part} (no {', '.join(names)})" if names else part for part, names in missing.items())


def of_scenario(item: ScenarioItem, target: Deployable) -> tuple[str, ...]:
    """What the scenario as a whole cannot be played without."""
    return lacking(target, item.model.needs, (called(step) for step in item.steps if not step.needs))


def of_step(step: Step, target: Deployable) -> tuple[str, ...]:
    """What a step with `needs` of its own, or an alert that only an event can raise, cannot be played without."""
    event = ALERT_EVENTS.get(step.condition.alert or "") if isinstance(step.condition, AlertExpectation) else None
    if event is not None and event not in target.codec.events:
        return (f"events (no {event})",)
    return lacking(target, step.needs, [called(step)]) if step.needs else ()
