"""Where and when a drawn fault acts: around a leg's own times, on its chain, for a while."""

from __future__ import annotations

import random
from typing import Any

from lab.explore.swarm.surroundings import (
    DrawnChain,
    DrawnFault,
    DrawnLeg,
    Surroundings,
    lasting_ms,
    moment_ms,
    seconds,
)

METHODS = ("eth_getLogs", "eth_call", "eth_getBlockByNumber", "eth_sendRawTransaction", "eth_getTransactionReceipt")
# After a node or the relayer is back, it gets some time before the next fault of its kind.
REST_MS = 5_000


def at_a_leg(dice: random.Random, around: Surroundings) -> tuple[DrawnLeg, DrawnChain, int]:
    """A leg, its chain, and a moment at which something may happen to it."""
    leg, chain = around.busy_leg(dice)
    return leg, chain, moment_ms(dice, leg)


def on_requests(fault: str, dice: random.Random, around: Surroundings, **more: Any) -> DrawnFault:
    """A fault of requests: some methods or all, a share of them, for a while. They overlap with anything."""
    _, chain, begin_ms = at_a_leg(dice, around)
    lasts_ms = lasting_ms(dice)
    step: dict[str, Any] = {"at": seconds(begin_ms), "fault": fault, "chain": chain.name}
    if dice.random() < 0.5:
        step["methods"] = sorted(dice.sample(METHODS, dice.randint(1, 2)))
    step |= {"share": dice.choice((0.2, 0.5, 1.0)), **more, "for": seconds(lasts_ms)}
    return DrawnFault(step, begin_ms, begin_ms + lasts_ms)


def on_chain(fault: str, dice: random.Random, around: Surroundings, *, low_s: int = 3, high_s: int = 45,
              early: bool = False, node: bool = True, **more: Any) -> DrawnFault:  # fmt: skip
    """A fault of a chain for a while.

    `early`: it is there before the leg's time comes. `node`: no other fault may be at the same node meanwhile.
    """
    leg, chain = around.busy_leg(dice)
    begin_ms = moment_ms(dice, leg, after_s=-1 if early else 20)
    lasts_ms = lasting_ms(dice, low_s, high_s)
    step = {"at": seconds(begin_ms), "fault": fault, "chain": chain.name, **more, "for": seconds(lasts_ms)}
    resource = f"node:{chain.name}" if node else None
    return DrawnFault(step, begin_ms, begin_ms + lasts_ms + REST_MS, resource)


def on_relayer(fault: str, dice: random.Random, around: Surroundings, **more: Any) -> DrawnFault:
    """A fault of the relayer for a while; one a case."""
    _, _, begin_ms = at_a_leg(dice, around)
    lasts_ms = lasting_ms(dice, 2, 40)
    step = {"at": seconds(begin_ms), "fault": fault, **more, "for": seconds(lasts_ms)}
    return DrawnFault(step, begin_ms, begin_ms + lasts_ms, "relayer", alone=True)
