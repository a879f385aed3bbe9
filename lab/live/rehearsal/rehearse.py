"""Runs a deployment file from end to end on local chains: the same code, with the network, signers and explorers faked.

Chains have the ids of the real ones and faster blocks. Each has two endpoints that fail now and then, its command ends
once at a line of the journal, and a reorg takes the contract's block. The deployer is a key that lives as long as the
rehearsal, held by a signer of the declared kind, and stands wherever the file names its deployer; who declares
operators whose keys the lab cannot have sees the smoke run made by an operator of the rehearsal's own.
"""

from __future__ import annotations

import datetime
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lab.chains.nodes.backend import Backend
from lab.coordinator import Account
from lab.deploy.deployer import Deployable
from lab.errors import LabError
from lab.live.declaration.deployment_file import Deployment, Explorer, Target
from lab.live.declaration.variables import Connection, connect
from lab.live.execution.deploy import Outcome, deploy_all
from lab.live.execution.smoke import SmokeResult, smoke_all, smoke_journal
from lab.live.execution.waiting import Waiting
from lab.live.explorer.faults import ExplorerFaults
from lab.live.explorer.server import open_explorer
from lab.live.journaling.journal import Header, open_journal
from lab.live.journaling.open import created_on_network
from lab.live.journaling.undertaking import Undertaking
from lab.live.planning.estimate import estimate_costs
from lab.live.planning.plan import NetworkPlan, make_plan
from lab.live.rehearsal.endpoint import FAULTS, FaultyEndpoint, faulty_endpoint
from lab.live.rehearsal.mishaps import Interrupted, Mishaps, RehearsedJournal
from lab.live.rehearsal.signing import stand_in
from lab.live.results.evidence import collect, observe
from lab.live.results.monitored import events_seen
from lab.live.signers import Signer, declared_deployer
from lab.live.verify.client import Pace
from lab.live.verify.everywhere import NetworkVerification, make_bundle, verify_everywhere, without_source
from lab.model.chain.finality import Finality
from lab.model.live_evidence import LiveEvidence
from lab.secp256k1 import address_of
from lab.session.load_chains.interval import IntervalChain, open_interval_chains

BLOCK_MS = 250
FUNDS_WEI = 10**21
FAULT_SHARE = 0.1
FINALITY_BLOCKS = 3
SEED = 1
WINDOW_S = 5
PACE = Pace(first_s=0.2, max_s=1.0, deadline_s=120.0)
WAITING = Waiting(look_s=0.2, stuck_s=6.0, deadline_s=240.0)

Notify = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How it went: the evidence, and what each step said. `requests` and `faults` are those of the endpoints.

    With a plan that has problems nothing was deployed, and no mishap happened.
    """

    evidence: LiveEvidence
    plans: tuple[NetworkPlan, ...]
    outcomes: tuple[Outcome, ...]
    verifications: tuple[NetworkVerification, ...]
    smokes: tuple[SmokeResult, ...]
    requests: int
    faults: dict[str, int]
    mishaps: Mishaps | None = None

    @property
    def succeeded(self) -> bool:
        """Whether everything went as it should."""
        parts: Sequence[bool] = (
            *(not plan.problems for plan in self.plans),
            *(outcome.problem is None for outcome in self.outcomes),
            *(one.succeeded for one in self.verifications),
            *(one.succeeded for one in self.smokes),
        )
        return all(parts)


@dataclass(frozen=True, slots=True)
class Actors:
    """An operator of the rehearsal's own, and whom it plays: declared address -> its own."""

    operator: str
    played: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stage:
    """Local chains behind faulty endpoints, with an explorer: what stands in for the world."""

    targets: tuple[Target, ...]
    endpoints: tuple[FaultyEndpoint, ...]
    variables: Mapping[str, str]
    chains: Mapping[str, IntervalChain]


def rehearse(
    deployment: Deployment, contract: Deployable, backend: Backend, folder: Path, run_id: str, notify: Notify
) -> Rehearsal:
    """Everything in order: plan, deploy, verify, smoke, read. Raises LabError where no chain can be started."""
    deployer, operator = _account("deployer"), _account("operator")
    roles = {declared: deployer.address for declared in (declared_deployer(deployment),) if declared is not None}
    declared = deployment.file
    with (
        open_stage(deployment, backend, folder, run_id, Actors(operator.address, roles)) as stage,
        stand_in(declared.deployer, deployer, folder) as deploys,
        stand_in(declared.operator or declared.deployer, operator, folder) as tries,
    ):
        for chain in stage.chains.values():
            for address in (deployer.address, operator.address):
                chain.rpc.call("anvil_setBalance", address, hex(FUNDS_WEI))
        work = _undertaking(deployment, contract, deployer, stage, folder, notify)
        plans = tuple(make_plan(work, stage.targets, datetime.datetime.now(datetime.UTC).date()))
        if any(plan.problems for plan in plans):
            return Rehearsal(_evidence(work, stage.targets, (), (), plans), plans, (), (), (), *_met(stage))
        mishaps = Mishaps({name: chain.url.reveal() for name, chain in stage.chains.items()}, seed=SEED)
        work, outcomes = _deployed(work, stage.targets, deploys, mishaps)
        reached = tuple(
            target for target, outcome in zip(stage.targets, outcomes, strict=True) if outcome.problem is None
        )
        verifications = _verified(work, reached, stage.variables)
        smokes = tuple(smoke_all(work, reached, tries, WAITING))
        evidence = _evidence(work, stage.targets, verifications, smokes, plans)
        return Rehearsal(evidence, plans, tuple(outcomes), verifications, smokes, *_met(stage), mishaps)


def _deployed(
    work: Undertaking, targets: tuple[Target, ...], signer: Signer, mishaps: Mishaps
) -> tuple[Undertaking, list[Outcome]]:
    """One command for each end that it meets; what the last one goes by, and how it ended."""
    path, header = work.journal.path, Header(contract=work.contract.bytecode_sha256, deployer=work.deployer)
    while True:
        # Each command knows what stands on the disk, and no more.
        work = replace(work, journal=RehearsedJournal(open_journal(path, header), mishaps))
        outcomes = deploy_all(work, targets, signer, WAITING)
        ended = [one.problem for one in outcomes if isinstance(one.problem, Interrupted)]
        if not ended:
            return work, outcomes
        for problem in ended:
            work.notify(str(problem))


def _met(stage: Stage) -> tuple[int, dict[str, int]]:
    """How many requests the endpoints had, and how many met which fault."""
    faults = {kind: sum(endpoint.met[kind] for endpoint in stage.endpoints) for kind in FAULTS}
    return sum(endpoint.requests for endpoint in stage.endpoints), faults


@contextmanager
def open_stage(deployment: Deployment, backend: Backend, folder: Path, run_id: str, actors: Actors) -> Iterator[Stage]:
    """Start chains, endpoints and the explorer; stop them all at the end."""
    profiles = {
        target.name: target.profile.model_copy(update={"block_time_ms": BLOCK_MS, "jitter_ms": 0})
        for target in deployment.targets
    }
    with ExitStack() as stack:
        chains = stack.enter_context(
            open_interval_chains(profiles, backend, run_id=run_id, folder=folder, genesis_time=int(time.time()))
        )
        variables: dict[str, str] = {"REHEARSAL_KEY": "rehearsal"}
        endpoints, urls = [], {}
        for number, target in enumerate(deployment.targets):
            node = chains[target.name].url.reveal()
            urls[target.profile.chain_id] = node
            for place in (0, 1):
                seed = 2 * number + place
                endpoint = stack.enter_context(faulty_endpoint(node, share=FAULT_SHARE, seed=seed))
                endpoints.append(endpoint)
                variables[f"REHEARSAL_{number}_{place}"] = endpoint.url
        explorer = stack.enter_context(open_explorer(urls, ExplorerFaults(pending=3, busy=1, broken=1, not_indexed=1)))
        targets = tuple(_local(target, number, explorer, actors) for number, target in enumerate(deployment.targets))
        yield Stage(targets, tuple(endpoints), variables, chains)


def _local(target: Target, number: int, explorer: str, actors: Actors) -> Target:
    """The target with local endpoints, the rehearsal's explorer in the dialects that it declares, one more operator."""
    addresses = {
        "sourcify": f"{explorer}/sourcify",
        "etherscan": f"{explorer}/etherscan/v2/api",
        "blockscout": f"{explorer}/blockscout/{target.profile.chain_id}",
    }
    explorers = tuple(
        Explorer(kind=given.kind, url=addresses[given.kind], key="env:REHEARSAL_KEY") for given in target.explorers
    )
    profile = target.profile.model_copy(update={"block_time_ms": BLOCK_MS, "jitter_ms": 0})
    return target.model_copy(
        update={
            "profile": profile,
            "variables": (f"REHEARSAL_{number}_0", f"REHEARSAL_{number}_1"),
            "explorers": explorers,
            "max_fee_gwei": None,
            "finality": Finality(blocks=FINALITY_BLOCKS),
            "owner": actors.played.get(target.owner, target.owner),
            # No Safe stands on the rehearsal's chains.
            "safe": None,
            "operators": (*(actors.played.get(one, one) for one in target.operators), actors.operator),
        }
    )


def _account(role: str) -> Account:
    key = secrets.token_bytes(32)
    return Account(role, address_of(key), key)


def _undertaking(
    deployment: Deployment, contract: Deployable, deployer: Account, stage: Stage, folder: Path, notify: Notify
) -> Undertaking:
    file = deployment.file.model_copy(
        update={"settings": deployment.file.settings.model_copy(update={"coordination_window": WINDOW_S})}
    )
    # Journals of a rehearsal lie in its own folder, as if the file did.
    local = Deployment(replace(deployment.source, file=folder / deployment.path.name), file, stage.targets)
    smoke_journal(local.path).unlink(missing_ok=True)
    path = folder / f"{local.path.stem}.journal.jsonl"
    path.unlink(missing_ok=True)
    contract = created_on_network(contract, deployment, deployer.address)
    journal = open_journal(path, Header(contract=contract.contract.bytecode_sha256, deployer=deployer.address))

    def open_connection(target: Target) -> Connection:
        return connect(target, notify, stage.variables)

    return Undertaking(local, contract.contract, contract.codec, deployer.address, journal, open_connection, notify)


def _verified(
    work: Undertaking, targets: tuple[Target, ...], variables: Mapping[str, str]
) -> tuple[NetworkVerification, ...]:
    if without_source(work.contract) is not None:
        return ()
    return tuple(verify_everywhere(work, targets, make_bundle(work), pace=PACE, variables=variables))


def _evidence(
    work: Undertaking,
    targets: tuple[Target, ...],
    verifications: tuple[NetworkVerification, ...],
    smokes: tuple[SmokeResult, ...],
    plans: tuple[NetworkPlan, ...],
) -> LiveEvidence:
    verdicts = {one.network: one for one in verifications}
    budgets = {cost.network: str(cost.budget) for cost in estimate_costs(work.deployment, plans)}
    trials = {one.network: one for one in smokes}
    networks = []
    for target in targets:
        seen = observe(work, target)
        verified, trial = verdicts.get(target.name), trials.get(target.name)
        networks.append(
            seen.model_copy(
                update={
                    "verified": verified.shown() if verified else {},
                    "smoke": dict(trial.parts) if trial else {},
                    "budget_wei": budgets[target.name],
                    "variables": target.variables,
                    "events": _events(work, target) if trial else {},
                }
            )
        )
    made = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    return collect(work, tuple(networks), made=made, forced="rehearsal")


def _events(work: Undertaking, target: Target) -> dict[str, int]:
    try:
        return events_seen(work, target)
    except LabError as error:
        work.notify(f"{target.name}: the monitor saw nothing: {error}")
        return {}
