"""What deployments on real networks show of the rows that need one; a rehearsal is shown, and never counts as PASS."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lab.html.text import clean
from lab.model.live_evidence import EVIDENCE, STUCK_S, NetworkEvidence, is_unknown
from lab.report.catalogue.rows import LiveProof, Row
from lab.report.evidence.baseline import Baseline
from lab.report.evidence.deployments import PAGE, Deployment, Deployments, LostDeployment
from lab.report.records.row_result import Opinion, RowEvidence
from lab.report.records.row_verdict import RowVerdict

# Whether it is shown, None where that is unknown; and in words.
Shown = tuple[bool | None, str]
GOOD = ("exact", "match")
EVENTS = ("TransactionBuffered", "TransactionReady", "TransactionFailed")
GUARD = "a stranger may not"


def deployment_opinions(row: Row, deployments: Deployments, baseline: Baseline) -> list[Opinion]:
    """What the newest evidence of each network that the row asks for says; none where there is none of any.

    What is lost does not count, and what it failed stays failed.
    """
    proof = row.live
    if proof is None:
        return []
    opinions, missing = list[Opinion](), []
    for name in proof.networks:
        said = list(_of_network(name, row, proof, deployments, baseline))
        opinions += said
        missing += [] if said else [name]
    if opinions and missing:
        opinions.append(Opinion(RowVerdict.LIVE, f"no deployment on record for {', '.join(missing)}"))
    return opinions


def _of_network(
    name: str, row: Row, proof: LiveProof, deployments: Deployments, baseline: Baseline
) -> Iterable[Opinion]:
    there = [one for one in deployments if isinstance(one, Deployment)]
    seen = [(one, network) for one in there for network in one.evidence.networks if network.profile == name]
    live = [pair for pair in seen if pair[1].kind == "live" and pair[0].evidence.kind == "live"]
    made = _newest(live)[0].evidence.made if live else ""
    # What nobody knows the time of may be the newest, and may not.
    lost = [
        one
        for one in deployments
        if isinstance(one, LostDeployment) and one.concerns(name) and (not one.made or one.made >= made)
    ]
    yield from (_lost(row, proof, name, one) for one in lost)
    if live and not any(one.made for one in lost):
        yield _opinion(row, proof, *_newest(live), baseline)
    elif seen and not live and not lost:
        yield _rehearsed(proof, *_newest(seen))


def _lost(row: Row, proof: LiveProof, network: str, lost: LostDeployment) -> Opinion:
    failed = lost.failed.get(network, {}).get(row.id)
    if (showed := lost.showed.get(network)) is not None:
        verdict, words = _verdict(proof, showed)
        failed = f"{showed.title}: {words}" if verdict is RowVerdict.FAIL else None
    verdict = RowVerdict.UNKNOWN if failed is None else RowVerdict.FAIL
    words = lost.problem if failed is None else f"{clean(failed, 400)}; besides, {lost.problem}"
    shown = RowEvidence(
        folder=clean(lost.folder, 400),
        item=clean(network, 80),
        scenario="",
        verdict=verdict,
        reason=words,
        digest=None,
        commit=None,
        dirty=None,
        contract_sha256=None,
        started=clean(lost.made, 80) or None,
        files=(EVIDENCE,),
    )
    return Opinion(verdict, words if failed is not None else f"{clean(network, 80)}: {words}", shown)


def _verdict(proof: LiveProof, network: NetworkEvidence) -> tuple[RowVerdict, str]:
    done, words = _shown(proof, network)
    if done is None or (network.problem is not None and not done):
        return RowVerdict.UNKNOWN, words
    return (RowVerdict.PASS if done else RowVerdict.FAIL), words


def _newest(pairs: Iterable[tuple[Deployment, NetworkEvidence]]) -> tuple[Deployment, NetworkEvidence]:
    return max(pairs, key=lambda pair: pair[0].evidence.made)


def _rehearsed(proof: LiveProof, deployment: Deployment, network: NetworkEvidence) -> Opinion:
    """It shows that the procedure works, or that it does not; the row stays as it is."""
    done, words = _shown(proof, network)
    state = {True: "REHEARSED", False: "rehearsed, and it failed", None: "rehearsed, and it was not decided"}[done]
    return Opinion(RowVerdict.LIVE, f"{network.title}: {state} {deployment.evidence.made[:10]}: {words}")


def _opinion(
    row: Row, proof: LiveProof, deployment: Deployment, network: NetworkEvidence, baseline: Baseline
) -> Opinion:
    verdict, words = _verdict(proof, network)
    evidence = deployment.evidence
    expected = baseline.contract_sha256
    if "contract" in row.depends_on and expected is not None and evidence.bytecode_sha256 != expected:
        verdict, words = RowVerdict.STALE, f"{words}; the deployment is of another contract"
    shown = RowEvidence(
        folder=clean(deployment.folder, 400),
        item=network.title,
        scenario="",
        verdict=verdict,
        reason=words,
        digest=evidence.digest,
        commit=clean(evidence.commit, 80) or None,
        dirty=None,
        contract_sha256=evidence.bytecode_sha256,
        started=clean(evidence.made, 80),
        files=(EVIDENCE, PAGE),
    )
    return Opinion(verdict, f"{network.title}: {words}", shown)


def _shown(proof: LiveProof, network: NetworkEvidence) -> Shown:
    for aspect in proof.shows:
        done, words = _ASPECTS[aspect](proof, network)
        if not done:
            return done, words
    return True, words


def _judged(outcomes: Iterable[str], good: bool) -> bool | None:
    """None where nothing speaks against it but what could not be tried."""
    return good or (None if (bad := list(outcomes)) and all(map(is_unknown, bad)) else False)


def _funded(proof: LiveProof, network: NetworkEvidence) -> Shown:
    had = int(network.funded_wei) / 10**18
    return had >= proof.balance_min, f"the deployer had {had:.4g} of the {proof.balance_min:g} asked for"


def _reached(proof: LiveProof, network: NetworkEvidence) -> Shown:
    return network.endpoints_agree >= 1, f"{network.endpoints_agree} endpoints of chain {network.chain_id} agree"


def _deployed(proof: LiveProof, network: NetworkEvidence) -> Shown:
    if network.problem is not None or not network.address:
        return False, clean(network.problem or "nothing is deployed there", 300)
    if network.differences:
        return False, f"not as declared: {clean('; '.join(network.differences), 300)}"
    last = network.transactions[-1] if network.transactions else None
    return last is not None, f"{network.address}, {len(network.transactions)} steps in final blocks"


def _verified(proof: LiveProof, network: NetworkEvidence) -> Shown:
    said = ", ".join(f"{explorer} {clean(verdict, 100)}" for explorer, verdict in network.verified.items())
    bad = [verdict for verdict in network.verified.values() if not verdict.startswith(GOOD)]
    return _judged(bad, bool(network.verified) and not bad), said or "not verified at any explorer"


def _smoked(proof: LiveProof, network: NetworkEvidence) -> Shown:
    bad = {part: outcome for part, outcome in network.smoke.items() if outcome != "ok"}
    if bad:
        words = "; ".join(f"smoke run, {part}: {clean(outcome, 200)}" for part, outcome in bad.items())
        return _judged(bad.values(), good=False), words
    return bool(network.smoke), f"smoke run: {', '.join(network.smoke) or 'none on record'}"


def _budgeted(proof: LiveProof, network: NetworkEvidence) -> Shown:
    had, budget = int(network.funded_wei) / 10**18, int(network.budget_wei) / 10**18
    return 0 < budget <= had, f"the deployer had {had:.6g}, the estimate with its margin was {budget:.6g}"


def _monitored(proof: LiveProof, network: NetworkEvidence) -> Shown:
    missing = [event for event in EVENTS if not network.events.get(event)]
    counts = ", ".join(f"{clean(event, 60)} {count}" for event, count in network.events.items())
    return not missing, f"the monitor saw {counts or 'no event'}{f', not {missing[0]}' if missing else ''}"


def _configured(proof: LiveProof, network: NetworkEvidence) -> Shown:
    names = ", ".join(clean(name, 100) for name in network.variables)
    return bool(names), f"variables, by name: {names or 'none on record'}"


def _guarded(proof: LiveProof, network: NetworkEvidence) -> Shown:
    said = network.smoke.get(GUARD)
    return _judged(
        [said] if said else [], said == "ok"
    ), f"read-only smoke run, {GUARD}: {clean(said or 'not on record', 200)}"


def _performed(proof: LiveProof, network: NetworkEvidence) -> Shown:
    waits = [one.waited_s for one in network.transactions if one.waited_s is not None]
    if not waits:
        return False, "no step on record whose time from sending to its block is known"
    words = f"{len(waits)} steps in a block within {max(waits):.1f} s, {network.reverted} reverted"
    words += f", {network.nonces_lost} sent again, as something else took the nonce" if network.nonces_lost else ""
    return max(waits) <= STUCK_S and network.reverted == 0, f"{words} (expected: {STUCK_S:g} s, none)"


def _service(name: str) -> Callable[[LiveProof, NetworkEvidence], Shown]:
    def shown(proof: LiveProof, network: NetworkEvidence) -> Shown:
        said = network.services.get(name)
        return said == "ok", f"{name}: {clean(said or 'not asked: declare it below services', 300)}"

    return shown


_ASPECTS: dict[str, Callable[[LiveProof, NetworkEvidence], Shown]] = {
    "funded": _funded,
    "reached": _reached,
    "deployed": _deployed,
    "verified": _verified,
    "smoked": _smoked,
    "budgeted": _budgeted,
    "monitored": _monitored,
    "configured": _configured,
    "guarded": _guarded,
    "performed": _performed,
    "watched": _service("exporter"),
    "published": _service("documents"),
}
