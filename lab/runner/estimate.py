"""How long scenarios will take on the real clock, about: printed before they start, since nobody can speed it up.

A wait takes its time; an expectation is met as soon as its leg can be there; the end waits until every leg has ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lab.runner.conclusion.settle import QUIET_POLLS
from lab.scenario.expectations import StateExpectation
from lab.scenario.item import LegSpec, ScenarioItem, Step
from lab.scenario.steps import WaitStep
from lab.session.machine_watch import SET_UP_CHAIN_S, SET_UP_S
from lab.session.relayer.command import RelayerCommand

# Sent, mined, seen; a mirror on the way takes as long again.
BLOCKS_A_CALL = 2
NODES_S = 1.0


def expected_s(item: ScenarioItem, command: RelayerCommand | None = None, speed: float = 1.0) -> float:
    """The seconds of one run, its set-up included, where `speed` seconds of it pass in one."""
    done_ms: dict[str, int] = {}
    for leg in item.legs:
        done_ms[leg.name] = _done_ms(item, leg, done_ms)
    now_ms = 0
    for step in item.steps:
        now_ms = _after(item, step, max(now_ms, step.at_ms or 0), done_ms)
    slowest_ms = max(spec.profile.block_time_ms for spec in item.chains.values())
    rest_ms = 2 * slowest_ms
    if item.relayer is not None:
        now_ms = max([now_ms, *done_ms.values()])
        rest_ms = max(rest_ms, QUIET_POLLS * item.relayer.poll_ms)
    start_s = command.start_s(speed) if command is not None and item.relayer is not None else 0.0
    set_up_s = NODES_S + SET_UP_S + SET_UP_CHAIN_S * len(item.chains) + start_s
    return set_up_s + (now_ms + rest_ms) / 1000 / speed


def total_s(seconds: Iterable[float], workers: int) -> float:
    """All of them, so many at once: no less than the longest."""
    runs_s = list(seconds)
    return max(sum(runs_s) / max(1, workers), max(runs_s, default=0.0))


def format_estimate(seconds: Iterable[float], workers: int, unknown: int = 0) -> str:
    """The line that stands before the first result."""
    runs_s = list(seconds)
    total = total_s(runs_s, workers)
    span = f"{total:.0f} s" if total < 90 else f"{total / 60:.0f} min"
    count = f"{len(runs_s)} scenario{'s' if len(runs_s) != 1 else ''}"
    at_once = f", {workers} at once" if workers > 1 else ""
    rest = f"; tests written in Python ({unknown}) are not counted" if unknown else ""
    return f"estimated duration: about {span} for {count} on the real clock{at_once}{rest}"


def _done_ms(item: ScenarioItem, leg: LegSpec, done_ms: Mapping[str, int]) -> int:
    """When a leg will have been executed, if nothing goes wrong."""
    spec, poll_ms = item.chains[leg.chain], item.relayer.poll_ms if item.relayer else 0
    call_ms = BLOCKS_A_CALL * spec.profile.block_time_ms + poll_ms
    start_ms = leg.at_ms
    if leg.after is not None and leg.after in done_ms:
        start_ms = max(start_ms, done_ms[leg.after] + _final_ms(item, item.leg(leg.after).chain) + call_ms)
    return start_ms + 2 * call_ms


def _final_ms(item: ScenarioItem, chain: str) -> int:
    spec = item.chains[chain]
    if spec.finality.seconds is not None:
        return round(spec.finality.seconds * 1000)
    depth = spec.profile.tag_depth(spec.finality.tag) if spec.finality.tag else spec.finality.blocks or 0
    return depth * spec.profile.block_time_ms


def _after(item: ScenarioItem, step: Step, now_ms: int, done_ms: Mapping[str, int]) -> int:
    """When a step that begins now is over."""
    if isinstance(step.action, WaitStep):
        return now_ms + step.action.wait_ms
    if step.within_ms is not None:
        met_ms = now_ms + step.within_ms
        if isinstance(step.condition, StateExpectation):
            leg = item.leg(step.condition.leg)
            closes_ms = leg.at_ms + item.window_s * 1000 + 2 * item.chains[leg.chain].profile.block_time_ms
            met_ms = min(met_ms, closes_ms if step.condition.state == "EXPIRED" else done_ms[leg.name])
        now_ms = max(now_ms, met_ms)
    return now_ms + (step.hold_ms or 0)
