"""The records of a readiness report: what `readiness.json` holds. Its JSON schema is committed beside this module."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lab.report.catalogue.rows import Dependency, Proof, RowClass, Stage
from lab.report.records.details import (
    Comparison,
    Criterion,
    Expiry,
    Frozen,
    Measured,
    PastVerdict,
    PathStep,
    StatementView,
    TrendPoint,
)
from lab.report.records.row_verdict import SETTLED, Decision, RowVerdict

__all__ = ["SETTLED", "Contradiction", "Decision", "Provenance", "Readiness", "RowEvidence", "RowResult", "RowVerdict"]


class RowEvidence(Frozen):
    """One run that speaks for or against a row. `folder` is relative to the results folder."""

    folder: str
    item: str
    scenario: str
    verdict: RowVerdict = Field(description="what this run amounts to for the row")
    reason: str
    digest: str | None = Field(description="of the history, as the manifest records it")
    commit: str | None = Field(description="of the lab")
    dirty: bool | None
    contract_sha256: str | None
    started: str | None
    faults: tuple[str, ...] = Field(default=(), description="kinds of fault that acted in this run")
    figures: tuple[str, ...] = Field(default=(), description="what a measurement found, and what it assumes, in words")
    files: tuple[str, ...] = ("verdict.json", "history.jsonl", "metrics.json", "manifest.json")


class RowResult(Frozen):
    """One line of the checklist, judged. `claimed` is the checklist's own tick."""

    id: str
    section: str
    kind: Literal["item", "risk"]
    row_class: RowClass
    stage: Stage
    must_pass: bool
    claimed: bool
    owner: str
    item: str
    detail: str
    planned_proof: str
    depends_on: tuple[Dependency, ...]
    proofs: tuple[Proof, ...]
    measured_by: str
    verdict: RowVerdict
    reason: str
    evidence: tuple[RowEvidence, ...]
    age_hours: float | None = Field(default=None, description="of the oldest run that counts")
    can_fail: tuple[str, ...] = Field(default=(), description="what shows that this row is able to fail")
    statements: tuple[StatementView, ...] = ()
    history: tuple[PastVerdict, ...] = Field(default=(), description="oldest first, this report's verdict last")


class StageDecision(Frozen):
    """A stage includes the rows of the stages before it."""

    stage: Stage
    decision: Decision
    rows: int
    settled: int
    counts: dict[RowVerdict, int]
    reasons: tuple[str, ...]


class Contradiction(Frozen):
    """A statement of the checklist beside what was found."""

    id: str
    rows: tuple[str, ...]
    stated: str
    found: str


class Provenance(Frozen):
    """What the evidence was made with; several values where runs differ."""

    contract_sha256: str | None = Field(description="the contract that the report is about")
    lab_commit: str | None = Field(default=None, description="of the lab that wrote the report")
    lab_version: str | None = None
    contracts: tuple[str, ...]
    compilers: tuple[str, ...] = ()
    lab_commits: tuple[str, ...]
    dirty: bool
    backends: tuple[str, ...]
    nodes: tuple[str, ...] = Field(default=(), description="node version, and digest of its binary or image")
    clocks: tuple[str, ...]
    seeds: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    versions: dict[str, tuple[str, ...]]
    runs: int
    first_started: str | None
    last_started: str | None


class Readiness(Frozen):
    """A whole report."""

    schema_version: Literal[1] = 1
    document: str
    generated: str
    stage: Stage = Field(description="the stage that `decision` is about")
    decision: Decision
    release_date: str | None = None
    stages: tuple[StageDecision, ...]
    counts: dict[RowVerdict, int]
    path_to_go: tuple[PathStep, ...] = ()
    since_last: Comparison | None = None
    since_go: Comparison | None = None
    expiring: tuple[Expiry, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    measured: Measured = Measured()
    contradictions: tuple[Contradiction, ...]
    problems: tuple[str, ...] = Field(description="evidence that could not be read, and belongs to no row for sure")
    notes: tuple[str, ...] = Field(default=(), description="what was left out of account, and why; changes no decision")
    trend: tuple[TrendPoint, ...] = ()
    provenance: Provenance
    rows: tuple[RowResult, ...]
