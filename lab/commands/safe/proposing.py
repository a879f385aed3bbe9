"""What `lab safe propose` does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from lab.commands.live.terminal import notify
from lab.commands.safe.signing import describe, standing_of
from lab.coordinator import Codec
from lab.errors import UsageError
from lab.live.declaration.deployment_file import Deployment, Target, read_deployment
from lab.live.declaration.variables import connect, require_variables
from lab.live.journaling.journal import journal_path, read_journal
from lab.live.journaling.open import system_of
from lab.live.planning.steps import DEPLOY
from lab.ops.simulation import first_revert
from lab.rpc import Rpc
from lab.safe.account import SafeReader, SafeState
from lab.safe.calls import ProposedCall, named_call
from lab.safe.folder import file_name, next_nonce, open_proposals
from lab.safe.proposal import ProposalRefused, make_proposal
from lab.safe.transaction import address
from lab.session.suite import compile_target
from lab.validation import suggestion


def propose(
    file: Path,
    only: str,
    calls: Sequence[tuple[str, ...]],
    *,
    account: str | None,
    nonce: int | None,
    out: Path,
    as_json: bool = False,
) -> int:
    """Write a proposal for one network; 0. Raises UsageError, ProposalRefused, NotASafe, RpcFailure."""
    deployment = read_deployment(file)
    (target,) = deployment.select((only,))
    require_variables(deployment, (target,))
    compiled = compile_target(system_of(deployment))
    contract = _contract(deployment, target)
    proposed = [_call(compiled.codec, contract, compiled.contract.name, *call) for call in calls]
    rpc = connect(target, notify).rpc
    reader = SafeReader(rpc, _safe(target, account))
    state = reader.state()
    if doubt := state.doubts(target.profile.chain_id):
        notify(f"Safe {state.address}: {doubt}")
    _simulate(rpc, state, proposed)
    of = state.described(target.name, target.profile.chain_id)
    pending = open_proposals(out, of, state.nonce)
    same = next((one for one in pending if one.calls == tuple(proposed) and nonce in (None, one.nonce)), None)
    proposal = same or make_proposal(of, proposed, next_nonce(pending, state.nonce) if nonce is None else nonce)
    if proposal.nonce < state.nonce:
        raise UsageError(f"expected a nonce of at least {state.nonce}, the Safe's, got {proposal.nonce}")
    path = out / file_name(proposal)
    if same is None:
        proposal.write(path)
    if as_json:
        print(json.dumps({**standing_of(proposal, path), "nonce": proposal.nonce, "written": same is None}, indent=2))
        return 0
    print(describe(proposal))
    stands = "written" if same is None else "is there already, with its signatures"
    print(f"{path} {stands}: `lab safe sign {quote(str(path))}`")
    return 0


def _safe(target: Target, account: str | None) -> str:
    try:
        return address(account) if account is not None else target.owner
    except ValueError as error:
        raise UsageError(f"--safe: {error}") from None


def _contract(deployment: Deployment, target: Target) -> str:
    _, entries, _ = read_journal(journal_path(deployment.path))
    created = [e for e in entries if e.network == target.name and e.step == DEPLOY and e.event == "final"]
    if not created or created[-1].address is None:
        raise UsageError(f"{target.name}: expected a finished deployment to call, the journal has none")
    return created[-1].address


def _call(codec: Codec, contract: str, name: str, function: str, *arguments: str) -> ProposedCall:
    if not codec.has(function):
        raise UsageError(f"expected a function of {name}, got {function!r}{suggestion(function, codec.functions)}")
    types = codec.types(function)
    try:
        values = [_value(of, text) for of, text in zip(types, arguments, strict=True)]
        data = codec.encode(function, values)
    except ValueError as error:
        signature = ", ".join(f"{one}: {of}" for one, of in zip(codec.parameters(function), types, strict=True))
        raise UsageError(f"expected {function}({signature}), got ({', '.join(arguments)}): {error}") from None
    return named_call(codec, contract, function, data, contract=name)


def _value(of: str, text: str) -> Any:
    if of == "address":
        return address(text)
    if of.startswith(("uint", "int")) and not of.endswith("]"):
        return int(text, 0)
    if of == "bool" and text in ("true", "false"):
        return text == "true"
    if of.startswith("bytes") and not of.endswith("]"):
        return text
    raise ValueError(f"a value of type {of} cannot be given here")


def _simulate(rpc: Rpc, state: SafeState, calls: Sequence[ProposedCall]) -> None:
    """All of them in their order, from the Safe."""
    if (revert := first_revert(rpc, state.address, calls)) is not None:
        what, why = revert
        raise ProposalRefused(
            f"{what}: it would revert when the Safe {state.address} calls it: {why}; nothing was proposed"
        )
