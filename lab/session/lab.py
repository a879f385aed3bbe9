"""The composition root: starts chains, deploys the contract, wires faults and relayer, takes everything down."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lab.chains.chain import Chain, ChainPlan
from lab.chains.nodes.backend import Backend, NodeSpec
from lab.chains.scheduler import Scheduler
from lab.coordinator import Reader, StateNumbering, rollup_address
from lab.coordinator.accounts import DOCUMENTED_OPERATORS
from lab.deploy.deployer import Deployable, learn_numbering
from lab.deploy.placement import put_on_chain
from lab.errors import LabError
from lab.evidence import Recorder
from lab.faults import FaultContext
from lab.faults.transport.policy import Policy
from lab.model.chain.facts import ChainFacts
from lab.model.session import GUESTS, Session
from lab.networks.anvil import anvil_args, genesis_calls
from lab.networks.states import states_alike, states_kept
from lab.relayer import Relayer
from lab.scenario.item import ChainSpec, RelayerSpec
from lab.session.contract_read import particular
from lab.session.description import KEYS, STORE, Placed, RelayerPace, RunningNetworks, describe_chain, describe_session
from lab.session.keys import write_keys
from lab.session.machine_watch import MachineWatch, SetUpTime
from lab.session.relayer.actor import RelayerActor, RelayerFactory
from lab.session.relayer.command import RelayerCommand
from lab.session.relayer.process import RelayerProcess
from lab.session.relayer.start import RPC_TIMEOUT_S, RelayerWiring, await_ready
from lab.session.under_test import SystemUnderTest

if TYPE_CHECKING:
    from lab.faults.transport.proxy import FaultProxy

VIRTUAL_GENESIS = 1_800_000_000
# A contract that counts blocks sees those of Ethereum on Arbitrum: they come on an idle chain, too.
IDLE_MS = 12_000
set_up_time = SetUpTime()


@dataclass(frozen=True, slots=True)
class LabSpec:
    """What to set up. `deepest_reorg` sizes the history that the nodes keep.

    `relayer_factory` makes the relayer of the virtual clock; under the real clock it is a process of its own:
    `relayer_command`, or the reference relayer.
    """

    run_id: str
    chains: Mapping[str, ChainSpec]
    target: Deployable
    seed: int
    window_s: int
    folder: Path
    clock: Literal["virtual", "real"] = "virtual"
    speed: float = 1.0
    relayer: RelayerSpec | None = None
    deepest_reorg: int = 0
    relayer_factory: RelayerFactory = Relayer
    relayer_command: RelayerCommand | None = None

    @property
    def own_relayer(self) -> RelayerCommand | None:
        """The user's relayer, where one is to be started."""
        return self.relayer_command if self.relayer is not None else None


@dataclass
class Lab:
    """The handles of a running lab."""

    spec: LabSpec
    backend: Backend
    scheduler: Scheduler
    recorder: Recorder
    chains: dict[str, Chain]
    genesis_time: int
    policies: dict[str, Policy] = field(default_factory=dict)
    readers: dict[str, Reader] = field(default_factory=dict)
    relayer: RelayerActor | RelayerProcess | None = None
    proxy: FaultProxy | None = None
    # Under the real clock only.
    watch: MachineWatch | None = None
    # The owner as the documentation has it, until set-up has seen whether the contract makes it an operator.
    held: tuple[str, ...] = DOCUMENTED_OPERATORS

    @property
    def store_path(self) -> Path:
        """Where the relayer is to keep its store."""
        return self.spec.folder / STORE

    @property
    def fault_context(self) -> FaultContext:
        """What faults may touch."""
        return FaultContext(self.scheduler, self.chains, self.policies, self.relayer, self.spec.seed)

    def facts(self) -> dict[str, ChainFacts]:
        """What a reader of the history must know of each chain."""
        return {
            name: ChainFacts(
                network=chain.profile.name,
                chain_id=chain.profile.chain_id,
                contract=chain.contract,
                rollup=rollup_address(name),
                finality=chain.finality,
                tag_depth_blocks=chain.profile.tag_depth(chain.finality.tag) if chain.finality.tag else None,
                block_time_ms=chain.profile.block_time_ms,
                mines_empty_blocks=chain.profile.mines_empty_blocks,
                deploy_block=1,
            )
            for name, chain in self.chains.items()
        }

    def operators(self) -> tuple[str, ...]:
        """The operators of every contract after set-up."""
        return self.held

    def set_up(self) -> None:
        """Deploy and configure the contract in block 1 of every chain. Raises DeployFailure.

        Under the real clock it ends at genesis, or after it on a slow machine; from then on blocks come by themselves.
        Where the user's own relayer is to be started it ends so long before genesis as that may take.
        """
        target, documented, begin_s = self.spec.target, self.operators(), time.monotonic()
        for name, chain in self.chains.items():
            profile, rpc = chain.profile, chain.producer.rpc
            for method, *parameters in genesis_calls(profile, target.contract.bytecode):
                rpc.call(method, *parameters)
            put_on_chain(rpc, name, target, profile, window_s=self.spec.window_s, mine=partial(_mine_setup, chain))
            reader = self.readers[name] = Reader(rpc, target.codec, target.address, learn_numbering(rpc, target))
            if (read := particular(reader, target, name, documented, self.spec.window_s)) is not None:
                self.recorder.add(read)
                self.held = read.operators
            if target.limits.resolve_after_blocks:
                chain.producer.idle_ms = IDLE_MS
        set_up_time.took(time.monotonic() - begin_s, len(self.chains))
        if self.spec.clock == "real":
            self.scheduler.restart_wall(self.scheduler.of_wall(time.time() - self.genesis_time))
            self.watch = MachineWatch(self.scheduler, self.recorder, self._pids)
            self.watch.start()
            for chain in self.chains.values():
                self.scheduler.at(chain.producer.next_slot_ms(), chain.keep_time)
            if self.spec.own_relayer is None:
                self.scheduler.advance_to(0)

    def _pids(self) -> list[int]:
        """The processes of the nodes and of the relayer, where the lab started them itself."""
        parts = [*(chain.node for chain in self.chains.values()), self.relayer]
        return [pid for part in parts if (pid := getattr(part, "pid", None)) is not None]

    def numbering(self) -> StateNumbering:
        """The contract's state numbering, after set-up."""
        return next(iter(self.readers.values())).numbering

    def reader(self, chain: str) -> Reader:
        """Reads of one chain as of now, over the lab's own connection. Raises RpcUnavailable while its node is down."""
        reader = self.readers[chain]
        reader.rpc = self.chains[chain].look()
        return reader

    def session(
        self,
        urls: Mapping[str, str],
        spec: RelayerSpec,
        system: SystemUnderTest | None = None,
        fallbacks: Mapping[str, Sequence[str]] | None = None,
    ) -> Session:
        """The description of this lab for a relayer or a load generator; `fallbacks` are further URLs of chains."""
        own = self.spec
        return describe_session(
            [
                describe_chain(
                    name,
                    chain.profile,
                    url=urls[name],
                    fallback_urls=(fallbacks or {}).get(name, ()),
                    placed=Placed(chain.contract, 1, self.operators()),
                    finality=chain.finality,
                    mines_empty_blocks=chain.profile.mines_empty_blocks,
                )
                for name, chain in self.chains.items()
            ],
            own.target,
            self.numbering(),
            RunningNetworks(own.run_id, self.backend.name, own.clock, self.genesis_time, own.folder, own.speed),
            RelayerPace(spec.poll_ms, round(RPC_TIMEOUT_S * 1000), spec.execution_order),
            system=system,
        )

    def start_relayer(self) -> None:
        """Start the relayer behind the fault layer, if one is wanted; the user's own is ready, and it is genesis, then.

        Raises DeadlineExceeded for one that does not get ready, LabError for one that ends instead.
        """
        spec, lab_spec = self.spec.relayer, self.spec
        if spec is None:
            return
        write_keys(lab_spec.folder / KEYS, GUESTS)
        wiring = RelayerWiring(
            self.scheduler,
            self.recorder,
            self.chains,
            self.policies,
            {name: spec.endpoints for name, spec in lab_spec.chains.items()},
            lab_spec.target.codec,
            self.backend.reaper,
            lab_spec.folder,
            lambda urls, fallbacks: self.session(urls, spec, fallbacks=fallbacks),
            lab_spec.relayer_factory,
            lab_spec.relayer_command,
        )
        self.relayer, self.proxy = wiring.wire()
        self.relayer.start()
        if isinstance(self.relayer, RelayerProcess) and self.proxy is not None and lab_spec.relayer_command is not None:
            await_ready(self.proxy, self.scheduler, self.relayer, lab_spec.relayer_command)

    def close_relayer(self) -> None:
        """End the relayer for good, and the way to the chains that it had; all it sent is recorded then."""
        if self.relayer is not None:
            self.relayer.close()
        if self.proxy is not None:
            self.proxy.close()
            if self.proxy.failure is not None:
                raise LabError(f"the fault proxy failed: {self.proxy.failure!r}") from self.proxy.failure

    def memory_bytes(self) -> dict[str, int | None]:
        """Resident memory of each node now."""
        return {name: chain.memory_bytes() for name, chain in self.chains.items()}


def _mine_setup(chain: Chain, last: str) -> None:
    """Everything goes into block 1, so that `last` need not be looked for."""
    del last
    chain.producer.mine_setup()


@contextmanager
def open_lab(lab_spec: LabSpec, backend: Backend, recorder: Recorder) -> Iterator[Lab]:
    """Start the nodes; at the end stop them, whatever happened. The contract is deployed by `set_up`."""
    scheduler = Scheduler(lab_spec.clock, lab_spec.speed)
    remember = {n: states_kept(s.profile, s.finality, lab_spec.deepest_reorg) for n, s in lab_spec.chains.items()}
    log_folder = lab_spec.folder / "logs"
    log_folder.mkdir(parents=True, exist_ok=True)
    if real := lab_spec.clock == "real":
        # Slow to import: done here, where it takes no time from a run that has begun.
        import_module("lab.faults.transport.proxy")
    node_time = int(time.time()) if real else VIRTUAL_GENESIS
    states = remember if real else {name: states_alike(kept) for name, kept in remember.items()}
    specs = [
        NodeSpec(
            name=name,
            run_id=lab_spec.run_id,
            args=anvil_args(spec.profile, genesis_time=node_time, prune_history=states[name]),
            log_path=log_folder / f"{name}.log",
            # A guest is to find no way to it but the endpoint.
            private=lab_spec.relayer is not None,
            lasting=not real,
        )
        for name, spec in lab_spec.chains.items()
    ]
    with ExitStack() as stack:
        nodes = backend.start_all(specs)
        for node in nodes:
            stack.callback(node.stop)
        genesis_time = node_time
        if real:
            start_s = lab_spec.own_relayer.start_s(lab_spec.speed) if lab_spec.own_relayer is not None else 0.0
            genesis_time = math.ceil(time.time() + set_up_time.expected_s(len(nodes)) + start_s)
        chains = {
            name: Chain(
                ChainPlan(name, spec.profile, spec.finality, lab_spec.seed, genesis_time, remember[name]),
                node,
                scheduler,
                recorder,
                lab_spec.target.codec,
                lab_spec.target.address,
            )
            for (name, spec), node in zip(lab_spec.chains.items(), nodes, strict=True)
        }
        for chain in chains.values():
            stack.callback(chain.disconnect)
        scheduler.before_turns += [chain.begin for chain in chains.values()]
        lab = Lab(lab_spec, backend, scheduler, recorder, chains, genesis_time, {name: Policy() for name in chains})
        try:
            yield lab
        finally:
            lab.close_relayer()
        for chain in chains.values():
            chain.leave()
