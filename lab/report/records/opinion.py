"""What one piece of evidence, or the lack of it, says about a row."""

from __future__ import annotations

from dataclasses import dataclass

from lab.report.records.row_result import RowEvidence
from lab.report.records.row_verdict import RowVerdict


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one piece of evidence, or the lack of it, says about a row."""

    verdict: RowVerdict
    reason: str
    evidence: RowEvidence | None = None
