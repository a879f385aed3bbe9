"""How a row stands, and what a stage is: the words that every part of the report shares."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal


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

Decision = Literal["GO", "NO-GO", "INCOMPLETE"]
