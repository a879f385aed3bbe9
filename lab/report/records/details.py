"""Records of a readiness report beyond the bare verdict: attestations, past verdicts, criteria, changes, next steps."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lab.report.catalogue.rows import Stage
from lab.report.records.row_verdict import Decision, RowVerdict

State = Literal["MET", "NOT MET", "UNDECIDED", "INFEASIBLE", "NOT MEASURED", "ATTESTED"]


class Frozen(BaseModel):
    """A record of `readiness.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StatementView(Frozen):
    """An attestation or a waiver as the report saw it. `problem` is empty where it counts."""

    file: str
    kind: Literal["attestation", "waiver"]
    row: str | None
    owner: str
    date: str
    expires: str
    document: str
    sha256: str
    note: str
    link: str
    approver: str
    reason: str
    problem: str = Field(description="why it counts as missing")


class PastVerdict(Frozen):
    """What a row was in an earlier report, where that differs from the report before it."""

    generated: str
    verdict: RowVerdict


class RowChange(Frozen):
    """A row whose verdict is another one than in the report that is compared with."""

    row: str
    before: RowVerdict | None
    now: RowVerdict
    worse: bool


class Comparison(Frozen):
    """This report beside an earlier one."""

    generated: str
    decision: Decision
    rows: tuple[RowChange, ...]
    moved: tuple[str, ...] = Field(description="what the evidence was made with, where that changed")


class PathStep(Frozen):
    """One thing to do on the way to GO, and the rows that it can settle; most urgent first."""

    rank: int
    rows: tuple[str, ...]
    must_pass: int
    verdict: RowVerdict
    owner: str
    action: str
    command: str


class Expiry(Frozen):
    """Something that counts today and no longer does on the release date."""

    row: str
    what: str
    expires: str


class Criterion(Frozen):
    """A success criterion: what was measured, how sure that is, and what it would take to be sure."""

    row: str
    title: str
    target: str
    definition: str
    kind: Literal["technical", "business"]
    state: State
    figure: str
    value: float | None = None
    limit: float | None = Field(default=None, description="the target as a number, in the unit of `value`")
    unit: str = ""
    interval: str = ""
    low: float | None = None
    high: float | None = None
    n: int | None = None
    needed: str = Field(default="", description="how many more runs would decide")
    reason: str = ""
    assumptions: tuple[str, ...] = ()
    evidence: tuple[str, ...] = Field(default=(), description="paths relative to the results folder")


class Derived(Frozen):
    """What runs say about a criterion, before it meets its definition."""

    state: State
    figure: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    interval: str = ""
    n: int | None = None
    needed: str = ""
    reason: str = ""
    assumptions: tuple[str, ...] = ()


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
    state: State
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
    mutation: dict[str, int] = {}
    rates: tuple[RatePoint, ...] = ()


class TrendPoint(Frozen):
    """One earlier report, in short."""

    generated: str
    stage: Stage
    decision: Decision
    settled: dict[Stage, int]
    failing: int
