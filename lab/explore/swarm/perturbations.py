"""What else happens in a drawn case: attackers try their luck, the relayer is stopped, the owner uses his powers."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.faults.drawing import DrawContext, lasting_ms, moment_ms, seconds

Timed = tuple[int, dict[str, Any]]


def attack(rng: random.Random, context: DrawContext) -> list[Timed]:
    """Somebody without a role calls what only an operator may."""
    leg, _ = context.busy_leg(rng)
    begin_ms = moment_ms(rng, leg)
    step = {rng.choice(("resolve", "execute")): leg.name, "as": rng.choice(("attacker", "user")), "expect": "fail"}
    return [(begin_ms, {"at": seconds(begin_ms), **step})]


def relayer_restart(rng: random.Random, context: DrawContext) -> list[Timed]:
    """A clean stop, and a start some time later."""
    leg, _ = context.busy_leg(rng)
    begin_ms = moment_ms(rng, leg)
    end_ms = begin_ms + lasting_ms(rng, 1, 40)
    stop, start = {"at": seconds(begin_ms), "relayer": "stop"}, {"at": seconds(end_ms), "relayer": "start"}
    return [(begin_ms, stop), (end_ms, start)]


def emergency_stop(rng: random.Random, context: DrawContext) -> list[Timed]:
    """The owner stops one coordinator and lifts the stop."""
    return _switch(rng, context, "pause", "unpause")


def revocation(rng: random.Random, context: DrawContext) -> list[Timed]:
    """The relayer loses its role on one chain and gets it back."""
    return _switch(rng, context, "remove_operator", "add_operator", value="relayer")


def wider_window(rng: random.Random, context: DrawContext) -> list[Timed]:
    """The owner changes the coordination window while transactions wait."""
    leg, chain = context.busy_leg(rng)
    begin_ms = moment_ms(rng, leg)
    value = f"{min(300, context.window_s + rng.choice((10, 30, 100)))}s"
    return [(begin_ms, _admin(begin_ms, chain.name, "set_window", value=value))]


def _switch(rng: random.Random, context: DrawContext, off: str, on: str, **more: Any) -> list[Timed]:
    leg, chain = context.busy_leg(rng)
    begin_ms = moment_ms(rng, leg)
    end_ms = begin_ms + lasting_ms(rng, 15, 60)
    return [(begin_ms, _admin(begin_ms, chain.name, off, **more)), (end_ms, _admin(end_ms, chain.name, on, **more))]


def _admin(at_ms: int, chain: str, action: str, **more: Any) -> dict[str, Any]:
    return {"at": seconds(at_ms), "admin": {"chain": chain, "action": action, **more}}


@dataclass(frozen=True, slots=True)
class Perturbation:
    """A kind, and the functions that a contract must have for it."""

    draw: Callable[[random.Random, DrawContext], list[Timed]]
    functions: tuple[str, ...] = ()


PERTURBATIONS = (
    Perturbation(attack),
    Perturbation(relayer_restart),
    Perturbation(emergency_stop, ("pause", "unpause")),
    Perturbation(revocation, ("add_operator", "remove_operator")),
    Perturbation(wider_window, ("set_coordination_window",)),
)


def draw_perturbations(rng: random.Random, context: DrawContext) -> list[Timed]:
    """None, one or two of them; one that the contract has no functions for is left out, and the other stays."""
    chosen = rng.sample(PERTURBATIONS, rng.choices((0, 1, 2), weights=(4, 4, 2))[0])
    drawn = [(perturbation, perturbation.draw(rng, context)) for perturbation in chosen]
    return [step for perturbation, steps in drawn if context.contract.has(perturbation.functions) for step in steps]
