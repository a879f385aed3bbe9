"""A deployment against nodes of the lab's own, whose blocks come when somebody waits: quick, and without a clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.chains.nodes.backend import Node, NodeSpec
from lab.chains.nodes.process import ProcessBackend
from lab.coordinator import Account, role_account
from lab.deploy.deployer import Deployable
from lab.live.declaration.deployment_file import Deployment, Target, read_deployment
from lab.live.declaration.variables import Connection, connect
from lab.live.execution.waiting import Waiting
from lab.live.journaling.journal import Header, Journal, journal_path, open_journal
from lab.live.journaling.undertaking import Undertaking
from lab.live.signers.keystore import KeystoreAccount
from lab.networks import load_network
from lab.networks.anvil import anvil_args
from lab.rpc import HttpTransport, Rpc
from tests.unit.real_safes import SafeWorld

FILE = """\
version: 1
deployer: {keystore: deployer.json}
owner: "0x976ea74026e726554db657fa54763abd0c3a0aa9"
operators: ["0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"]
settings: {coordination_window: 60}
networks:
"""
ENTRY = "  %s: {rpc: [env:%s_A, env:%s_B], finality: {blocks: 2}}\n"
# One for all, so that nodes are kept from test to test.
GENESIS = int(time.time()) - 3600
DEPLOYER = Account("deployer", role_account("user").address, role_account("user").key)


@dataclass
class World:
    """Nodes, and a deployment file for them. `said` is what the deployment told people."""

    folder: Path
    target: Deployable
    nodes: Mapping[str, Node]
    variables: dict[str, str]
    said: list[str] = field(default_factory=list)
    simulated_s: float = 0.0

    @property
    def deployment(self) -> Deployment:
        """The file, read anew."""
        return read_deployment(self.folder / "deployment.yaml")

    def rpc(self, name: str) -> Rpc:
        """A client of the node itself."""
        return Rpc(HttpTransport(self.nodes[name].url, timeout_s=600))

    def mine(self) -> None:
        """A block on every chain."""
        for name in self.nodes:
            self.rpc(name).call("evm_mine")

    def work(self, journal: Callable[[Path, Header], Journal] = open_journal) -> Undertaking:
        """What a command begins with; the journal is that of the commands before."""
        contract, deployment = self.target.contract, self.deployment
        header = Header(contract=contract.bytecode_sha256, deployer=DEPLOYER.address)
        opened = journal(journal_path(deployment.path), header)
        codec = self.target.codec
        variables: Mapping[str, str] = self.variables

        def open_connection(target: Target) -> Connection:
            return connect(target, self.said.append, variables)

        return Undertaking(deployment, contract, codec, DEPLOYER.address, opened, open_connection, self.said.append)

    @property
    def account(self) -> Account:
        """The deployer's."""
        return DEPLOYER

    @property
    def signer(self) -> KeystoreAccount:
        """The deployer."""
        return KeystoreAccount(DEPLOYER, Path("deployer.json"))

    def waiting(self, *, mine: bool = True, stuck_s: float = 30.0) -> Waiting:
        """Waiting makes blocks, and takes no time."""

        def sleep(seconds: float) -> None:
            self.simulated_s += seconds
            if mine:
                self.mine()

        return Waiting(look_s=1, stuck_s=stuck_s, deadline_s=600, sleep=sleep, now=lambda: self.simulated_s)


Open = Callable[..., World]


@pytest.fixture
def world(open_backend: ProcessBackend, reference: Deployable, tmp_path: Path) -> Iterator[Open]:
    """`world("sepolia", "amoy")`: a node for each network, the deployer rich, nothing deployed."""
    with ExitStack() as stack:

        def start(*names: str, target: Deployable = reference) -> World:
            profiles = {name: load_network(name) for name in names}
            specs = [
                NodeSpec(name, "live-test", anvil_args(profile, genesis_time=GENESIS), lasting=True)
                for name, profile in profiles.items()
            ]
            nodes = dict(zip(names, open_backend.start_all(specs), strict=True))
            for node in nodes.values():
                stack.callback(node.stop)
                stack.callback(node.leave)
            upper = {name: name.upper().replace("-", "_") for name in names}
            text = FILE + "".join(ENTRY % (name, upper[name], upper[name]) for name in names)
            (tmp_path / "deployment.yaml").write_text(text)
            variables = {f"{upper[name]}_{place}": nodes[name].url for name in names for place in "AB"}
            made = World(tmp_path, target, nodes, variables)
            for name in names:
                made.rpc(name).call("anvil_setBalance", DEPLOYER.address, hex(10**21))
            made.mine()
            return made

        yield start


@pytest.fixture
def safe_world(world: Open) -> Callable[..., SafeWorld]:
    """`safe_world("1.4.1")`: a node with a 2-of-3 Safe of that version, which is the declared owner."""

    def start(version: str = "1.4.1") -> SafeWorld:
        return SafeWorld(world("sepolia"), version)

    return start
