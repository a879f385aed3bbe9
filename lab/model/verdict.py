"""Verdicts, what a check returns, and how verdicts merge."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from lab.model.record_parts.about import About


class Verdict(StrEnum):
    """PASS and FAIL need proof; UNKNOWN is the absence of it; NOT EXERCISED means the subject never occurred."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    NOT_EXERCISED = "NOT EXERCISED"


Actor = Literal["contract", "relayer"]


class Finding(BaseModel):
    """One reason for a verdict, with the history lines (`seq`) that show it.

    `actor` is whose act or omission it is, `about` what it is about, as data; None where the check cannot tell, and in
    earlier evidence.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    message: str
    t_ms: int | None = None
    chain: str | None = None
    tx_id: str | None = None
    evidence: tuple[int, ...] = ()
    actor: Actor | None = None
    about: About | None = None

    @model_serializer(mode="wrap")
    def _without_what_most_lack(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Most findings are about a moment and nothing more: they say no word of it."""
        written: dict[str, Any] = fields(self)
        if self.about is None:
            del written["about"]
        return written


class CheckResult(BaseModel):
    """What one check concluded from one history. `judged` counts the subjects that it really looked at."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    check: str
    verdict: Verdict
    reason: str
    judged: int = 0
    findings: tuple[Finding, ...] = ()


class RowJudgement(BaseModel):
    """What a run says of one row of the readiness checklist: without the expectations that other rows depend on."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    row: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()


class RunVerdict(BaseModel):
    """The verdict of a run: `verdict.json`. `reasons` explain anything but PASS, worst first.

    `rows` are those that expectations of their own belong to; for any other row the verdict of the run counts.

    `lacks` are the optional parts that the contract does not have and that the scenario, or a part of it, needs:
    `handover (no propose_owner, accept_ownership)`. That part was not exercised.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    schema_version: Literal[1] = 1
    scenario: str
    item: str
    verdict: Verdict
    reasons: tuple[str, ...]
    checks: tuple[CheckResult, ...]
    repeat: str
    lacks: tuple[str, ...] = ()
    rows: tuple[RowJudgement, ...] = ()

    @property
    def failed_checks(self) -> list[str]:
        """Their names."""
        return [check.check for check in self.checks if check.verdict is Verdict.FAIL]

    def of_row(self, row: str) -> RowJudgement:
        """What counts for a row."""
        own = next((judged for judged in self.rows if judged.row == row), None)
        return own or RowJudgement(row=row, verdict=self.verdict, reasons=self.reasons)


def merge(verdicts: Iterable[Verdict]) -> Verdict:
    """FAIL wins over UNKNOWN over PASS; NOT EXERCISED is not merged. Nothing proven is UNKNOWN."""
    seen = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS):
        if verdict in seen:
            return verdict
    return Verdict.UNKNOWN
