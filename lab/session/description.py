"""Builds `session.json`, the description of running networks: the same for scenario runs, `lab up` and load."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from lab.coordinator import ROLES, StateNumbering, role_account, rollup_address
from lab.deploy.deployer import Deployable
from lab.model.chain.finality import Finality
from lab.model.session import Session, SessionChain
from lab.networks.profile import NetworkProfile
from lab.session.under_test import SystemUnderTest

KEYS = "keys.json"


def describe_chain(
    name: str,
    profile: NetworkProfile,
    *,
    url: str,
    contract: str,
    finality: Finality,
    start_block: int,
    mines_empty_blocks: bool,
) -> SessionChain:
    """One chain: what a relayer must know of its network, and where it answers."""
    return SessionChain(
        name=name,
        network=profile.name,
        chain_id=profile.chain_id,
        rpc_url=url,
        contract=contract,
        rollup=rollup_address(name),
        finality=finality,
        start_block=start_block,
        block_time_ms=profile.block_time_ms,
        mines_empty_blocks=mines_empty_blocks,
        min_tip_wei=profile.min_tip_wei,
        replacement_bump_percent=profile.replacement_bump_percent,
    )


def describe_session(
    chains: Iterable[SessionChain],
    target: Deployable,
    numbering: StateNumbering,
    *,
    system: SystemUnderTest | None,
    run_id: str,
    backend: str,
    clock: Literal["virtual", "real"],
    genesis_time: int,
    folder: Path,
    poll_ms: int,
    rpc_timeout_ms: int,
    execution_order: Literal["ready", "executed"] = "ready",
) -> Session:
    """The whole file. Keys and the relayer's store lie in `folder`; names and ABI are those of `target`.

    `system` is what the networks were started for; None where nobody but the run itself reads the file.
    """
    return Session(
        run_id=run_id,
        backend=backend,
        clock=clock,
        genesis_time=genesis_time,
        chains={chain.name: chain for chain in chains},
        accounts={role: role_account(role).address for role in ROLES},
        key_file=str(folder / KEYS),
        store_path=str(folder / "relayer.sqlite"),
        poll_interval_ms=poll_ms,
        rpc_timeout_ms=rpc_timeout_ms,
        execution_order=execution_order,
        state_numbering=numbering.numbers,
        abi=target.contract.abi,
        names=target.codec.names,
        under_test=system.described(target.contract.name) if system is not None else None,
        project=str(system.project.path.resolve()) if system is not None and system.project is not None else None,
    )
