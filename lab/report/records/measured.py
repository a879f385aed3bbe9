"""The tables behind the charts."""

from __future__ import annotations

from pydantic import Field

from lab.model.outcome import Outcome
from lab.report.catalogue.frozen import Frozen


class PairView(Frozen):
    """Executions from one network to another. Times are upper figures, `least_ms` the smallest lower one."""

    origin: str
    target: str
    finality: str
    n: int
    late: int
    in_time: int
    least_ms: int
    p50_ms: int
    p95_ms: int
    least_p95_ms: int = Field(description="95th percentile of the lower figures")
    max_ms: int
    state: Outcome
    needed: int = Field(description="executions in time that would decide, if no other one is late")


class CostView(Frozen):
    """What a transaction's life costs on one network, in dollars by price scenario."""

    network: str
    gas: int
    n: int
    usd: dict[str, float]
    break_even_gwei: float
    typical_gwei: float


class Cell(Frozen):
    """How often a kind of fault acted while flows were in a phase, and how the runs ended."""

    fault: str
    phase: str
    runs: int
    failed: int


class DetectedKind(Frozen):
    """Of one kind of fault: runs with it, and those in which an alert made for it fired, times in seconds."""

    fault: str
    alerts: tuple[str, ...]
    runs: int
    fired: int
    median_s: float | None = None
    max_s: int | None = None


class Detection(Frozen):
    """How well the alerts detect, as `lab swarm --monitor` measured it."""

    kinds: tuple[DetectedKind, ...]
    quiet_runs: int = Field(description="runs without a fault")
    false_alarms: int = Field(description="alerts that fired in them")
    verdict: Outcome


class RatePoint(Frozen):
    """Successful transactions of a load run in one second, over all its chains."""

    run: str
    second: int
    succeeded: float
    offered: float


class Measured(Frozen):
    """The tables behind the charts."""

    pairs: tuple[PairView, ...] = ()
    costs: tuple[CostView, ...] = ()
    faults: tuple[Cell, ...] = ()
    mutation: dict[str, int] = Field(default={})
    rates: tuple[RatePoint, ...] = ()
    detection: Detection | None = None
