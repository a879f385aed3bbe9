"""What a drawn fault can be aimed at: the chains and legs of the case, and helpers to draw times around them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DrawnChain:
    """A chain of the case. `depth` is how many blocks its finality asks for, where it counts blocks.

    `tagged`: its finality is the node's word.
    """

    name: str
    block_time_ms: int
    mines_empty_blocks: bool
    depth: int | None
    tagged: bool = False


@dataclass(frozen=True, slots=True)
class DrawnLeg:
    """A leg of the case; `buffered_s` is when its buffering begins."""

    name: str
    chain: str
    at_s: int
    buffered_s: float


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A case without its faults."""

    chains: tuple[DrawnChain, ...]
    legs: tuple[DrawnLeg, ...]
    window_s: int

    def busy_leg(self, dice: random.Random) -> tuple[DrawnLeg, DrawnChain]:
        """Any leg, with its chain: faults are aimed where something happens."""
        leg = dice.choice(self.legs)
        return leg, next(chain for chain in self.chains if chain.name == leg.chain)

    def other(self, dice: random.Random, chain: str) -> str | None:
        """Another chain, None if there is none."""
        others = [each.name for each in self.chains if each.name != chain]
        return dice.choice(others) if others else None


@dataclass(frozen=True, slots=True)
class DrawnFault:
    """A fault step. From its begin to its end no other fault may hold the same resource; `alone`: in the whole case."""

    step: dict[str, Any]
    begin_ms: int
    end_ms: int
    resource: str | None = None
    alone: bool = False

    def clashes(self, other: DrawnFault) -> bool:
        """Whether both cannot be in one case."""
        if self.resource is None or self.resource != other.resource:
            return False
        return self.alone or other.alone or (self.begin_ms <= other.end_ms and other.begin_ms <= self.end_ms)


def seconds(value_ms: int) -> str:
    """Milliseconds as a scenario writes them."""
    return f"{value_ms // 1000}s" if value_ms % 1000 == 0 else f"{value_ms}ms"


def moment_ms(dice: random.Random, leg: DrawnLeg, before_s: float = 15, after_s: float = 20) -> int:
    """A moment around the leg's timestamp, in steps of 100 ms, not before its buffering has had a second."""
    earliest = leg.buffered_s + 1
    return round(10 * max(earliest, leg.at_s + dice.uniform(-before_s, after_s))) * 100


def lasting_ms(dice: random.Random, low_s: int = 3, high_s: int = 45) -> int:
    """How long a fault lasts, in whole seconds."""
    return dice.randint(low_s, high_s) * 1000
