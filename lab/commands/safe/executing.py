"""What `lab safe status` and `execute` do."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address

from lab.commands.live.terminal import notify, require_names
from lab.commands.safe.signing import SignerOptions, ask
from lab.live.declaration.deployment_file import Deployment, Target, read_deployment
from lab.live.declaration.variables import connect, require_variables
from lab.live.execution.safe_execution import SafeDesk, SafeExecutions, safe_journal
from lab.live.execution.waiting import Waiting
from lab.live.signers import open_signer
from lab.safe.account import SafeExecution, SafeReader
from lab.safe.proposal import Proposal, ProposalRefused, merge_proposals, read_proposal
from lab.safe.standing import Standing, call_data, read_standing, require_ready, simulate


def status(paths: Sequence[Path], file: Path, *, as_json: bool) -> int:
    """Print where proposals stand; 0: all carried out, 1: one cannot be, 3: one is not yet."""
    deployment, proposals = read_deployment(file), _read(paths)
    targets = [_target(deployment, proposal) for proposal in proposals]
    require_variables(deployment, _distinct(targets))
    standings = [
        read_standing(proposal, SafeReader(connect(target, notify).rpc, proposal.safe))
        for proposal, target in zip(proposals, targets, strict=True)
    ]
    if as_json:
        print(json.dumps([standing.document() for standing in standings], indent=2))
    else:
        for standing in standings:
            print(_described(standing))
    return max(map(_exit_code, standings))


@dataclass(frozen=True, slots=True)
class Execution:
    """How: `confirmed` are the names of mainnets to send to."""

    broadcast: bool
    confirmed: tuple[str, ...] = ()
    as_json: bool = False
    waiting: Waiting = field(default_factory=Waiting)


def execute(paths: Sequence[Path], file: Path, options: SignerOptions, request: Execution) -> int:
    """Carry proposals out in order of their nonces; 0, or 1 where the call of one failed. Raises LabError."""
    deployment, proposals = read_deployment(file), _read(paths)
    works = [(proposal, _target(deployment, proposal)) for proposal in proposals]
    targets = _distinct([target for _, target in works])
    require_variables(deployment, targets)
    signer = options.open() or open_signer(deployment, ask)
    if not request.broadcast:
        return _tried(works, signer.address, as_json=request.as_json)
    require_names(targets, request.confirmed)
    desk, ended = (
        SafeDesk(safe_journal(deployment.path, signer.address, deployment.chains), notify),
        list[SafeExecution](),
    )
    try:
        for proposal, target in works:
            work = SafeExecutions(desk, target, connect(target, notify).rpc, signer, request.waiting)
            ended.append(work.carry_out(proposal))
            if not request.as_json:
                print(_ending(proposal, ended[-1]))
            if ended[-1].ended == "failure":
                return 1
        return 0
    finally:
        if request.as_json:
            print(json.dumps([_documented(*pair) for pair in zip(proposals, ended, strict=False)], indent=2))


def _tried(works: Sequence[tuple[Proposal, Target]], sender: str, *, as_json: bool) -> int:
    """Everything but the sending; 0, or 1 for what can never be. Raises ProposalRefused for what cannot be now."""
    standings = []
    for proposal, target in works:
        rpc = connect(target, notify).rpc
        standing = read_standing(proposal, SafeReader(rpc, proposal.safe))
        standings.append(standing)
        if not as_json:
            print(_described(standing))
        if not standing.ended:
            require_ready(standing)
            simulate(standing, rpc, sender, call_data(standing))
    if as_json:
        print(json.dumps([standing.document() for standing in standings], indent=2))
    print("nothing was sent: say --broadcast to send it", file=sys.stderr if as_json else sys.stdout)
    return 1 if any(standing.kind in ("failure", "replaced") for standing in standings) else 0


def _ending(proposal: Proposal, execution: SafeExecution) -> str:
    where = f"{execution.tx} in block {execution.block}"
    if execution.ended == "failure":
        return (
            f"{proposal.text}: FAILED: {where} has status 1, and the Safe says ExecutionFailure: the call reverted, "
            "and its nonce is used up; find out why, and propose it anew"
        )
    return f"{proposal.text}: carried out: {where}"


def _documented(proposal: Proposal, execution: SafeExecution) -> dict[str, Any]:
    return {"hash": proposal.hash, "calls": [call.text for call in proposal.calls], **asdict(execution)}


def _read(paths: Sequence[Path]) -> list[Proposal]:
    """One of each proposal, with the signatures of all its copies, by network and nonce."""
    copies: dict[str, list[Proposal]] = {}
    for path in paths:
        proposal = read_proposal(path)
        copies.setdefault(proposal.hash, []).append(proposal)
    merged = [merge_proposals(several) for several in copies.values()]
    return sorted(merged, key=lambda one: (one.network, one.safe, one.nonce))


def _target(deployment: Deployment, proposal: Proposal) -> Target:
    for target in deployment.targets:
        if target.profile.chain_id == proposal.chain_id:
            return target
    known = ", ".join(f"{target.name} ({target.profile.chain_id})" for target in deployment.targets)
    raise ProposalRefused(
        f"expected a proposal for a chain of {deployment.path} ({known}), got one for chain {proposal.chain_id} "
        f"({proposal.network}): use the deployment file that has it"
    )


def _distinct(targets: Sequence[Target]) -> tuple[Target, ...]:
    return tuple({target.name: target for target in targets}.values())


def _exit_code(standing: Standing) -> int:
    return {"success": 0, "failure": 1, "replaced": 1}.get(standing.kind, 3)


def _described(standing: Standing) -> str:
    proposal = standing.proposal

    def named(owners: Sequence[str]) -> str:
        return ", ".join(map(to_checksum_address, owners)) or "nobody"

    lines = [
        f"{proposal.network}: {proposal.text}",
        f"  hash     {proposal.hash}",
        f"  nonce    {proposal.nonce} (the Safe {to_checksum_address(proposal.safe)} is at {standing.state.nonce})",
    ]
    if not standing.ended:
        lines += [
            f"  signed   {named(standing.signed)} ({len(standing.signed)} of {standing.state.threshold})",
            f"  not yet  {named(standing.unsigned)}",
        ]
        lines += [f"  approved {named(standing.approved)} (on the chain)"] if standing.approved else []
        if standing.unconfirmed:
            lines.append(f"  ignored  an approval by {named(standing.unconfirmed)}, which is not on the chain")
        if doubt := standing.state.doubts(proposal.chain_id):
            lines.append(f"  note     {doubt}")
    return "\n".join([*lines, f"  {standing.advice}"])
