"""Attackers' contracts on a chain of the lab: a small run by hand, recorded and judged like any other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.chains.nodes.process import ProcessBackend
from lab.checks import CHECKS
from lab.coordinator import ROLES, Codec, Fees, created_address, role_account, rollup_address, sign_transaction
from lab.deploy.deployer import Deployable
from lab.evidence import Recorder
from lab.model.records import Header, Leg
from lab.model.verdict import CheckResult
from lab.networks import load_network
from lab.scenario.item import ChainSpec
from lab.session.lab import Lab, LabSpec, open_lab

CHAIN = "base"
TX_ID = "0x" + "a1" * 32
ZERO_ID = "0x" + "00" * 32
WINDOW_S = 120


@dataclass
class Stage:
    """One chain with the coordinator on it. `send` mines each transaction before it returns."""

    lab: Lab
    recorder: Recorder

    @property
    def coordinator(self) -> str:
        """The coordinator's address."""
        return self.lab.spec.target.address

    def send(self, role: str, to: str | None, data: str, gas: int = 3_000_000) -> int:
        """Send as a role; the status of the receipt."""
        chain, account = self.lab.chains[CHAIN], role_account(role)
        rpc = chain.look()
        base_fee = chain.producer.next_base_fee()
        raw, _ = sign_transaction(
            account,
            chain_id=chain.profile.chain_id,
            nonce=rpc.nonce(account.address),
            to=to,
            data=data,
            gas=gas,
            fees=Fees(4 * base_fee + 10**9, 10**9),
        )
        tx_hash = chain.send(raw)
        self.lab.scheduler.advance_to(self.lab.scheduler.now_ms + 2 * chain.profile.block_time_ms)
        receipt = chain.look().receipt(tx_hash)
        assert receipt is not None
        return int(receipt["status"], 16)

    def call(self, role: str, function: str, *args: Any) -> int:
        """Call the coordinator as a role."""
        return self.send(role, self.coordinator, self.lab.spec.target.codec.encode(function, args))

    def deploy(self, contract: Deployable) -> str:
        """Put another contract on the chain, as the attacker; its address."""
        attacker = role_account("attacker").address
        address = created_address(attacker, self.lab.chains[CHAIN].look().nonce(attacker))
        assert self.send("attacker", None, contract.contract.bytecode) == 1
        return address

    def make_ready(self, target: str) -> None:
        """Buffer and resolve one transaction to a target."""
        at = self.lab.genesis_time + self.lab.scheduler.now_ms // 1000 + 5
        rollup = rollup_address(CHAIN)
        assert self.call("operator", "buffer_transaction", TX_ID, rollup, target, "0x", ZERO_ID, at) == 1
        self.lab.scheduler.advance_to(self.lab.scheduler.now_ms + 6_000)
        assert self.call("operator", "resolve_dependency", TX_ID) == 1
        assert self.state() == "READY"

    def state(self) -> str:
        """The transaction's state."""
        return self.lab.reader(CHAIN).state(TX_ID)

    def judge(self, check: str) -> CheckResult:
        """One check's result of what happened so far."""
        return CHECKS[check].judge(self.recorder.history())


@contextmanager
def stage(target: Deployable, backend: ProcessBackend, folder: Path, legs: Sequence[Leg] = ()) -> Iterator[Stage]:
    """A chain at genesis, with the coordinator set up and a recorded header."""
    profile = load_network(CHAIN)
    recorder = Recorder(None)
    wanted = LabSpec(
        run_id="detection",
        chains={CHAIN: ChainSpec(CHAIN, profile, profile.finality)},
        target=target,
        seed=1,
        window_s=WINDOW_S,
        folder=folder,
    )
    with open_lab(wanted, backend, recorder) as lab:
        recorder.add(
            Header(
                t_ms=0,
                scenario="by hand",
                item="by hand",
                seed=1,
                clock="virtual",
                genesis_time=lab.genesis_time,
                window_s=WINDOW_S,
                chains=lab.facts(),
                roles={role: role_account(role).address for role in ROLES},
                operators={CHAIN: lab.operators()},
                legs=tuple(legs),
                capabilities=target.capabilities,
                poll_ms=0,
                rpc_budget_ms=5_000,
                execution_order="ready",
            )
        )
        lab.set_up()
        yield Stage(lab, recorder)


def encoded(contract: Deployable, function: str, *args: Any) -> str:
    """Call data for another contract than the coordinator."""
    return Codec(contract.contract.abi).encode(function, args)
