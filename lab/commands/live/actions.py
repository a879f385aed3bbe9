"""What the commands of `lab live` do, and what they print."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Any

from lab.commands.live.printing import format_costs, print_network, print_outcomes, print_plan
from lab.commands.live.record import move_aside, record
from lab.commands.live.terminal import ask_password, interruptible, notify, require_names
from lab.errors import LabError, UsageError
from lab.live.declaration.deployment_file import Deployment, Target, read_deployment
from lab.live.declaration.template import TEMPLATE
from lab.live.declaration.variables import connect, missing_variables, require_variables, variables_of
from lab.live.execution.deploy import deploy_all
from lab.live.execution.smoke import smoke_all, smoke_journal, smoke_read_only
from lab.live.execution.waiting import Waiting
from lab.live.journaling.journal import journal_path, locked
from lab.live.journaling.open import undertake
from lab.live.journaling.undertaking import Undertaking
from lab.live.planning.estimate import estimate_costs
from lab.live.planning.plan import NetworkPlan, make_plan
from lab.live.planning.steps import DEPLOY
from lab.live.results.evidence import collect, observe
from lab.live.results.monitored import events_seen
from lab.live.results.services import ask_services
from lab.live.results.session import deployed_at, describe, write_session
from lab.live.signers import Signer, declared_deployer, open_operator, open_signer
from lab.live.verify.everywhere import make_bundle, verify_everywhere
from lab.model.keystore import is_key_itself
from lab.model.live_evidence import EVIDENCE, LiveEvidence, NetworkEvidence


def init(path: Path) -> None:
    """Write a commented file. Raises UsageError where there is one already."""
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(TEMPLATE)
    except FileExistsError:
        raise UsageError(f"{path}: already exists and was kept: choose another path") from None
    print(f"wrote {path}: replace the marked values, then run `lab live plan {quote(str(path))}`")


def plan(path: Path, only: tuple[str, ...], *, as_json: bool) -> int:
    """Print what would be done; 1 if something is in the way."""
    deployment, targets = _read(path, only)
    require_variables(deployment, targets)
    work, signer = _open(deployment)
    plans = make_plan(work, targets, datetime.datetime.now(datetime.UTC).date())
    if as_json:
        print(json.dumps([asdict(one) for one in plans], indent=2))
    else:
        print_plan(plans, work, signer)
    return 1 if any(one.problems for one in plans) else 0


def deploy(path: Path, only: tuple[str, ...], *, broadcast: bool, confirmed: tuple[str, ...], results: Path) -> int:
    """Plan, ask, send; 1 if a network failed, 3 if something is left to be done by others."""
    deployment, targets = _read(path, only)
    require_variables(deployment, targets)
    with locked(journal_path(path)) if broadcast else nullcontext():
        work, signer = _open(deployment)
        plans = make_plan(work, targets, datetime.datetime.now(datetime.UTC).date())
        print_plan(plans, work, signer)
        if any(one.problems for one in plans):
            print("nothing was sent", file=sys.stderr)
            return 1
        if not broadcast:
            print("nothing was sent: add --broadcast to send")
            return 0
        require_names(targets, confirmed)
        with interruptible(work.journal.path):
            return _send(work, targets, signer, plans, results)


def _send(
    work: Undertaking, targets: tuple[Target, ...], signer: Signer, plans: Sequence[NetworkPlan], results: Path
) -> int:
    deployment = work.deployment
    # What the deployer had before it spent anything is evidence, too; a deployment that goes on keeps its first budget.
    costs = estimate_costs(deployment, plans)
    budgets = {cost.network: {"budget_wei": str(cost.budget)} for cost in costs if "deploy" in cost.steps}
    _write_evidence(work, targets, results, news=budgets)
    outcomes = deploy_all(work, targets, signer)
    print_outcomes(outcomes)
    _write_evidence(work, deployment.targets, results)
    if any(outcome.problem for outcome in outcomes):
        return max(outcome.problem.exit_code for outcome in outcomes if outcome.problem is not None)
    return 3 if any(outcome.open_ends for outcome in outcomes) else 0


def estimate(path: Path, only: tuple[str, ...], *, as_json: bool) -> int:
    """Print what a deployment costs now; 3 if a network could not be estimated. No key is asked for."""
    deployment, targets = _read(path, only)
    require_variables(deployment, targets)
    work = _open_to_read(deployment)
    plans = make_plan(work, targets, datetime.datetime.now(datetime.UTC).date())
    costs = estimate_costs(deployment, plans)
    print(json.dumps([asdict(cost) for cost in costs], indent=2) if as_json else format_costs(costs))
    return 3 if any(cost.problem for cost in costs) else 0


def status(path: Path, only: tuple[str, ...], results: Path, *, as_json: bool) -> int:
    """Read every network and compare; 0: as declared, 1: differs, 3: could not be read."""
    deployment, targets = _read(path, only)
    require_variables(deployment, targets)
    work = _open_to_read(deployment)
    created = {target.name: work.journal.last(target.name, DEPLOY, "final") for target in targets}
    places = {name: entry.address for name, entry in created.items() if entry is not None and entry.address is not None}
    asked = ask_services(deployment.file.services, places)
    evidence = _write_evidence(work, targets, results, news={name: {"services": said} for name, said in asked.items()})
    if as_json:
        print(evidence.model_dump_json(indent=2))
    else:
        for network in evidence.networks:
            print_network(network)
        print("operators that the file does not name: `lab ops drift` looks for them")
        print(f"evidence of kind {evidence.kind}: {folder_of(results, path) / EVIDENCE}")
    if any(network.problem for network in evidence.networks):
        return 3
    return 1 if any(network.differences for network in evidence.networks) else 0


def session(path: Path, only: tuple[str, ...], out: Path, key_file: Path | None) -> None:
    """Write the session file of a finished deployment."""
    keys = key_file or out.parent / "keys.json"
    if is_key_itself(keys):
        raise UsageError("--key-file: expected the file with the relayer's key, got a key itself: give its file's name")
    deployment, targets = _read(path, only)
    require_variables(deployment, targets)
    work = _open_to_read(deployment)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_session(describe(work, targets, keys, out.parent), out)
    print(f"wrote {out}, readable by you only: it contains endpoint URLs with their keys")
    if not keys.exists():
        print(f'the relayer\'s key is read from {keys}: {{"relayer": "0x..."}}, chmod 600')


def write_session_of(path: Path) -> Path:
    """The session file of a finished deployment for those who need no key, beside its evidence."""
    deployment = read_deployment(path)
    require_variables(deployment, deployment.targets)
    folder = folder_of(Path("results"), path)
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "session.json"
    work = _open_to_read(deployment)
    write_session(describe(work, deployment.targets, folder / "keys.json", folder), written)
    notify(f"{written} written, readable by you only: it holds the endpoints with their keys")
    return written


def verify(path: Path, only: tuple[str, ...], results: Path) -> int:
    """Verify at every explorer of the file; 0: all agree, 1: one says no, 3: one did not say."""
    deployment, targets = _read(path, only)
    require_variables(deployment, targets)
    work = _open_to_read(deployment)
    bundle = make_bundle(work)
    for target in targets:
        deployed_at(work, target)
    verifications = verify_everywhere(work, targets, bundle)
    for one in verifications:
        for what, verdict in one.shown().items():
            print(f"{one.network}: {what}: {verdict}")
    news = {one.network: {"verified": one.shown()} for one in verifications if one.problem is None}
    _write_evidence(work, targets, results, news=news)
    if all(one.succeeded for one in verifications):
        return 0
    refused = any(one.difference or any(v.result == "no match" for v in one.verdicts) for one in verifications)
    return 1 if refused else 3


def smoke(path: Path, only: tuple[str, ...], results: Path, *, confirmed: tuple[str, ...], read_only: bool) -> int:
    """Try the deployment; 0: as documented, 1: not, 3: unknown."""
    deployment, targets = _read(path, only)
    require_variables(deployment, targets)
    # The deployer signs none of it.
    work = _open_to_read(deployment)
    if read_only:
        trials = [smoke_read_only(work, target, deployed_at(work, target)) for target in targets]
    else:
        require_names(targets, confirmed)
        operator = open_operator(deployment, ask_password)
        journal = smoke_journal(path)
        with locked(journal), interruptible(journal, "another run begins anew"):
            trials = smoke_all(work, targets, operator, Waiting())
    for trial in trials:
        for part, outcome in trial.parts.items():
            print(f"{trial.network}: {part}: {outcome}")
    news: dict[str, dict[str, Any]] = {trial.network: {"smoke": trial.parts} for trial in trials}
    if not read_only:
        for target in targets:
            try:
                news[target.name]["events"] = events_seen(work, target)
            except LabError as error:
                notify(f"{target.name}: the monitor saw nothing: {error}")
    _write_evidence(work, targets, results, news=news)
    if all(trial.succeeded for trial in trials):
        return 0
    return 3 if all(trial.succeeded or trial.undecided for trial in trials) else 1


def check_variables(path: Path) -> int:
    """For `lab doctor --live`: names of what is missing; 4 if anything is."""
    deployment = read_deployment(path)
    missing = missing_variables(deployment, deployment.targets)
    for unset in missing:
        print(f"missing  {unset}")
    needed = sum(len(target.variables) for target in deployment.targets)
    print(
        f"{len(missing)} variables missing or malformed" if missing else f"ok       all variables of {needed} endpoints"
    )
    return 4 if missing else 0


def _read(path: Path, only: tuple[str, ...]) -> tuple[Deployment, tuple[Target, ...]]:
    deployment = read_deployment(path)
    return deployment, deployment.select(only)


def _open(deployment: Deployment) -> tuple[Undertaking, Signer]:
    signer = open_signer(deployment, ask_password)
    return undertake(deployment, signer.address.lower(), lambda target: connect(target, notify), notify), signer


def _open_to_read(deployment: Deployment) -> Undertaking:
    """For what signs nothing: the deployer's address is enough, and no password is asked for."""
    deployer = declared_deployer(deployment)
    if deployer is None:
        return _open(deployment)[0]
    return undertake(deployment, deployer, lambda target: connect(target, notify), notify)


def folder_of(results: Path, path: Path) -> Path:
    """Where results of a deployment file lie."""
    return results / "live" / path.stem


def _write_evidence(
    work: Undertaking,
    targets: Sequence[Target],
    results: Path,
    *,
    news: Mapping[str, dict[str, Any]] | None = None,
) -> LiveEvidence:
    """Read all targets anew; `news` are the fields of each that only this command knows."""
    folder = folder_of(results, work.deployment.path)
    earlier = _earlier(folder, work)
    fields = news or {}
    networks = tuple(
        observe(work, target, earlier.get(target.name)).model_copy(
            update={"variables": variables_of(work.deployment, target), **fields.get(target.name, {})}
        )
        for target in targets
    )
    asked = {network.network for network in networks}
    kept = tuple(network for name, network in earlier.items() if name not in asked)
    made = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    evidence = collect(work, (*networks, *kept), made=made)
    record(evidence, folder)
    return evidence


def _earlier(folder: Path, work: Undertaking) -> dict[str, NetworkEvidence]:
    """What is on record of this deployment. That of another contract or deployer says nothing of it: moved aside."""
    try:
        known = LiveEvidence.read(folder / EVIDENCE)
    except FileNotFoundError:
        return {}
    except OSError as error:
        notify(f"{error}; what was verified and smoked before is not kept: do it again")
        return {}
    if (known.bytecode_sha256, known.deployer) == (work.contract.bytecode_sha256, work.deployer):
        return {network.network: network for network in known.networks}
    what = "deployer" if known.bytecode_sha256 == work.contract.bytecode_sha256 else "contract"
    aside = move_aside(known, folder)
    notify(f"{folder / EVIDENCE} was of another {what}: it is kept as {aside / EVIDENCE}, and begun anew")
    return {}
