"""Conditions of a scenario, evaluated on the chains as of now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.checks.lateness import excuse
from lab.coordinator import role_account
from lab.coordinator.comparison import about_view
from lab.coordinator.values import plain
from lab.metrics.latency import leg_times
from lab.model.record_parts.about import About
from lab.model.step import ROLES
from lab.rpc import RpcFailure
from lab.scenario.expectations import LatencyExpectation, ReturnExpectation, StateExpectation
from lab.scenario.item import ScenarioItem
from lab.session.lab import Lab


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether a condition holds. `met` None: it could not be looked at; `actual` says what was seen or why not."""

    met: bool | None
    expected: str
    actual: str
    about: About | None = None


def resolve_argument(item: ScenarioItem, value: Any) -> Any:
    """A scenario's argument as the contract takes it: `flow.leg` is its tx_id, a role its address."""
    if isinstance(value, (list, tuple)):
        return [resolve_argument(item, part) for part in value]
    if isinstance(value, str):
        if value in ROLES:
            return role_account(value).address
        if not value.startswith("0x") and "." in value:
            return item.leg(value).tx_id
    return value


def judge_condition(
    lab: Lab, item: ScenarioItem, condition: StateExpectation | ReturnExpectation | LatencyExpectation
) -> Judged:
    """Look now."""
    if isinstance(condition, StateExpectation):
        return _state(lab, item, condition)
    if isinstance(condition, LatencyExpectation):
        return _latency(lab, item, condition)
    arguments = [resolve_argument(item, argument) for argument in condition.args]
    wanted = _comparable(resolve_argument(item, condition.returns))
    expected = f"{condition.chain}: {condition.function}({', '.join(map(str, condition.args))}) = {condition.returns}"
    if not lab.spec.target.codec.has(condition.function):
        return Judged(False, expected, f"the contract has no function {condition.function}")
    try:
        value = lab.reader(condition.chain).get(condition.function, *arguments)
    except (RpcFailure, ValueError) as error:
        return Judged(None, expected, str(error))
    about = about_view(condition.function, condition.returns, value)
    return Judged(_comparable(value) == wanted, expected, str(value), about)


def _state(lab: Lab, item: ScenarioItem, condition: StateExpectation) -> Judged:
    leg = item.leg(condition.leg)
    expected = f"{leg.name} {condition.state} on {leg.chain}"
    try:
        reader = lab.reader(leg.chain)
        state = reader.state(leg.tx_id)
        if condition.state == "EXPIRED" and state == "BUFFERED" and "expiry" not in lab.spec.target.capabilities:
            head = lab.chains[leg.chain].producer.head
            window = int(reader.get("coordination_window"))
            if head.timestamp > lab.genesis_time + leg.at_ms // 1000 + window:
                return Judged(True, expected, "BUFFERED past its window (the contract has no state EXPIRED)")
    except (RpcFailure, ValueError) as error:
        return Judged(None, expected, str(error))
    return Judged(state == condition.state, expected, f"{leg.name} is {state}")


def _latency(lab: Lab, item: ScenarioItem, condition: LatencyExpectation) -> Judged:
    """From what is recorded so far; what was not mined yet has no latency."""
    leg = item.leg(condition.leg)
    expected = f"{leg.name} {condition.latency} below {condition.below_ms / 1000:g} s"
    try:
        for chain in lab.chains.values():
            chain.look()
    except RpcFailure as error:
        return Judged(None, expected, str(error))
    history = lab.recorder.history()
    times = next(times for times in leg_times(history) if times.leg.name == leg.name)
    took_ms: int | None = getattr(times, f"{condition.latency}_ms")
    if took_ms is None:
        return Judged(False, expected, f"{leg.name} has not come that far")
    end_ms = times.ready_ms if condition.latency == "to_ready" else times.executed_ms
    actual, start_ms = f"it took {took_ms / 1000:g} s", (end_ms or 0) - took_ms
    why = excuse(history, start_ms, start_ms + condition.below_ms, start_ms + took_ms)
    if why is not None:
        return Judged(None, expected, f"{actual}: the bound was {why}")
    return Judged(took_ms < condition.below_ms, expected, actual)


def _comparable(value: Any) -> Any:
    value = plain(value)
    if isinstance(value, Mapping):
        return list(value.values())
    return value.lower() if isinstance(value, str) else value
