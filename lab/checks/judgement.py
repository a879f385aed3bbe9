"""What a check is, and how it collects its reasons: failures need a finding each, doubts make it UNKNOWN."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lab.model.history import History
from lab.model.record_parts.about import About
from lab.model.records import Block, FinalRead, Operation, RelayerMark, Requests, StoreRead, Submit
from lab.model.verdict import Actor, CheckResult, Finding, Verdict

Located = Block | FinalRead | Operation | RelayerMark | Requests | StoreRead | Submit
"""Records that a finding can point at."""


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant. `judge` is pure: the same history gives the same result.

    `concerns` says whether it is about a run at all: one about the reference relayer's store is not about another's.
    `undeclared` says what nobody promised, without which nothing can be demanded; None where there is something to hold
    against the run.
    """

    id: str
    title: str
    judge: Callable[[History], CheckResult]
    concerns: Callable[[History], bool] = lambda history: True
    undeclared: Callable[[History], str | None] = lambda history: None


@dataclass
class Judgement:
    """Collects what one check sees.

    `subject` names one judged thing, in the singular. `actor` is whose act a failure is where nothing else is said.
    """

    check: str
    subject: str
    actor: Actor | None = None
    judged: int = 0
    failures: list[Finding] = field(default_factory=list)
    doubts: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fail(
        self,
        message: str,
        at: Located,
        tx_id: str | None = None,
        *evidence: int,
        t_ms: int | None = None,
        chain: str | None = None,
        actor: Actor | None = None,
        about: About | None = None,
    ) -> None:
        """The invariant is broken; the message says what was expected and what happened.

        `at` is the record that shows it: evidence itself, it gives the chain and the time unless they are given.
        """
        t_ms = at.t_ms if t_ms is None else t_ms
        actor = actor or self.actor
        self.failures.append(_finding(message, chain or at.chain, tx_id, (at.seq, *evidence), t_ms, actor, about))

    def doubt(self, message: str, chain: str | None = None, tx_id: str | None = None, *evidence: int) -> None:
        """Evidence is missing: nothing can be concluded of this subject."""
        self.doubts.append(_finding(message, chain, tx_id, evidence))

    def note(self, text: str) -> None:
        """Something that a reader of the result should know and that changes no verdict."""
        if text not in self.notes:
            self.notes.append(text)

    def result(self, never: str) -> CheckResult:
        """The verdict of all that was collected; `never` says why there may have been nothing to judge."""
        count = f"judged {self.judged} {self.subject}{'' if self.judged == 1 else 's'}"
        shown = self.failures or self.doubts
        if shown:
            verdict = Verdict.FAIL if self.failures else Verdict.UNKNOWN
            more = f" (and {len(shown) - 1} more)" if len(shown) > 1 else ""
            reason = f"{count}: {shown[0].message}{more}"
        elif self.judged:
            verdict, reason = Verdict.PASS, count
        else:
            verdict, reason = Verdict.NOT_EXERCISED, never
        reason = "; ".join([reason, *self.notes])
        findings = tuple(self.failures + self.doubts)
        return CheckResult(check=self.check, verdict=verdict, reason=reason, judged=self.judged, findings=findings)


def _finding(
    message: str,
    chain: str | None,
    tx_id: str | None,
    evidence: Iterable[int],
    t_ms: int | None = None,
    actor: Actor | None = None,
    about: About | None = None,
) -> Finding:
    lines = tuple(sorted(set(evidence)))
    return Finding(message=message, t_ms=t_ms, chain=chain, tx_id=tx_id, evidence=lines, actor=actor, about=about)
