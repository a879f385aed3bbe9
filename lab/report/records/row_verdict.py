"""How a row stands, and what a stage is: the words that every part of the report shares."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal

from lab.model.outcome import Outcome


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

    @property
    def rank(self) -> int:
        """From 0 for the worst."""
        return WORST_FIRST.index(self)


def worst(verdicts: Iterable[RowVerdict]) -> RowVerdict:
    """What a row or a release has to fear most of these. Raises ValueError for none."""
    return min(verdicts, key=lambda verdict: verdict.rank)


SETTLED = frozenset({RowVerdict.PASS, RowVerdict.LAB_PASS, RowVerdict.ATTESTED, RowVerdict.WAIVED})

# Worst first: what a row or a release has to fear most.
WORST_FIRST = (
    RowVerdict.FAIL,
    RowVerdict.INFEASIBLE,
    RowVerdict.UNKNOWN,
    RowVerdict.STALE,
    RowVerdict.NOT_RUN,
    RowVerdict.ATTESTATION_MISSING,
    RowVerdict.LIVE,
    RowVerdict.WAIVED,
    RowVerdict.ATTESTED,
    RowVerdict.LAB_PASS,
    RowVerdict.PASS,
)

# A criterion's outcome as the verdict of its row, and back.
VERDICTS = {
    Outcome.MET: RowVerdict.PASS,
    Outcome.NOT_MET: RowVerdict.FAIL,
    Outcome.UNKNOWN: RowVerdict.UNKNOWN,
    Outcome.INFEASIBLE: RowVerdict.INFEASIBLE,
    Outcome.NOT_MEASURED: RowVerdict.NOT_RUN,
    Outcome.ATTESTED: RowVerdict.ATTESTED,
}
OUTCOMES = {verdict: outcome for outcome, verdict in VERDICTS.items()} | {
    RowVerdict.LAB_PASS: Outcome.MET,
    RowVerdict.STALE: Outcome.UNKNOWN,
}

Decision = Literal["GO", "NO-GO", "INCOMPLETE"]
