"""`session.json` of a deployment: what a relayer, the exporter or a load generator needs, as `lab up` writes it.

It holds the endpoints with their keys, so only its owner may read it. Keys of accounts are not in it: the relayer's
stands where `key_file` says.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.bounded_files import write_atomically
from lab.coordinator import rollup_address
from lab.deploy.numbering import numbering_of
from lab.errors import DeployFailure
from lab.live.declaration.deployment_file import Target
from lab.live.journaling.undertaking import Undertaking
from lab.live.planning.steps import DEPLOY
from lab.model.session import Session, SessionChain

POLL_MS, TIMEOUT_MS = 2_000, 20_000


def describe(
    work: Undertaking,
    targets: Sequence[Target],
    key_file: Path,
    folder: Path,
    variables: Mapping[str, str] | None = None,
) -> Session:
    """Raises DeployFailure for a network that has no finished deployment, RpcFailure."""
    created = {target.name: deployed_from(work, target) for target in targets}
    first, there = targets[0], os.environ if variables is None else variables
    genesis_times = [
        int((work.connect(target).rpc.block(0) or {"timestamp": "0x0"})["timestamp"], 16) for target in targets
    ]
    address, _ = created[first.name]
    numbering = numbering_of(work.connect(first).rpc, work.codec, address, first.operators[0])
    chains = {
        target.name: _chain(target, *created[target.name], urls=[there[name] for name in target.variables])
        for target in targets
    }
    return Session(
        run_id=f"live-{work.deployment.path.stem}"[:64],
        backend="live",
        clock="real",
        genesis_time=min(genesis_times),
        chains=chains,
        accounts={"owner": first.owner, "relayer": first.operators[0], "deployer": work.deployer},
        key_file=str(key_file.absolute()),
        store_path=str((folder / "relayer.sqlite").absolute()),
        poll_interval_ms=POLL_MS,
        rpc_timeout_ms=TIMEOUT_MS,
        state_numbering=numbering.numbers,
        abi=work.contract.abi,
        names=work.codec.names,
    )


def write_session(session: Session, path: Path) -> None:
    """Readable by its owner only."""
    write_atomically(path, session.model_dump_json(indent=2) + "\n", mode=0o600)


def deployed_from(work: Undertaking, target: Target) -> tuple[str, int]:
    """The contract's address and the block of its creation. Raises DeployFailure where the journal has neither."""
    entry = work.journal.last(target.name, DEPLOY, "final")
    if entry is None or entry.address is None or entry.block is None:
        raise DeployFailure(
            f"{target.name}: expected a finished deployment, the journal has none: `lab live deploy` first"
        )
    return entry.address, entry.block


def deployed_at(work: Undertaking, target: Target) -> str:
    """The contract's address. Raises DeployFailure where the journal has no finished deployment."""
    return deployed_from(work, target)[0]


def _chain(target: Target, address: str, block: int, *, urls: Sequence[str]) -> SessionChain:
    profile = target.profile
    return SessionChain(
        name=target.name,
        network=profile.name,
        chain_id=profile.chain_id,
        rpc_url=urls[0],
        fallback_rpc_urls=tuple(urls[1:]),
        contract=address,
        rollup=rollup_address(target.name),
        finality=target.finality,
        start_block=block,
        block_time_ms=profile.block_time_ms,
        mines_empty_blocks=profile.mines_empty_blocks,
        min_tip_wei=profile.min_tip_wei,
        replacement_bump_percent=profile.replacement_bump_percent,
        operators=target.operators,
    )
