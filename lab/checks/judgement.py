"""What a check is, and how it collects its reasons: failures need a finding each, doubts make it UNKNOWN."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lab.model.history import History
from lab.model.verdict import CheckResult, Finding, Verdict


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant. `judge` is pure: the same history gives the same result."""

    id: str
    title: str
    judge: Callable[[History], CheckResult]


@dataclass
class Judgement:
    """Collects what one check sees. `subject` names one judged thing, in the singular."""

    check: str
    subject: str
    judged: int = 0
    failures: list[Finding] = field(default_factory=list)
    doubts: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fail(
        self,
        message: str,
        *,
        t_ms: int | None = None,
        chain: str | None = None,
        tx_id: str | None = None,
        evidence: tuple[int, ...] = (),
    ) -> None:
        """The invariant is broken; the message says what was expected and what happened."""
        self.failures.append(
            Finding(message=message, t_ms=t_ms, chain=chain, tx_id=tx_id, evidence=tuple(sorted(set(evidence))))
        )

    def doubt(
        self, message: str, *, chain: str | None = None, tx_id: str | None = None, evidence: tuple[int, ...] = ()
    ) -> None:
        """Evidence is missing: nothing can be concluded of this subject."""
        self.doubts.append(Finding(message=message, chain=chain, tx_id=tx_id, evidence=tuple(sorted(set(evidence)))))

    def note(self, text: str) -> None:
        """Something that a reader of the result should know and that changes no verdict."""
        if text not in self.notes:
            self.notes.append(text)

    def result(self, never: str) -> CheckResult:
        """The verdict of all that was collected; `never` says why there may have been nothing to judge."""
        count = f"judged {self.judged} {self.subject}{'' if self.judged == 1 else 's'}"
        if self.failures:
            verdict, reason = Verdict.FAIL, f"{count}: {self.failures[0].message}"
            if len(self.failures) > 1:
                reason += f" (and {len(self.failures) - 1} more)"
        elif self.doubts:
            verdict, reason = Verdict.UNKNOWN, f"{count}: {self.doubts[0].message}"
            if len(self.doubts) > 1:
                reason += f" (and {len(self.doubts) - 1} more)"
        elif self.judged:
            verdict, reason = Verdict.PASS, count
        else:
            verdict, reason = Verdict.NOT_EXERCISED, never
        reason = "; ".join([reason, *self.notes])
        return CheckResult(
            check=self.check,
            verdict=verdict,
            reason=reason,
            judged=self.judged,
            findings=tuple(self.failures + self.doubts),
        )
