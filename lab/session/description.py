"""Builds `session.json`, the description of running networks: the same for scenario runs, `lab up` and load."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.coordinator import ROLES, StateNumbering, role_account, rollup_address
from lab.deploy.deployer import Deployable
from lab.model.chain.finality import Finality
from lab.model.session import Session, SessionChain
from lab.networks.profile import NetworkProfile
from lab.paths import real_path
from lab.session.under_test import SystemUnderTest

KEYS = "keys.json"
STORE = "relayer.sqlite"


@dataclass(frozen=True, slots=True)
class RunningNetworks:
    """Whose networks a session describes. Keys and the relayer's store lie in `folder`."""

    run_id: str
    backend: str
    clock: Literal["virtual", "real"]
    genesis_time: int
    folder: Path
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class RelayerPace:
    """What a session asks of a relayer."""

    poll_ms: int
    rpc_timeout_ms: int
    execution_order: Literal["ready", "executed"] = "ready"


@dataclass(frozen=True, slots=True)
class Placed:
    """The contract on one chain: its address, the block of its deployment, and its operators after set-up, if known."""

    contract: str
    block: int
    operators: Sequence[str] | None


def describe_chain(
    name: str,
    profile: NetworkProfile,
    *,
    url: str,
    placed: Placed,
    finality: Finality,
    mines_empty_blocks: bool,
    fallback_urls: Sequence[str] = (),
) -> SessionChain:
    """One chain: what a relayer must know of its network, where it answers, and who are operators of its contract."""
    return SessionChain(
        name=name,
        network=profile.name,
        chain_id=profile.chain_id,
        rpc_url=url,
        fallback_rpc_urls=tuple(fallback_urls),
        contract=placed.contract,
        rollup=rollup_address(name),
        finality=finality,
        start_block=placed.block,
        block_time_ms=profile.block_time_ms,
        mines_empty_blocks=mines_empty_blocks,
        min_tip_wei=profile.min_tip_wei,
        replacement_bump_percent=profile.replacement_bump_percent,
        operators=None if placed.operators is None else tuple(map(str.lower, placed.operators)),
    )


def describe_session(
    chains: Iterable[SessionChain],
    target: Deployable,
    numbering: StateNumbering,
    networks: RunningNetworks,
    pace: RelayerPace,
    *,
    system: SystemUnderTest | None,
) -> Session:
    """The whole file; names and ABI are those of `target`.

    `system` is what the networks were started for; None where nobody but the run itself reads the file.
    """
    return Session(
        run_id=networks.run_id,
        backend=networks.backend,
        clock=networks.clock,
        speed=networks.speed,
        genesis_time=networks.genesis_time,
        chains={chain.name: chain for chain in chains},
        accounts={role: role_account(role).address for role in ROLES},
        key_file=str(networks.folder / KEYS),
        store_path=str(networks.folder / STORE),
        poll_interval_ms=pace.poll_ms,
        rpc_timeout_ms=pace.rpc_timeout_ms,
        execution_order=pace.execution_order,
        state_numbering=numbering.numbers,
        abi=target.contract.abi,
        names=target.codec.names,
        under_test=system.described(target.contract.name) if system is not None else None,
        project=str(real_path(system.project.path)) if system is not None and system.project is not None else None,
    )
