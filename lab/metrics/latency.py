"""How long legs took, from inclusion to inclusion on the canonical chains, in milliseconds of the run's clock."""

from __future__ import annotations

from dataclasses import dataclass

from lab.model.effects import steps
from lab.model.history import History
from lab.model.records import Leg


@dataclass(frozen=True, slots=True)
class LegTimes:
    """When a leg's blocks appeared; None for what never happened. `parent_ready_ms`: on the parent's own chain."""

    leg: Leg
    buffered_ms: int | None
    ready_ms: int | None
    executed_ms: int | None
    parent_ready_ms: int | None
    parent_chain: str | None

    @property
    def to_ready_ms(self) -> int | None:
        """From the leg's buffering to READY."""
        return _span(self.buffered_ms, self.ready_ms)

    @property
    def to_executed_ms(self) -> int | None:
        """From the leg's buffering to its execution."""
        return _span(self.buffered_ms, self.executed_ms)

    @property
    def cross_chain_ms(self) -> int | None:
        """From the parent's READY on its chain to this leg's execution on another; None within one chain."""
        if self.parent_chain in (None, self.leg.chain):
            return None
        return _span(self.parent_ready_ms, self.executed_ms)


def _span(start: int | None, end: int | None) -> int | None:
    return None if start is None or end is None else end - start


def leg_times(history: History) -> list[LegTimes]:
    """The times of every declared leg, in the order of declaration."""
    seen = {chain: _first_times(history, chain) for chain in history.header.chains}
    times = []
    for leg in history.header.legs:
        own = seen[leg.chain].get(leg.tx_id, {})
        parent = history.leg(leg.after) if leg.after else None
        parent_times = seen[parent.chain].get(parent.tx_id, {}) if parent else {}
        times.append(
            LegTimes(
                leg=leg,
                buffered_ms=own.get("buffered"),
                ready_ms=own.get("ready"),
                executed_ms=own.get("executed"),
                parent_ready_ms=parent_times.get("ready"),
                parent_chain=parent.chain if parent else None,
            )
        )
    return times


def _first_times(history: History, chain: str) -> dict[str, dict[str, int]]:
    times: dict[str, dict[str, int]] = {}
    for step in steps(history, chain):
        effect = None
        if step.log("TransactionBuffered"):
            effect = "buffered"
        elif step.log("TransactionReady"):
            effect = "ready"
        elif step.ok and step.function == "mark_executed":
            effect = "executed"
        if effect is not None and step.tx_id is not None:
            times.setdefault(step.tx_id, {}).setdefault(effect, step.block.t_ms)
    return times
