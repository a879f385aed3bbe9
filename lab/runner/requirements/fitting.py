"""A scenario's payloads in the bounds that the contract declares: as far from its limit as from the documented one."""

from __future__ import annotations

from dataclasses import replace

from lab.checks.safety.s7_payload import PAYLOAD_BYTES_MAX
from lab.model.contract.names import Limits
from lab.scenario.item import ScenarioItem

# What is this close to the documented limit, or beyond it, is meant to be.
NEAR_BYTES = 1


def fitted(item: ScenarioItem, limits: Limits) -> ScenarioItem:
    """The same item; payloads longer than the contract's limit are cut to it, or to as much beside it."""
    most = limits.payload_bytes
    if most is None or most >= PAYLOAD_BYTES_MAX:
        return item
    legs = tuple(replace(leg, payload=leg.payload[: _size(len(leg.payload), most)]) for leg in item.legs)
    return replace(item, legs=legs)


def _size(given: int, most: int) -> int:
    if given >= PAYLOAD_BYTES_MAX - NEAR_BYTES:
        return max(0, most + given - PAYLOAD_BYTES_MAX)
    return min(given, most)
