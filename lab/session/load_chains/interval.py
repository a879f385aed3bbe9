"""Chains with a block each block time on the wall clock, for load: the lab's own block producer would be in the way.

Starts them, deploys the contract, and hands out what a load generator needs; no faults, no history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.chains.nodes.backend import Backend, Node, NodeSpec
from lab.coordinator import Reader, StateNumbering, role_account
from lab.coordinator.accounts import DOCUMENTED_OPERATORS
from lab.deploy.deployer import Deployable, learn_numbering
from lab.deploy.placement import put_on_chain
from lab.errors import DeployFailure
from lab.model.chain.finality import Finality
from lab.model.redacted import RedactedUrl
from lab.model.session import Session
from lab.networks.anvil import anvil_args, genesis_calls
from lab.networks.profile import NetworkProfile
from lab.rpc import HttpTransport, Rpc
from lab.session.contract_read import held_operators
from lab.session.description import Placed, RelayerPace, RunningNetworks, describe_chain, describe_session
from lab.session.load_chains.interval_miner import IntervalMiner, interval_miner
from lab.session.under_test import SystemUnderTest

RPC_TIMEOUT_S = 60.0
# For whoever finds these networks in a session: a node under load may take its time.
SESSION_TIMEOUT_MS = 30_000
RICH_WEI = 10**30
# Old state is of no use to a load run, and keeping it costs memory; the deepest look back is a few blocks.
PRUNE_HISTORY = 8


@dataclass
class IntervalChain:
    """A running chain that makes a block each block time."""

    name: str
    profile: NetworkProfile
    finality: Finality
    node: Node | None
    url: RedactedUrl
    contract: str
    start_block: int
    rpc: Rpc
    # Of the contract after set-up, None until then.
    operators: tuple[str, ...] | None = None
    # Makes the blocks of nodes that are the lab's own.
    miner: IntervalMiner | None = None

    @classmethod
    def connect(
        cls, name: str, profile: NetworkProfile, url: RedactedUrl | str, node: Node | None = None
    ) -> IntervalChain:
        """A chain whose contract is not known yet. Raises ValueError for a URL that is none."""
        rpc = HttpTransport(url, timeout_s=RPC_TIMEOUT_S)
        return cls(name, profile, profile.finality, node, rpc.url, "", 0, Rpc(rpc))

    def address(self) -> RedactedUrl:
        """The URL that it has now: a restart changes it."""
        return self.url

    def stop_mining(self) -> None:
        """No more blocks from now on, so that the state at the head can be read for as long as it takes."""
        if self.miner is not None:
            self.miner.stop()

    def disconnect(self) -> None:
        """Close the connection."""
        self.rpc.close()

    def reconnect(self) -> None:
        """After a restart the node has another URL."""
        assert self.node is not None
        self.url = RedactedUrl(self.node.url)
        self.rpc.close()
        self.rpc = Rpc(HttpTransport(self.url, timeout_s=RPC_TIMEOUT_S))


def interval_args(profile: NetworkProfile, genesis_time: int) -> tuple[str, ...]:
    """Anvil's flags: as for the lab's own block producer, but with little history."""
    return anvil_args(profile, genesis_time=genesis_time, prune_history=PRUNE_HISTORY)


@contextmanager
def open_interval_chains(
    profiles: Mapping[str, NetworkProfile], backend: Backend, *, run_id: str, folder: Path, genesis_time: int
) -> Iterator[dict[str, IntervalChain]]:
    """Start one node a chain; at the end stop them, whatever happened. The contract is put on them by `set_up`."""
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    specs = [
        NodeSpec(name, run_id, interval_args(profile, genesis_time), logs / f"{name}.log")
        for name, profile in profiles.items()
    ]
    with ExitStack() as stack:
        nodes = backend.start_all(specs)
        for node in nodes:
            stack.callback(node.stop)
        chains = {
            name: IntervalChain.connect(name, profile, node.url, node)
            for (name, profile), node in zip(profiles.items(), nodes, strict=True)
        }
        for chain in chains.values():
            stack.callback(IntervalChain.disconnect, chain)
            chain.miner = stack.enter_context(interval_miner(chain.address, chain.profile.block_time_ms))
        yield chains


def set_up(chain: IntervalChain, target: Deployable, *, window_s: int) -> StateNumbering:
    """Deploy and configure the contract on a fresh node. Raises DeployFailure."""
    profile, rpc = chain.profile, chain.rpc
    for method, *parameters in genesis_calls(profile, target.contract.bytecode):
        rpc.call(method, *parameters)
    rpc.call("anvil_setBalance", role_account("owner").address, hex(RICH_WEI))
    head = rpc.block_number()
    put_on_chain(
        rpc,
        chain.name,
        target,
        profile,
        window_s=window_s,
        mine=lambda last: mine_until(rpc, last),
        base_fee=max(profile.initial_base_fee_wei, base_fee(rpc)),
    )
    chain.contract, chain.start_block = target.address, head + 1
    numbering = learn_numbering(rpc, target)
    chain.operators = held_operators(Reader(rpc, target.codec, target.address, numbering), DOCUMENTED_OPERATORS)
    return numbering


def mine_until(rpc: Rpc, tx_hash: str, attempts: int = 40) -> None:
    """Mine at once, instead of waiting for the next interval, until the transaction is in a block."""
    for _ in range(attempts):
        rpc.call("evm_mine")
        if rpc.receipt(tx_hash) is not None:
            return
    raise DeployFailure(f"expected transaction {tx_hash} to be mined, it was not within {attempts} blocks")


def base_fee(rpc: Rpc) -> int:
    """Of the head block, in wei; 0 where the chain has none."""
    block = rpc.block("latest")
    return int(block.get("baseFeePerGas", "0x0"), 16) if block else 0


def session_of(
    chains: Mapping[str, IntervalChain],
    target: Deployable,
    numbering: StateNumbering,
    networks: RunningNetworks,
    *,
    system: SystemUnderTest,
    poll_ms: int,
) -> Session:
    """The description of these chains for a relayer or a plain Locust run."""
    described = [
        describe_chain(
            name,
            chain.profile,
            url=chain.url.reveal(),
            placed=Placed(chain.contract, chain.start_block, chain.operators),
            finality=chain.finality,
            mines_empty_blocks=True,
        )
        for name, chain in chains.items()
    ]
    return describe_session(
        described,
        target,
        numbering,
        networks,
        RelayerPace(poll_ms, SESSION_TIMEOUT_MS),
        system=system,
    )
