"""What is judged of a load run, and what the result of one criterion is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.load.analyse.cost import Cost
from lab.load.analyse.flows import FlowFifth
from lab.load.prepare.capacity import Ceiling
from lab.load.profile.criteria import Criteria
from lab.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """One criterion: its figure with an interval, its threshold, how many observations, and why."""

    criterion: str
    rows: tuple[str, ...]
    outcome: Outcome
    figure: float | None
    unit: str
    threshold: float | None
    n: int
    reason: str
    low: float | None = None
    high: float | None = None
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is judged. Sums are over all chains; `cross_chain_ms` and `inclusion_ms` in ascending order.

    `lost` names workers of the generator that did not report: what they sent is in no ledger.
    """

    criteria: Criteria
    schedule_s: float
    offered_tps: float
    tps: float
    tps_low: float
    tps_high: float
    offered: int
    dropped: int
    held: int
    sent: int
    succeeded: int
    flows: bool
    cross_chain_ms: Sequence[float]
    flows_open: int
    inclusion_ms: Sequence[float]
    lateness_p99_ms: float | None
    tick_lag_p99_ms: float | None
    ceilings: Mapping[str, Ceiling]
    offered_by_chain: Mapping[str, float]
    costs: Mapping[str, Cost]
    uptime: Mapping[str, float]
    samples: int
    unexplained: Sequence[str]
    interrupted: bool
    tps_unit: str = "successes/s"
    tps_n: int | None = None
    steady: bool = True
    flow_drift: tuple[FlowFifth, FlowFifth] | None = None
    flow_slack_ms: float = 0.0
    behind_s: float = 0.0
    flows_behind_s: float = 0.0
    generator_problems: Sequence[str] = ()
    lost: Sequence[str] = ()
    problems: Sequence[str] = ()
    mostly_reverted: bool = False
    # Of each chain where calls reverted: the contract, and why.
    reverts: Sequence[str] = ()

    @property
    def over_ceiling(self) -> bool:
        """Whether a chain was offered more than fits into its blocks."""
        return any(self.offered_by_chain.get(name, 0) > ceiling.tps for name, ceiling in self.ceilings.items())

    @property
    def held_by_system(self) -> bool:
        """Whether arrivals waited for a free connection or a dead node: the system's doing, not the generator's."""
        return self.held > 0.01 * max(1, self.offered)
