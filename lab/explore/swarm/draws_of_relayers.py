"""How faults of the relayer are drawn."""

from __future__ import annotations

import random
from typing import Any

from lab.explore.swarm.aims import at_a_leg, on_relayer
from lab.explore.swarm.surroundings import DrawnFault, Surroundings, lasting_ms, seconds

POINTS = ("after_scan", "after_intent", "before_send", "after_send", "after_receipt", "before_checkpoint")


def relayer_kill(dice: random.Random, around: Surroundings) -> DrawnFault:
    """At once or at a commit point; one a case, since a point may be reached late."""
    _, _, begin_ms = at_a_leg(dice, around)
    step: dict[str, Any] = {"at": seconds(begin_ms), "fault": "relayer_kill"}
    if dice.random() < 0.7:
        step["point"] = dice.choice(POINTS)
    step["restart_after"] = seconds(lasting_ms(dice, 1, 40))
    return DrawnFault(step, begin_ms, begin_ms, "relayer", alone=True)


def relayer_pause(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Held in the middle of anything."""
    return on_relayer("relayer_pause", dice, around)


def stale_store(dice: random.Random, around: Surroundings) -> DrawnFault:
    """The store of some seconds before."""
    return on_relayer("stale_store", dice, around)


def second_relayer(dice: random.Random, around: Surroundings) -> DrawnFault:
    """For long enough that both have work."""
    _, _, begin_ms = at_a_leg(dice, around)
    begin_ms = max(1000, begin_ms - 25_000)
    lasts_ms = lasting_ms(dice, 40, 90)
    step = {"at": seconds(begin_ms), "fault": "second_relayer", "for": seconds(lasts_ms)}
    return DrawnFault(step, begin_ms, begin_ms + lasts_ms, "relayer", alone=True)
