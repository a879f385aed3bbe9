"""A scenario within the limits that a contract declares: payloads as long as it takes, and no more than fits blocks."""

from __future__ import annotations

from dataclasses import replace

from lab.checks.safety.s7_payload import PAYLOAD_BYTES_MAX
from lab.model.contract.names import Limits
from lab.scenario.item import ScenarioItem
from lab.scenario.steps import BufferStep

# What is this close to the documented limit, or beyond it, is meant to be.
NEAR_BYTES = 1


def fitted(item: ScenarioItem, limits: Limits) -> ScenarioItem:
    """The same item; payloads longer than the contract's limit are cut to it, or to as much beside it."""
    most = limits.payload_bytes
    if most is None or most >= PAYLOAD_BYTES_MAX:
        return item
    legs = tuple(replace(leg, payload=leg.payload[: _size(len(leg.payload), most)]) for leg in item.legs)
    return replace(item, legs=legs)


def crowded(item: ScenarioItem, limits: Limits) -> tuple[str, ...]:
    """What the contract lacks where a leg, for want of room in blocks, would be buffered when its time has passed."""
    if limits.per_block is None:
        return ()
    lanes: dict[tuple[str, str], tuple[int, int]] = {}
    now_ms = 0
    for step in item.steps:
        now_ms = now_ms if step.at_ms is None else step.at_ms
        for leg in item.legs_of(step.action.buffer) if isinstance(step.action, BufferStep) else ():
            lane, slot_ms = (leg.chain, step.as_role or "operator"), item.chains[leg.chain].profile.block_time_ms
            mined_ms, held = lanes.get(lane, (0, 0))
            if now_ms >= mined_ms:
                mined_ms, held = now_ms + slot_ms, 0
            if held == limits.per_block:
                mined_ms, held = mined_ms + slot_ms, 0
            lanes[lane] = (mined_ms, held + 1)
            if now_ms + slot_ms < mined_ms and leg.at_ms < mined_ms:
                return (f"room in the blocks of {leg.chain} for {leg.name} (limits: per_block {limits.per_block})",)
    return ()


def _size(given: int, most: int) -> int:
    if given >= PAYLOAD_BYTES_MAX - NEAR_BYTES:
        return max(0, most + given - PAYLOAD_BYTES_MAX)
    return min(given, most)
