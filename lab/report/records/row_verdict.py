"""How a row stands, and what a stage is: the words that every part of the report shares."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal

from lab.model.outcome import Outcome


class RowVerdict(StrEnum):
    """How a row stands, worst first: what a row or a release has to fear most.

    LAB PASS: proven under the lab's own conditions, which is all that the lab can say of it.
    """

    FAIL = "FAIL"
    INFEASIBLE = "INFEASIBLE"
    UNKNOWN = "UNKNOWN"
    STALE = "STALE"
    NOT_RUN = "NOT RUN"
    ATTESTATION_MISSING = "ATTESTATION MISSING"
    LIVE = "LIVE"
    WAIVED = "WAIVED"
    ATTESTED = "ATTESTED"
    LAB_PASS = "LAB PASS"
    PASS = "PASS"

    @property
    def rank(self) -> int:
        """From 0 for the worst."""
        return _RANKS[self]


_RANKS = {verdict: rank for rank, verdict in enumerate(RowVerdict)}


def worst(verdicts: Iterable[RowVerdict]) -> RowVerdict:
    """The worst of these. Raises ValueError for none."""
    return min(verdicts, key=lambda verdict: verdict.rank)


SETTLED = frozenset({RowVerdict.PASS, RowVerdict.LAB_PASS, RowVerdict.ATTESTED, RowVerdict.WAIVED})

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
