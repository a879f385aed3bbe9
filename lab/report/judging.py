"""What the recorded runs amount to for one row. Rows are earned: every proof must be there, none may speak against it.

FAIL wins over UNKNOWN over STALE over NOT RUN; only a row for which none of them holds is passed.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.html.text import clean
from lab.model.verdict import Verdict
from lab.report.reading import Run
from lab.report.rows import Proof, Row
from lab.report.verdicts import RowEvidence, RowResult, RowVerdict

_SEVERITY = (RowVerdict.FAIL, RowVerdict.UNKNOWN, RowVerdict.STALE, RowVerdict.NOT_RUN, RowVerdict.PASS)
_WITHOUT_PROOF = {
    "live": (RowVerdict.LIVE, "needs a live network: {0}"),
    "attested": (RowVerdict.ATTESTATION_MISSING, "a person answers for it, and no attestation is on record: {0}"),
}


@dataclass(frozen=True, slots=True)
class _Opinion:
    verdict: RowVerdict
    reason: str
    evidence: RowEvidence | None = None


def judge(row: Row, runs: Sequence[Run], contract_sha256: str | None) -> RowResult:
    """`contract_sha256` is the bytecode that the report is about; None leaves evidence of any one contract valid."""
    opinions: list[_Opinion] = []
    if row.row_class in _WITHOUT_PROOF:
        verdict, words = _WITHOUT_PROOF[row.row_class]
        reason = words.format(row.proof)
    elif not row.proofs:
        verdict, reason = RowVerdict.NOT_RUN, f"no proof is bound to this row yet; planned: {row.proof}"
    else:
        for proof in row.proofs:
            opinions += _weigh(proof, row, runs, contract_sha256)
        opinions += _mixed_contracts(row, opinions, contract_sha256)
        verdict = next(grade for grade in _SEVERITY if any(opinion.verdict is grade for opinion in opinions))
        reason = _reason(opinions, len(row.proofs))
        if verdict is RowVerdict.PASS and row.row_class == "lab-bounded":
            verdict = RowVerdict.LAB_PASS
    return RowResult(
        **row.model_dump(exclude={"proof", "proofs"}),
        planned_proof=row.proof,
        proofs=row.proofs,
        verdict=verdict,
        reason=reason,
        evidence=tuple(opinion.evidence for opinion in opinions if opinion.evidence),
    )


def _weigh(proof: Proof, row: Row, runs: Iterable[Run], contract_sha256: str | None) -> list[_Opinion]:
    matching = [run for run in runs if _speaks_of(proof, run)]
    opinions = [_opinion(proof, row, run, contract_sha256) for run in matching]
    recorded = {run.item for run in matching}
    missing = sorted({item for run in matching for item in run.siblings} - recorded)
    if missing:
        names = ", ".join(clean(item, 80) for item in missing[:3])
        opinions.append(_Opinion(RowVerdict.NOT_RUN, f"{len(missing)} items of {proof.scenario} did not run: {names}"))
    if not matching:
        opinions.append(_Opinion(RowVerdict.NOT_RUN, f"no run of {proof.scenario} is recorded"))
    return opinions


def _speaks_of(proof: Proof, run: Run) -> bool:
    if run.scenario is not None:
        return proof.matches(run.scenario)
    # An unreadable manifest must not hide: the folder's name still says which scenario it was.
    return fnmatch.fnmatchcase(run.folder.rsplit("/", 1)[-1], f"*{proof.scenario.rsplit('/', 1)[-1]}*")


def _opinion(proof: Proof, row: Row, run: Run, contract_sha256: str | None) -> _Opinion:
    verdict, why = _run_verdict(proof, row, run, contract_sha256)
    evidence = RowEvidence(
        folder=clean(run.folder, 400),
        item=clean(run.item, 200),
        scenario=clean(run.scenario or "", 200),
        verdict=verdict,
        reason=why,
        digest=_token(run.digest),
        commit=_token(run.commit),
        dirty=run.dirty,
        contract_sha256=_token(run.contract_sha256),
        started=_token(run.started),
    )
    return _Opinion(verdict, f"{clean(run.item, 120)}: {why}", evidence)


def _run_verdict(proof: Proof, row: Row, run: Run, contract_sha256: str | None) -> tuple[RowVerdict, str]:
    if run.problems or run.verdict is None:
        return RowVerdict.UNKNOWN, "; ".join(run.problems) or "verdict.json is missing"
    if "contract" in row.depends_on:
        if run.contract_sha256 is None:
            return RowVerdict.UNKNOWN, "the manifest does not say which contract ran"
        if contract_sha256 is not None and run.contract_sha256 != contract_sha256:
            return RowVerdict.STALE, f"made with another contract ({clean(run.contract_sha256[:12], 20)})"
    whole = run.verdict
    worst = whole.reasons[0] if whole.reasons else "no reason recorded"
    if whole.verdict is Verdict.FAIL:
        return RowVerdict.FAIL, clean(worst)
    checks = {check.check: check for check in whole.checks}
    failed = [name for name in proof.check if name in checks and checks[name].verdict is Verdict.FAIL]
    if failed:
        return RowVerdict.FAIL, f"{failed[0]} failed: {clean(checks[failed[0]].reason)}"
    if whole.verdict is not Verdict.PASS:
        return RowVerdict.UNKNOWN, f"the run is {whole.verdict}: {clean(worst)}"
    for name in proof.check:
        if name not in checks:
            return RowVerdict.UNKNOWN, f"{name} was not judged in this run"
        if checks[name].verdict is not Verdict.PASS:
            return RowVerdict.UNKNOWN, f"{name} is {checks[name].verdict}: {clean(checks[name].reason)}"
    return RowVerdict.PASS, f"passed, with {', '.join(proof.check)}" if proof.check else "passed"


def _mixed_contracts(row: Row, opinions: list[_Opinion], contract_sha256: str | None) -> list[_Opinion]:
    """Without a contract to compare with, the evidence of one row must at least be of one contract."""
    seen = {opinion.evidence.contract_sha256 for opinion in opinions if opinion.evidence} - {None}
    if contract_sha256 is not None or "contract" not in row.depends_on or len(seen) < 2:
        return []
    return [_Opinion(RowVerdict.UNKNOWN, f"the evidence is of {len(seen)} different contracts: say which one ships")]


def _reason(opinions: list[_Opinion], proofs: int) -> str:
    against = [opinion for grade in _SEVERITY[:-1] for opinion in opinions if opinion.verdict is grade]
    if not against:
        runs = len({opinion.evidence.folder for opinion in opinions if opinion.evidence})
        by = "one run" if runs == 1 else f"{runs} runs"
        return f"all {proofs} proofs shown by {by}" if proofs > 1 else f"shown by {by}"
    reasons = list(dict.fromkeys(opinion.reason for opinion in against))
    more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    return "; ".join(reasons[:3]) + more


def _token(value: str | None) -> str | None:
    return None if value is None else clean(value, 80)
