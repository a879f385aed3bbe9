"""What the recorded evidence amounts to for one row. Rows are earned: every proof is there, none speaks against it.

FAIL wins over INFEASIBLE over UNKNOWN over STALE over NOT RUN; only a row for which none of them holds is passed. Then
people are heard: an attestation settles what only a person can, and a waiver what is allowed to stay open.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence, Set
from dataclasses import replace

from lab.html.text import clean, plural, some
from lab.model.checks import check_name, name_checks
from lab.model.verdict import RowJudgement, RunVerdict, Verdict
from lab.report.catalogue.detections import can_fail
from lab.report.catalogue.library import library_scenarios
from lab.report.catalogue.rows import Proof, Row
from lab.report.evidence.attestations import Attestation, Statement
from lab.report.evidence.baseline import Baseline
from lab.report.evidence.runs import Run
from lab.report.records.row_result import Opinion, RowEvidence, RowResult
from lab.report.records.row_verdict import SETTLED, RowVerdict, worst

_WITHOUT_PROOF = {
    "live": (RowVerdict.LIVE, "needs a live network: {0}"),
    "attested": (RowVerdict.ATTESTATION_MISSING, "a person answers for it, and no attestation is on record: {0}"),
}
_NO_PROOF_OF_LIFE = (RowVerdict.PASS, RowVerdict.NOT_RUN, RowVerdict.STALE)


def judge(
    row: Row,
    runs: Sequence[Run],
    baseline: Baseline,
    *,
    figures: Sequence[Opinion] = (),
    statements: Sequence[Statement] = (),
    live: Sequence[Opinion] = (),
) -> RowResult:
    """`figures` are opinions of measurements; `statements` are those of this row, whether they count or not.

    `live` are what deployments on real networks show, which is the one way for a live row to pass.
    """
    opinions = list(figures)
    if row.measured_by and not opinions:
        opinions.append(Opinion(RowVerdict.NOT_RUN, f"no measurement is on record: run `{row.measured_by}`"))
    for proof in row.proofs:
        opinions += _opinions(proof, row, runs, baseline)
    opinions += _mixed_contracts(row, opinions, baseline.contract_sha256)
    if opinions:
        verdict = worst(opinion.verdict for opinion in opinions)
        reason = _reason(opinions, len(row.proofs))
        if verdict is RowVerdict.PASS and row.row_class == "lab-bounded":
            verdict = RowVerdict.LAB_PASS
    if row.row_class in _WITHOUT_PROOF and (not opinions or verdict in _NO_PROOF_OF_LIFE):
        # A dry run in the lab can show that such a row fails, never that it is done.
        dry_run = f"; in the lab: {reason}" if opinions else ""
        verdict, words = _WITHOUT_PROOF[row.row_class]
        reason = words.format(row.proof) + dry_run
        if live:
            verdict = worst(opinion.verdict for opinion in live)
            reason = "; ".join(opinion.reason for opinion in live) + dry_run
            opinions += live
    elif not opinions:
        verdict, reason = RowVerdict.NOT_RUN, f"no proof is bound to this row yet; planned: {row.proof}"
    verdict, reason, owner = _settled_by_people(row, verdict, reason, statements)
    evidence = tuple(opinion.evidence for opinion in opinions if opinion.evidence)
    return RowResult(
        **row.model_dump(exclude={"proof", "proofs", "owner", "live"}),
        owner=owner or row.owner,
        planned_proof=row.proof,
        proofs=row.proofs,
        verdict=verdict,
        reason=reason,
        evidence=evidence,
        missing=tuple(dict.fromkeys(name for opinion in opinions for name in opinion.missing)),
        can_fail=can_fail(row, (fault for shown in evidence for fault in shown.faults)),
        statements=tuple(statement.view for statement in statements),
    )


def _settled_by_people(
    row: Row, verdict: RowVerdict, reason: str, statements: Sequence[Statement]
) -> tuple[RowVerdict, str, str]:
    """Verdict, reason and owner once people were heard. Failing evidence is not attested away, only waived."""
    broken = [statement for statement in statements if statement.problem]
    if broken:
        names = "; ".join(
            f"{clean(statement.file, 80)} does not count: {statement.problem}" for statement in broken[:3]
        )
        reason = f"{reason}; {names}"
    attested = _lasting_longest("attestation", statements)
    if attested is not None and verdict in (RowVerdict.LIVE, RowVerdict.ATTESTATION_MISSING):
        silent = "contract" in row.depends_on and attested.contract_sha256 is None
        caveat = "; it does not say which contract it speaks of" if silent else ""
        words = (
            f"{clean(attested.owner, 80)} answers for it since {attested.date}, until {attested.expires}: "
            f"{clean(attested.document, 120)} (sha256 {attested.sha256[:12]}){caveat}"
        )
        return RowVerdict.ATTESTED, words, clean(attested.owner, 80)
    waiver = _lasting_longest("waiver", statements)
    if waiver is not None and verdict not in SETTLED:
        words = (
            f"waived by {clean(waiver.approver, 80)} until {waiver.expires}: {clean(waiver.reason, 300)}; "
            f"without the waiver it is {verdict}: {reason}"
        )
        return RowVerdict.WAIVED, words, clean(waiver.owner, 80)
    return verdict, reason, ""


def _lasting_longest(kind: str, statements: Sequence[Statement]) -> Attestation | None:
    """Of those that count."""
    valid = [said for statement in statements if not statement.problem and (said := statement.attestation) is not None]
    return max((said for said in valid if said.kind == kind), key=lambda said: said.expires, default=None)


def _opinions(proof: Proof, row: Row, runs: Iterable[Run], baseline: Baseline) -> list[Opinion]:
    speaking = [run for run in runs if _speaks_of(proof, run)]
    matching = speaking
    if "*" in proof.scenario:
        # Of many scenarios those count that the contract has the capabilities for.
        matching = [run for run in speaking if not _left_out(run)] or speaking
    opinions = [_opinion(proof, row, run, baseline) for run in matching]
    # Two files in two folders can have items of one name.
    recorded = {(run.made.scenario_file, run.item) for run in matching}
    family = {(run.made.scenario_file, item) for run in matching for item in run.made.scenario_items}
    opinions += _not_run("item", proof, {item for _, item in family - recorded})
    if "*" in proof.scenario and speaking:
        ran = {_without_suffix(run.made.scenario_file) for run in speaking if run.made.library != ""}
        missing = library_scenarios(proof) - ran
        unknown = _not_run("scenario", proof, missing)
        opinions += [replace(opinion, missing=tuple(sorted(missing))) for opinion in unknown]
    if not matching:
        needs = f"; it needs {proof.needs}" if proof.needs else ""
        opinions.append(Opinion(RowVerdict.NOT_RUN, f"no run of {proof.scenario} is recorded{needs}"))
    return opinions


def _without_suffix(file: str | None) -> str:
    return (file or "").rpartition(".")[0]


def _not_run(what: str, proof: Proof, missing: Set[str]) -> list[Opinion]:
    if not missing:
        return []
    names = some([clean(name, 80) for name in sorted(missing)], 3)
    return [Opinion(RowVerdict.NOT_RUN, f"{plural(len(missing), what)} of {proof.scenario} did not run: {names}")]


def _left_out(run: Run) -> bool:
    return run.verdict is not None and run.verdict.verdict is Verdict.NOT_EXERCISED and bool(run.verdict.lacks)


def _speaks_of(proof: Proof, run: Run) -> bool:
    stated = run.made.scenario_file
    if stated is not None and (run.manifest_is_whole or proof.matches(stated)):
        return proof.matches(stated)
    # An unreadable or changed manifest must not hide: the folder's name still says which scenario it was.
    return fnmatch.fnmatchcase(run.folder.rsplit("/", 1)[-1], f"*{proof.scenario.rsplit('/', 1)[-1]}*")


def _opinion(proof: Proof, row: Row, run: Run, baseline: Baseline) -> Opinion:
    verdict, why = _run_verdict(proof, row, run, baseline)
    evidence = RowEvidence(
        folder=clean(run.folder, 400),
        item=clean(run.item, 200),
        scenario=clean(run.made.scenario_file or "", 200),
        verdict=verdict,
        reason=why,
        digest=_token(run.made.history_digest),
        commit=_token(run.made.lab.commit),
        dirty=run.made.lab.dirty,
        contract_sha256=_token(run.made.contract.bytecode_sha256),
        started=_token(run.made.started),
        faults=run.faults,
        lacks=_lacks(row, run.verdict) if verdict is RowVerdict.UNKNOWN else (),
    )
    return Opinion(verdict, f"{clean(run.item, 120)}: {why}", evidence)


def _lacks(row: Row, verdict: RunVerdict | None) -> tuple[str, ...]:
    """The parts of the contract for want of which a run did not look at a row."""
    if verdict is None or (judged := verdict.of_row(row.id)).verdict is not Verdict.NOT_EXERCISED:
        return ()
    whole = verdict.verdict is Verdict.NOT_EXERCISED
    return tuple(clean(part, 160) for part in verdict.lacks if whole or any(part in why for why in judged.reasons))


def _run_verdict(proof: Proof, row: Row, run: Run, baseline: Baseline) -> tuple[RowVerdict, str]:
    """Damage takes a PASS away, and never a FAIL: nobody is to gain by it."""
    if run.manifest_is_whole and (another := baseline.made_of_another(run, row.depends_on)):
        return RowVerdict.STALE, "; ".join(another)
    failure = _failure(proof, row, run.verdict) or ("the run is FAIL" if run.problems and run.failed else "")
    if run.problems or run.verdict is None:
        doubt = "; ".join(run.problems) or "verdict.json is missing"
        return (RowVerdict.FAIL, f"{failure}; besides, {doubt}") if failure else (RowVerdict.UNKNOWN, doubt)
    if "contract" in row.depends_on and run.made.contract.bytecode_sha256 is None:
        return RowVerdict.UNKNOWN, "the manifest does not say which contract ran"
    outdated = baseline.outdated(run, row.depends_on)
    if outdated:
        return RowVerdict.STALE, "; ".join(outdated)
    if failure:
        return RowVerdict.FAIL, failure
    judged = run.verdict.of_row(row.id)
    if judged.verdict is not Verdict.PASS:
        return RowVerdict.UNKNOWN, f"the run is {judged.verdict}: {_first_reason(judged)}"
    if stranger := _stranger(proof, run):
        return RowVerdict.UNKNOWN, stranger
    return _of_named_checks(proof, run.verdict)


def _stranger(proof: Proof, run: Run) -> str:
    """Why a scenario that passed is not the lab's own one, which the proof names; empty where it is, or may be."""
    meant, library = library_scenarios(proof), run.made.library
    if "*" in proof.scenario or not meant or library is None or _without_suffix(library) in meant:
        return ""
    file, stem = clean(run.made.scenario_file or "", 200), proof.scenario.rpartition("/")[2]
    return f"{file} is not the lab's own scenario of that name: run `pytest --library -k {stem}`"


def _of_named_checks(proof: Proof, passed: RunVerdict) -> tuple[RowVerdict, str]:
    checks = {check.check: check for check in passed.checks}
    for name in proof.check:
        if name not in checks:
            return RowVerdict.UNKNOWN, f"{check_name(name)} was not judged in this run"
        check = checks[name]
        if check.verdict is not Verdict.PASS:
            return RowVerdict.UNKNOWN, f"{check_name(name)} is {check.verdict}: {clean(check.reason)}"
        if not check.judged:
            return RowVerdict.UNKNOWN, f"{check_name(name)} claims PASS and judged nothing"
    return RowVerdict.PASS, f"passed, with {', '.join(map(check_name, proof.check))}" if proof.check else "passed"


def _failure(proof: Proof, row: Row, verdict: RunVerdict | None) -> str:
    """Why what the run says of this row, or a check that the proof asks for, failed; empty where none did."""
    if verdict is None:
        return ""
    if (judged := verdict.of_row(row.id)).verdict is Verdict.FAIL:
        return _first_reason(judged)
    failed = (check for check in verdict.checks if check.check in proof.check and check.verdict is Verdict.FAIL)
    return next((f"{check_name(check.check)} failed: {clean(check.reason)}" for check in failed), "")


def _first_reason(judged: RowJudgement) -> str:
    return clean(name_checks(judged.reasons[0])) if judged.reasons else "no reason recorded"


def _mixed_contracts(row: Row, opinions: list[Opinion], contract_sha256: str | None) -> list[Opinion]:
    """Without a contract to compare with, the evidence of one row must at least be of one contract."""
    seen = {opinion.evidence.contract_sha256 for opinion in opinions if opinion.evidence} - {None}
    if contract_sha256 is not None or "contract" not in row.depends_on or len(seen) < 2:
        return []
    return [Opinion(RowVerdict.UNKNOWN, f"the evidence is of {len(seen)} different contracts: say which one ships")]


def _reason(opinions: list[Opinion], proofs: int) -> str:
    against = sorted(
        (opinion for opinion in opinions if opinion.verdict is not RowVerdict.PASS),
        key=lambda opinion: opinion.verdict.rank,
    )
    if not against:
        runs = len({opinion.evidence.folder for opinion in opinions if opinion.evidence})
        by = plural(runs, "run")
        measured = [opinion.reason for opinion in opinions if opinion.evidence is None or not opinion.evidence.scenario]
        shown = f"all {proofs} proofs shown by {by}" if proofs > 1 else f"shown by {by}"
        return "; ".join(dict.fromkeys(measured[:3])) or shown
    reasons = list(dict.fromkeys(opinion.reason for opinion in against))
    more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    return "; ".join(reasons[:3]) + more


def _token(value: str | None) -> str | None:
    return None if value is None else clean(value, 80)
