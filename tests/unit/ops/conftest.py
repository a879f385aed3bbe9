"""Operated contracts on nodes of the lab's own, whose blocks come when somebody waits: quick, and without a clock."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lab.chains.nodes.backend import Node, NodeSpec
from lab.chains.nodes.process import ProcessBackend
from lab.coordinator import Fees, role_account, rollup_address, sign_transaction
from lab.coordinator.accounts import OPERATOR_ROLES
from lab.deploy.deployer import Deployable, learn_numbering
from lab.deploy.placement import put_on_chain
from lab.live.execution.waiting import Waiting
from lab.model.chain.finality import Finality
from lab.model.session import Session, SessionChain
from lab.networks import load_network
from lab.networks.anvil import anvil_args
from lab.ops.opening import Opened, open_operation
from lab.ops.operation import Operation
from lab.rpc import HttpTransport, Rpc

# One for all, so that nodes are kept from test to test.
GENESIS = int(time.time()) - 3600
FINALITY = Finality(blocks=2)
DECLARED = ("owner", *OPERATOR_ROLES)
TIMEOUT_MS = 4000
ROLES = ("owner", "operator", "operator2", "relayer", "attacker", "user", "newowner")


def address(role: str) -> str:
    """Of a development account."""
    return role_account(role).address


@dataclass
class Site:
    """Nodes with the contract, and the session file that describes them."""

    folder: Path
    target: Deployable
    nodes: Mapping[str, Node]
    said: list[str] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    # Whoever mines waits for the node's answer, which one that hangs never gives.
    turn: threading.RLock = field(default_factory=threading.RLock)
    simulated_s: float = 0.0

    @property
    def session(self) -> Path:
        """The file."""
        return self.folder / "session.json"

    def rpc(self, name: str) -> Rpc:
        """A client of the node itself."""
        return Rpc(HttpTransport(self.nodes[name].url, timeout_s=600))

    def mine(self, blocks: int = 1) -> None:
        """Blocks on every chain that answers."""
        with self.turn:
            for name in self.nodes:
                if name not in self.silent:
                    self.rpc(name).call("anvil_mine", hex(blocks))

    def silence(self, name: str) -> None:
        """Its node hangs from now on."""
        with self.turn:
            self.silent.add(name)
            self.nodes[name].pause()

    def send(
        self, chain: str, role: str, function: str, *args: Any, mine: bool = True, gas: int = 1_000_000
    ) -> dict[str, Any] | None:
        """Somebody else's transaction; its receipt, if it is mined."""
        data = self.target.codec.encode(function, args)
        return self.send_data(chain, role, self.target.address, data, mine=mine, gas=gas)

    def send_data(
        self, chain: str, role: str, to: str | None, data: str, *, mine: bool = True, gas: int = 1_000_000
    ) -> dict[str, Any] | None:
        """The same with call data, or the creation of a contract (`to` None)."""
        rpc, account = self.rpc(chain), role_account(role)
        raw, tx_hash = sign_transaction(
            account,
            chain_id=load_network(chain).chain_id,
            nonce=rpc.nonce(account.address, "pending"),
            to=to,
            data=data,
            gas=gas,
            fees=Fees(10**12, 10**11),
        )
        rpc.send_raw(raw)
        if mine:
            rpc.call("evm_mine")
        return rpc.receipt(tx_hash) if mine else None

    def buffer_args(self, chain: str, number: int, *, in_s: int = 3600) -> list[Any]:
        """A transaction that is due in so many seconds."""
        due = int((self.rpc(chain).block("latest") or {})["timestamp"], 16) + in_s
        return [
            f"0x{number:064x}",
            rollup_address(chain),
            rollup_address("b"),
            f"0x{number:04x}",
            "0x" + "00" * 32,
            due,
        ]

    def opened(self, declared: Path | None = None) -> Opened:
        """As a command opens it, with waits that make blocks."""
        there = open_operation(
            self.session, results=self.folder / "results", notify=self.said.append, ask=str, declared=declared
        )
        timing = replace(there.operation.timing, waiting=self.waiting())
        return replace(there, operation=replace(there.operation, timing=timing))

    def operation(self) -> Operation:
        """Its operation."""
        return self.opened().operation

    def waiting(self) -> Waiting:
        """Waiting makes blocks, and takes no time."""

        def sleep(seconds: float) -> None:
            self.simulated_s += seconds
            self.mine()

        return Waiting(look_s=1, stuck_s=30, deadline_s=600, sleep=sleep, now=lambda: self.simulated_s, unix=time.time)


@pytest.fixture
def site(open_backend: ProcessBackend, reference: Deployable, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """`site("sepolia", "amoy")`: a node for each network, the contract set up, `session.json` written."""
    with ExitStack() as stack:

        def start(*names: str, target: Deployable = reference) -> Site:
            profiles = {name: load_network(name) for name in names}
            specs = [
                NodeSpec(name, "ops-test", anvil_args(profile, genesis_time=GENESIS), lasting=True)
                for name, profile in profiles.items()
            ]
            nodes = dict(zip(names, open_backend.start_all(specs), strict=True))
            made = Site(tmp_path, target, nodes)
            for name, node in nodes.items():
                stack.callback(_stop, node, name, made)
                rpc = made.rpc(name)
                for role in ROLES:
                    rpc.call("anvil_setBalance", address(role), hex(10**21))
                put_on_chain(rpc, name, target, profiles[name], window_s=60, mine=partial(_mine, rpc))
            made.mine(3)
            _write(made)
            return made

        yield start


def _mine(rpc: Rpc, last: str) -> None:
    del last
    rpc.call("evm_mine")


def _stop(node: Node, name: str, site: Site) -> None:
    if name in site.silent:
        node.resume()
    node.leave()
    node.stop()


def _write(site: Site) -> None:
    chains = {
        name: SessionChain(
            name=name,
            network=name,
            chain_id=load_network(name).chain_id,
            rpc_url=site.nodes[name].url,
            contract=site.target.address,
            rollup=rollup_address(name),
            finality=FINALITY,
            start_block=1,
            block_time_ms=1000,
            mines_empty_blocks=True,
        )
        for name in site.nodes
    }
    session = Session(
        run_id="ops-test",
        backend="process",
        clock="real",
        genesis_time=0,
        chains=chains,
        accounts={role: address(role) for role in ROLES},
        key_file="keys.json",
        store_path="relayer.sqlite",
        rpc_timeout_ms=TIMEOUT_MS,
        state_numbering=learn_numbering(site.rpc(next(iter(chains))), site.target).numbers,
        abi=site.target.contract.abi,
        names=site.target.codec.names,
    )
    session.write(site.session)
    keys = site.folder / "keys.json"
    keys.write_text(json.dumps({role: "0x" + role_account(role).key.hex() for role in ROLES}))
    keys.chmod(0o600)
