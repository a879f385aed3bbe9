"""What the lab itself says of a machine that has much else to do: no test goes by the time that something took."""

from __future__ import annotations

from lab.model.verdict import RunVerdict


def too_busy(verdict: RunVerdict) -> bool:
    """Whether the lab says that this machine had too much to do for a judgement."""
    return any(words in reason for reason in verdict.reasons for words in ("machine itself was late", "came late"))
