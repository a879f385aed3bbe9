"""What a deployment left on each network, read from the chain itself; a live one and a rehearsal are told apart.

Live is what stands on the network that the profile names: its genesis block has the hash that everybody knows, its node
is not a development node, and where there are two endpoints, they agree on a final block. All else is a rehearsal,
which shows that the procedure works, and proves nothing of the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lab.deploy.compiled import hash_hex
from lab.errors import LabError
from lab.evidence.repository import git_state
from lab.live.declaration.deployment_file import Target
from lab.live.declaration.variables import Connection
from lab.live.journaling.undertaking import Undertaking
from lab.live.planning.fees import paid
from lab.live.planning.identity import read_identity
from lab.live.planning.steps import DEPLOY, code_difference, differences, read_standing
from lab.model.live_evidence import (
    ENDPOINTS_FOR_LIVE,
    Kind,
    LiveEvidence,
    NetworkEvidence,
    Transaction,
)
from lab.rpc import Rpc, RpcFailure
from lab.safe.account import safe_differences

# One that is further behind is on another fork, or its blocks were taken back: what it has is told.
LAG_BLOCKS_MAX = 5


def observe(work: Undertaking, target: Target, earlier: NetworkEvidence | None = None) -> NetworkEvidence:
    """Read one network. What was verified and smoked before is kept from `earlier`, if it is of the same contract."""
    created = work.journal.last(target.name, DEPLOY, "final")
    base = NetworkEvidence(
        network=target.name,
        profile=target.profile.name,
        title=target.profile.title,
        chain_id=target.profile.chain_id,
        testnet=target.profile.testnet,
        kind="rehearsal",
        address=(created.address or "") if created is not None else "",
    )
    try:
        return _observe(work, target, base, earlier)
    except LabError as error:
        return _unread(base, earlier).model_copy(update={"problem": str(error)})


def _unread(base: NetworkEvidence, earlier: NetworkEvidence | None) -> NetworkEvidence:
    """What is known without the chain: the next look, which can read it, goes on from there."""
    if earlier is None:
        return base
    kept: dict[str, object] = {"funded_wei": earlier.funded_wei, "budget_wei": earlier.budget_wei}
    if earlier.address == base.address:
        kept |= {name: getattr(earlier, name) for name in ("code_sha256", "verified", "smoke", "events", "services")}
    return base.model_copy(update=kept)


def _observe(
    work: Undertaking, target: Target, base: NetworkEvidence, earlier: NetworkEvidence | None
) -> NetworkEvidence:
    connection = work.connect(target)
    rpc = connection.rpc
    balance = rpc.balance(work.deployer)
    created = work.journal.last(target.name, DEPLOY, "final")
    height = created.block if created is not None and created.block is not None else max(0, rpc.block_number() - 64)
    update: dict[str, object] = {
        **_identity(connection, target, height),
        "funded_wei": str(max(balance, int(earlier.funded_wei) if earlier is not None else 0)),
        "budget_wei": earlier.budget_wei if earlier is not None else "0",
    }
    if created is None or created.address is None or created.block is None:
        problem = "nothing is deployed there yet, as far as the journal knows"
        return base.model_copy(update={**update, "problem": problem})
    block = _newest(work, target, rpc)
    code = str(rpc.call("eth_getCode", created.address, hex(block)))
    void = [entry for entry in work.journal.of(target.name) if entry.event == "void"]
    update |= {
        "address": created.address,
        "transactions": _transactions(work, target),
        "reverted": sum(entry.block is not None for entry in void),
        "nonces_lost": sum(entry.block is None for entry in void),
    }
    if code == "0x":
        problem = (
            f"there is no contract at {created.address}, though block {created.block} was final: a reorg deeper than "
            f"that ({target.finality}) took it, or the endpoint is on another fork; `lab live deploy` sends the same "
            "transactions again"
        )
        return base.model_copy(update={**update, "problem": problem})
    standing = read_standing(work, target, rpc, created.address, block=block)
    same = earlier is not None and earlier.address == created.address and earlier.code_sha256 == hash_hex(code)
    update |= {
        "code_sha256": hash_hex(code),
        "owner": standing.owner,
        "operators": tuple(account for account, given in standing.operators.items() if given),
        "window_s": standing.window_s,
        "differences": (
            *_against_journal(work, target, rpc),
            *filter(None, [code_difference(rpc, work.contract.bytecode, work.deployer, created.address, block=block)]),
            *differences(work.deployment, target, work.deployer, standing),
            *_of_safe(target, rpc),
        ),
        "verified": earlier.verified if same and earlier is not None else {},
        "smoke": earlier.smoke if same and earlier is not None else {},
        "events": earlier.events if same and earlier is not None else {},
        "services": earlier.services if same and earlier is not None else {},
    }
    return base.model_copy(update=update)


def _newest(work: Undertaking, target: Target, rpc: Rpc) -> int:
    """The head, or the journal's last block where the endpoint that answers is behind it, as one that lags may be."""
    head = rpc.block_number()
    known = max((entry.block for entry in work.journal.of(target.name) if entry.block is not None), default=0)
    return known if head < known <= head + LAG_BLOCKS_MAX else head


def _against_journal(work: Undertaking, target: Target, rpc: Rpc) -> Iterator[str]:
    """Steps that are final by the journal, and not by the chain: it was edited, or is of another chain."""
    last = {entry.step: entry for entry in work.journal.of(target.name) if entry.event == "final"}
    for entry in last.values():
        receipt = rpc.receipt(entry.tx)
        if receipt is None:
            yield f"the journal calls {entry.step} final, the network knows no transaction {entry.tx}"
        elif receipt.get("blockHash") != entry.block_hash or receipt.get("status") != "0x1":
            yield f"the journal has {entry.step} in block {entry.block_hash}, it is in {receipt.get('blockHash')}"
        elif entry.fee_wei not in (None, str(paid(receipt))):
            yield f"the journal says that {entry.step} cost {entry.fee_wei} wei, by the chain it was {paid(receipt)}"
        elif entry.step == DEPLOY and str(receipt.get("contractAddress")).lower() != str(entry.address).lower():
            yield f"the journal has the contract at {entry.address}, it is at {receipt.get('contractAddress')}"


def _of_safe(target: Target, rpc: Rpc) -> list[str]:
    safe = target.safe
    return [] if safe is None else safe_differences(rpc, safe.address, safe.threshold, safe.owners)


def _transactions(work: Undertaking, target: Target) -> tuple[Transaction, ...]:
    return tuple(
        Transaction(
            step=entry.step,
            tx=entry.tx,
            block=entry.block or 0,
            block_hash=entry.block_hash or "",
            gas_used=entry.gas_used or 0,
            fee_wei=entry.fee_wei or "0",
            waited_s=entry.waited_s,
        )
        for entry in work.journal.of(target.name)
        if entry.event == "final"
    )


def _identity(connection: Connection, target: Target, height: int) -> dict[str, object]:
    """Whether this is the network that it is called, with what speaks against it."""
    identity = read_identity(connection.rpc, target)
    doubts, agree = list(identity.doubts), 0
    try:
        agree = connection.transport.agreeing(height)
    except RpcFailure as failure:
        doubts.append(str(failure))
    if agree < ENDPOINTS_FOR_LIVE:
        doubts.append(f"expected {ENDPOINTS_FOR_LIVE} endpoints to agree on block {height}, got {agree}")
    return {
        "genesis_hash": identity.genesis,
        "client": identity.client[:200],
        "endpoints_agree": agree,
        "kind": "rehearsal" if doubts else "live",
        "doubts": tuple(doubts),
    }


def _commit(folder: Path) -> str:
    state = git_state(str(folder))
    return f"{state.get('commit') or ''}{' with changes' if state.get('dirty') else ''}"


def collect(
    work: Undertaking, networks: tuple[NetworkEvidence, ...], *, made: str, forced: Kind | None = None
) -> LiveEvidence:
    """The file. It is live if all of its networks are; `forced` says that it was a rehearsal whatever they are."""
    live = all(network.kind == "live" for network in networks)
    return LiveEvidence(
        kind=forced or ("live" if live else "rehearsal"),
        made=made,
        file=work.deployment.path.name,
        contract=work.contract.name,
        compiler=work.contract.compiler,
        bytecode_sha256=work.contract.bytecode_sha256,
        source_sha256=work.contract.source_sha256,
        commit=_commit(work.deployment.path.absolute().parent),
        deployer=work.deployer,
        networks=networks,
    )
