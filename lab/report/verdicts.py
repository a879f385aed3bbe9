"""The records of a readiness report: what `readiness.json` holds. Its JSON schema is committed beside this module."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lab.report.rows import Dependency, Proof, RowClass, Stage


class RowVerdict(StrEnum):
    """How a row stands. LAB PASS: proven under the lab's own conditions, which is all that the lab can say of it."""

    PASS = "PASS"
    LAB_PASS = "LAB PASS"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    INFEASIBLE = "INFEASIBLE"
    STALE = "STALE"
    NOT_RUN = "NOT RUN"
    LIVE = "LIVE"
    ATTESTED = "ATTESTED"
    ATTESTATION_MISSING = "ATTESTATION MISSING"
    WAIVED = "WAIVED"


SETTLED = frozenset({RowVerdict.PASS, RowVerdict.LAB_PASS, RowVerdict.ATTESTED, RowVerdict.WAIVED})

Decision = Literal["GO", "NO-GO", "INCOMPLETE"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RowEvidence(_Frozen):
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


class RowResult(_Frozen):
    """One line of the checklist, judged. `claimed` is the checklist's own tick."""

    id: str
    section: str
    kind: Literal["item", "risk"]
    row_class: RowClass
    stage: Stage
    must_pass: bool
    claimed: bool
    item: str
    detail: str
    planned_proof: str
    depends_on: tuple[Dependency, ...]
    proofs: tuple[Proof, ...]
    verdict: RowVerdict
    reason: str
    evidence: tuple[RowEvidence, ...]


class StageDecision(_Frozen):
    """A stage includes the rows of the stages before it."""

    stage: Stage
    decision: Decision
    rows: int
    settled: int
    counts: dict[RowVerdict, int]
    reasons: tuple[str, ...]


class Contradiction(_Frozen):
    """A statement of the checklist beside what was found."""

    id: str
    rows: tuple[str, ...]
    stated: str
    found: str


class Provenance(_Frozen):
    """What the evidence was made with; several values where runs differ."""

    contract_sha256: str | None = Field(description="the contract that the report was asked about")
    contracts: tuple[str, ...]
    lab_commits: tuple[str, ...]
    dirty: bool
    backends: tuple[str, ...]
    clocks: tuple[str, ...]
    versions: dict[str, tuple[str, ...]]
    runs: int
    first_started: str | None
    last_started: str | None


class Readiness(_Frozen):
    """A whole report."""

    schema_version: Literal[1] = 1
    document: str
    generated: str
    stage: Stage = Field(description="the stage that `decision` is about")
    decision: Decision
    stages: tuple[StageDecision, ...]
    counts: dict[RowVerdict, int]
    contradictions: tuple[Contradiction, ...]
    problems: tuple[str, ...] = Field(description="evidence that could not be read, and belongs to no row for sure")
    provenance: Provenance
    rows: tuple[RowResult, ...]
