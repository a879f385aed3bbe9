"""The outcomes of a criterion, for load runs and readiness. docs/glossary.md says which word is used where."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """MET and NOT MET need figures; the others say why there are none that decide."""

    MET = "MET"
    NOT_MET = "NOT MET"
    UNKNOWN = "UNKNOWN"
    INFEASIBLE = "INFEASIBLE"
    NOT_MEASURED = "NOT MEASURED"
    ATTESTED = "ATTESTED"

    @classmethod
    def _missing_(cls, value: object) -> Outcome | None:
        """Reports up to 0.1.0 said UNDECIDED for UNKNOWN."""
        return cls.UNKNOWN if value == "UNDECIDED" else None
