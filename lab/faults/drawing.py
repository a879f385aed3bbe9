"""How a random fault is drawn: what it can be aimed at (chains and legs of a case), and where and when it acts."""

from __future__ import annotations

import random
from collections.abc import Iterable
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
class DrawnContract:
    """The contract under test: functions of the lab's vocabulary that it lacks, and two of its limits if known."""

    lacking: frozenset[str] = frozenset()
    payload_bytes: int | None = None
    per_block: int | None = None

    def has(self, functions: Iterable[str]) -> bool:
        return self.lacking.isdisjoint(functions)


NOTHING_LACKING = DrawnContract()


@dataclass(frozen=True, slots=True)
class DrawContext:
    """A case without its faults."""

    chains: tuple[DrawnChain, ...]
    legs: tuple[DrawnLeg, ...]
    window_s: int
    contract: DrawnContract = NOTHING_LACKING

    def busy_leg(self, rng: random.Random) -> tuple[DrawnLeg, DrawnChain]:
        """Any leg, with its chain: faults are aimed where something happens."""
        leg = rng.choice(self.legs)
        return leg, self.chain(leg.chain)

    def chain(self, name: str) -> DrawnChain:
        """Raises StopIteration for a name that the case does not have."""
        return next(chain for chain in self.chains if chain.name == name)

    def other(self, rng: random.Random, name: str) -> str | None:
        """Another chain, None if there is none."""
        others = [chain.name for chain in self.chains if chain.name != name]
        return rng.choice(others) if others else None


@dataclass(frozen=True, slots=True)
class DrawnFault:
    """A fault step. From its begin to its end no other fault may hold the same resource; `alone`: in the whole case."""

    step: dict[str, Any]
    begin_ms: int
    end_ms: int
    resource: str | None = None
    alone: bool = False

    def clashes(self, other: DrawnFault) -> bool:
        if self.resource is None or self.resource != other.resource:
            return False
        return self.alone or other.alone or (self.begin_ms <= other.end_ms and other.begin_ms <= self.end_ms)


def seconds(value_ms: int) -> str:
    """Milliseconds as a scenario writes them."""
    return f"{value_ms // 1000}s" if value_ms % 1000 == 0 else f"{value_ms}ms"


def moment_ms(rng: random.Random, leg: DrawnLeg, before_s: float = 15, after_s: float = 20) -> int:
    """A moment around the leg's timestamp, in steps of 100 ms, not before its buffering has had a second."""
    earliest = leg.buffered_s + 1
    return round(10 * max(earliest, leg.at_s + rng.uniform(-before_s, after_s))) * 100


def lasting_ms(rng: random.Random, low_s: int = 3, high_s: int = 45) -> int:
    """How long a fault lasts, in whole seconds."""
    return rng.randint(low_s, high_s) * 1000


METHODS = ("eth_getLogs", "eth_call", "eth_getBlockByNumber", "eth_sendRawTransaction", "eth_getTransactionReceipt")
# After a node or the relayer is back, it gets some time before the next fault of its kind.
REST_MS = 5_000


def at_a_leg(rng: random.Random, context: DrawContext) -> tuple[DrawnLeg, DrawnChain, int]:
    """A leg, its chain, and a moment at which something may happen to it."""
    leg, chain = context.busy_leg(rng)
    return leg, chain, moment_ms(rng, leg)


def on_requests(fault: str, rng: random.Random, context: DrawContext, **more: Any) -> DrawnFault:
    """A fault of requests: some methods or all, a share of them, for a while. They overlap with anything."""
    _, chain, begin_ms = at_a_leg(rng, context)
    lasts_ms = lasting_ms(rng)
    step: dict[str, Any] = {"at": seconds(begin_ms), "fault": fault, "chain": chain.name}
    if rng.random() < 0.5:
        step["methods"] = sorted(rng.sample(METHODS, rng.randint(1, 2)))
    step |= {"share": rng.choice((0.2, 0.5, 1.0)), **more, "for": seconds(lasts_ms)}
    return DrawnFault(step, begin_ms, begin_ms + lasts_ms)


def on_chain(
    fault: str,
    rng: random.Random,
    context: DrawContext,
    *,
    span_s: tuple[int, int] = (3, 45),
    early: bool = False,
    node: bool = True,
    **more: Any,
) -> DrawnFault:
    """A fault of a chain for a while, of `span_s` at the least and at the most.

    `early`: it is there before the leg's time comes. `node`: no other fault may be at the same node meanwhile.
    """
    leg, chain = context.busy_leg(rng)
    begin_ms = moment_ms(rng, leg, after_s=-1 if early else 20)
    lasts_ms = lasting_ms(rng, *span_s)
    step = {"at": seconds(begin_ms), "fault": fault, "chain": chain.name, **more, "for": seconds(lasts_ms)}
    resource = f"node:{chain.name}" if node else None
    return DrawnFault(step, begin_ms, begin_ms + lasts_ms + REST_MS, resource)


def on_relayer(fault: str, rng: random.Random, context: DrawContext, **more: Any) -> DrawnFault:
    """A fault of the relayer for a while; one a case."""
    _, _, begin_ms = at_a_leg(rng, context)
    lasts_ms = lasting_ms(rng, 2, 40)
    step = {"at": seconds(begin_ms), "fault": fault, **more, "for": seconds(lasts_ms)}
    return DrawnFault(step, begin_ms, begin_ms + lasts_ms, "relayer", alone=True)


def restarted(
    fault: str, rng: random.Random, context: DrawContext, span_s: tuple[int, int], afterwards: str | None = None
) -> DrawnFault:
    """A kill and a restart. `afterwards` is the key for how long the node is back and not well, if it is so."""
    _, chain, begin_ms = at_a_leg(rng, context)
    lasts_ms = lasting_ms(rng, *span_s)
    step = {"at": seconds(begin_ms), "fault": fault, "chain": chain.name, "restart_after": seconds(lasts_ms)}
    if afterwards is not None:
        unwell_ms = lasting_ms(rng)
        step[afterwards] = seconds(unwell_ms)
        lasts_ms += unwell_ms
    return DrawnFault(step, begin_ms, begin_ms + lasts_ms + REST_MS, f"node:{chain.name}")
