"""One line of the checklist, judged: its verdict, the evidence, what people said, and what it was before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from lab.report.catalogue.frozen import Frozen
from lab.report.catalogue.rows import RowFacts
from lab.report.records.row_verdict import SETTLED, RowVerdict


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
    lacks: tuple[str, ...] = Field(default=(), description="parts without which the contract is not exercised here")
    figures: tuple[str, ...] = Field(default=(), description="what a measurement found, and what it assumes, in words")
    files: tuple[str, ...] = ("verdict.json", "history.jsonl", "metrics.json", "manifest.json")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one piece of evidence, or the lack of it, says about a row. `missing` are scenarios that did not run."""

    verdict: RowVerdict
    reason: str
    evidence: RowEvidence | None = None
    missing: tuple[str, ...] = ()


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


class RowResult(RowFacts):
    """One line of the checklist, judged."""

    planned_proof: str
    verdict: RowVerdict
    reason: str
    evidence: tuple[RowEvidence, ...]
    missing: tuple[str, ...] = Field(
        default=(), description="scenarios that a proof's pattern means, and that did not run"
    )
    age_hours: float | None = Field(default=None, description="of the oldest run that counts")
    can_fail: tuple[str, ...] = Field(default=(), description="what shows that this row is able to fail")
    statements: tuple[StatementView, ...] = ()
    history: tuple[PastVerdict, ...] = Field(default=(), description="oldest first, this report's verdict last")

    @property
    def is_open(self) -> bool:
        """Whether it keeps its stage from GO. No waiver settles a row that must pass."""
        return self.verdict not in SETTLED or (self.must_pass and self.verdict is RowVerdict.WAIVED)
