"""From a profile and chains to a plan: operators, gas, ceilings, signed transactions. No load is sent yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lab.coordinator import Account
from lab.coordinator.reads import ZERO_ID
from lab.errors import UsageError
from lab.load.prepare.capacity import Ceiling, operators_for, workers_for
from lab.load.prepare.estimates import FAR_TIMESTAMP, Estimates, call_data, neighbour
from lab.load.prepare.targets import Target, authorise
from lab.load.profile.profile import LoadProfile, Traffic, changed_profile
from lab.load.profile.shapes import AtCeiling
from lab.load.record.plan import LegFacts, Plan, PlannedLeg, PlannedSegment, SenderFile, Stream, write_urls
from lab.networks.profile import NetworkProfile
from lab.traffic.presign import Presigned, Progress, SignJob, presign, trim
from lab.traffic.schedule import Schedule
from lab.traffic.senders import load_account
from lab.traffic.signer import Template

# A call's gas differs by the zero bytes of its tx_id: 16 against 4 gas (40 against 10 at the calldata floor).
GAS_HEADROOM = 1.04
# The fee cap in multiples of the base fee at the start: full blocks raise it by an eighth each.
FEE_HEADROOM = 5_000
# A flow's timestamp lies this far behind its intended time, so that it is mined before it is due.
FLOW_LEAD_S = 4
FLOW_SIGNS_A_SECOND = 1_500
FLOW_START_S = 6.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with what is known of it beforehand. `profile` is the one that was resolved: rates are known in it."""

    profile: LoadProfile
    plan: Plan
    legs: tuple[LegFacts, ...]
    ceilings: dict[str, Ceiling]
    signing: Presigned
    operators: dict[str, int]


def check_operators(profile: LoadProfile, networks: Mapping[str, NetworkProfile], workers: int) -> None:
    """Raises UsageError before anything is started, if the profile has too few operators for its rate."""
    if profile.operators == "auto" or isinstance(profile.shape, AtCeiling):
        return
    peak = Schedule(profile.shape.segments()).peak_tps
    for chain, network in networks.items():
        for entry in profile.traffic:
            share = profile.entry_share(entry) * profile.chain_share(chain)
            operators_for(
                profile.operators // len(profile.traffic),
                peak * share,
                network.block_time_ms,
                chain=chain,
                workers=workers,
            )


def prepare(
    profile: LoadProfile,
    targets: Mapping[str, Target],
    owner: Account,
    *,
    run_id: str,
    folder: Path,
    cache: Path,
    progress: Progress | None = None,
    notify: Callable[[str], None] = print,
) -> Prepared:
    """Estimate, authorise, sign, and write the plan. Raises a LabError."""
    gas = Estimates(targets, owner)
    ceilings = {name: gas.ceiling(name, profile) for name in targets}
    if isinstance(profile.shape, AtCeiling):
        tps = {name: ceiling.tps for name, ceiling in ceilings.items()}
        weighted = {name: use.changed(weight=tps[name] / max(tps.values())) for name, use in profile.networks.items()}
        profile = changed_profile(profile, shape=profile.shape.at(sum(tps.values())), networks=weighted)
    schedule = Schedule(profile.shape.segments())
    try:
        profile.require_one_run(schedule.arrivals)
    except ValueError as error:
        raise UsageError(str(error)) from error
    count = workers_for(profile.workers, schedule.peak_tps)
    builder = _Builder(profile, dict(targets), schedule, run_id, count, gas)
    builder.lay_out()
    for name, operators in builder.sender_count.items():
        notify(f"{name}: {operators} operators; {ceilings[name]}")
        authorise(targets[name], owner, [load_account(index) for index in range(operators)])
    builder.describe_legs()
    starts_at = builder.sign_jobs()
    signing = presign([job for _, job in builder.jobs], cache, progress=progress)
    trim(cache, keep=signing.files)
    plan = Plan(
        run_id=run_id,
        folder=str(folder.absolute()),
        workers=count,
        segments=tuple(
            PlannedSegment(seconds=s.seconds, from_tps=s.from_tps, to_tps=s.to_tps) for s in schedule.segments
        ),
        streams=builder.streams(signing.files),
        starts_at=starts_at,
    )
    write_urls(folder, {name: target.url for name, target in targets.items()})
    plan.write()
    return Prepared(profile, plan, tuple(builder.facts), ceilings, signing, dict(builder.sender_count))


@dataclass(frozen=True, slots=True)
class _Part:
    """One stream before it is signed: a traffic entry on one chain, or on a pair of them."""

    traffic: Traffic
    chains: tuple[str, ...]
    share: float
    first_sender: int
    senders: int

    @property
    def name(self) -> str:
        return f"{self.traffic.label} {'>'.join(self.chains)}"


class _Builder:
    def __init__(
        self,
        profile: LoadProfile,
        targets: dict[str, Target],
        schedule: Schedule,
        run_id: str,
        workers: int,
        gas: Estimates,
    ) -> None:
        self.profile, self.targets, self.schedule, self.workers = profile, targets, schedule, workers
        self.run_id, self.gas = run_id, gas
        self.parts: list[_Part] = []
        self.sender_count: dict[str, int] = dict.fromkeys(targets, 0)
        self.facts: list[LegFacts] = []
        self.jobs: list[tuple[int, SignJob]] = []

    def lay_out(self) -> None:
        """Senders by traffic entry: no two entries share one on the same chain."""
        first = 0
        for traffic in self.profile.traffic:
            streams = [
                (chains, self.profile.entry_share(traffic) * self.profile.chain_share(chains[0]))
                for chains in self._chains_of(traffic)
            ]
            most = max(self._operators(traffic, chains, share) for chains, share in streams)
            # Two flows may meet on a chain, one as origin and one as destination: each has senders of its own.
            for position, (chains, share) in enumerate(streams):
                start = first + (position * most if traffic.kind == "flow" else 0)
                self.parts.append(_Part(traffic, chains, share, start, most))
                for chain in chains:
                    self.sender_count[chain] = max(self.sender_count[chain], start + most)
            first = max(part.first_sender + part.senders for part in self.parts)

    def describe_legs(self) -> None:
        """Number the legs and set their gas limits."""
        for part in self.parts:
            for position, chain in enumerate(part.chains):
                other = self._other(part, position)
                gas = self.gas.gas(chain, other, part.traffic.payload, child=position == 1)
                self.facts.append(
                    LegFacts(
                        number=len(self.facts),
                        stream=part.name,
                        kind=part.traffic.kind,
                        chain=chain,
                        other=other,
                        label=f"{part.traffic.label}{_leg_suffix(part, position)}",
                        payload=part.traffic.payload,
                        gas_estimate=gas,
                        gas_limit=int(gas * GAS_HEADROOM),
                        salt=self._salt(part, position),
                        role=_role(part, position),
                    )
                )

    def sign_jobs(self) -> float | None:
        """One job for each sender and leg. With flows the start is fixed now, as their timestamps depend on it."""
        flows = self.profile.has_flows
        total = self.schedule.arrivals * 2
        starts_at = time.time() + FLOW_START_S + total / FLOW_SIGNS_A_SECOND if flows else None
        for part in self.parts:
            for position, chain in enumerate(part.chains):
                fact = next(f for f in self.facts if f.stream == part.name and f.chain == chain)
                self.jobs += [(fact.number, job) for job in self._leg_jobs(part, position, fact, starts_at)]
        return starts_at

    def streams(self, files: Sequence[Path]) -> tuple[Stream, ...]:
        """The plan's streams, with each leg's files."""
        by_leg: dict[int, list[SenderFile]] = {}
        for (number, job), path in zip(self.jobs, files, strict=True):
            by_leg.setdefault(number, []).append(
                SenderFile(sender=job.sender, path=str(path), first_nonce=job.first_nonce, count=job.count)
            )
        return tuple(
            Stream(
                name=part.name,
                share=part.share,
                legs=tuple(
                    PlannedLeg(number=f.number, chain=f.chain, label=f.label, senders=tuple(by_leg[f.number]))
                    for f in self.facts
                    if f.stream == part.name
                ),
            )
            for part in self.parts
        )

    def _chains_of(self, traffic: Traffic) -> list[tuple[str, ...]]:
        names = list(self.targets)
        if traffic.kind == "buffer":
            return [(name,) for name in names]
        # Each network is origin once and destination once.
        return [(name, names[(i + 1) % len(names)]) for i, name in enumerate(names)]

    def _operators(self, traffic: Traffic, chains: tuple[str, ...], share: float) -> int:
        peak = self.schedule.peak_tps * share
        requested = self.profile.operators
        if requested != "auto":
            requested = requested // len(self.profile.traffic)
        slowest = max(self.targets[chain].block_time_ms for chain in chains)
        return operators_for(requested, peak, slowest, chain="/".join(chains), workers=self.workers)

    def _leg_jobs(self, part: _Part, position: int, fact: LegFacts, starts_at: float | None) -> list[SignJob]:
        target = self.targets[fact.chain]
        # As the plan has it, once its streams are there.
        own = self.schedule.part(part.share, self.parts.index(part), len(self.parts))
        fees = target.fees(FEE_HEADROOM)
        flow = part.traffic.kind == "flow"
        word_at = partial(target.codec.word_at, "buffer_transaction")
        template = Template(
            chain_id=target.chain_id,
            to=target.contract,
            gas=fact.gas_limit,
            max_fee_per_gas=fees.max_fee_per_gas,
            max_priority_fee_per_gas=fees.max_priority_fee_per_gas,
            data=call_data(
                self.targets,
                fact.chain,
                fact.other,
                part.traffic.payload,
                ZERO_ID,
                0 if flow else FAR_TIMESTAMP,
                ZERO_ID,
            ),
            tx_id_at=word_at("tx_id"),
            dependency_at=word_at("dependency_tx_id") if flow and position == 1 else None,
            timestamp_at=word_at("timestamp") if flow else None,
        )
        senders = range(part.first_sender, part.first_sender + part.senders)
        nonces = [target.rpc.nonce(load_account(sender).address) for sender in senders]
        jobs = []
        for place, (sender, nonce) in enumerate(zip(senders, nonces, strict=True)):
            # What is dropped takes no transaction, so that a whole round more than the arrivals is never needed.
            count = -(-(own.arrivals - place) // part.senders) if own.arrivals > place else 0
            times = (
                tuple(int((starts_at or 0) + own.time_of(place + i * part.senders)) + FLOW_LEAD_S for i in range(count))
                if flow
                else ()
            )
            jobs.append(
                SignJob(
                    template,
                    fact.salt,
                    sender,
                    nonce,
                    count,
                    dependency_salt=self._salt(part, 0) if flow and position == 1 else None,
                    timestamps=times,
                    from_zero=flow,
                )
            )
        return jobs

    def _other(self, part: _Part, position: int) -> str:
        if len(part.chains) == 2:
            return part.chains[1 - position]
        return neighbour(self.targets, part.chains[0])

    def _salt(self, part: _Part, position: int) -> str:
        """Constant for buffering, so that signed files are found again; a flow's ids belong to its run."""
        if part.traffic.kind == "buffer":
            return f"buffer/{part.chains[0]}"
        return f"{self.run_id}/{'>'.join(part.chains)}/{position}"


def _role(part: _Part, position: int) -> str:
    return "only" if len(part.chains) == 1 else ("origin", "destination")[position]


def _leg_suffix(part: _Part, position: int) -> str:
    return "" if len(part.chains) == 1 else (" origin", " destination")[position]
