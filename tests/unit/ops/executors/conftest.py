"""A coordinator whose owner is a real 2-of-3 Safe, and the commands that operate it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.coordinator import Codec, StateNumbering
from lab.live.execution.safe_execution import SafeDesk
from lab.live.execution.waiting import Waiting
from lab.live.journaling.journal import Header, Journal, open_journal
from lab.live.signers.keystore import KeystoreAccount
from lab.ops.chain import OperatedChain
from lab.ops.declared import declared_by_deployment
from lab.ops.executors import SafeExecutor, SignerExecutor
from lab.ops.operation import Operation, OpsDesk, Timing
from lab.ops.planning import Procedure
from lab.ops.procedure import carry_out
from lab.ops.report import ChainReport
from lab.rpc import Rpc
from lab.safe.proposal import read_proposal
from tests.unit.live.conftest import safe_world, world
from tests.unit.real_safes import EXECUTOR, OWNERS, SafeWorld, signed

__all__ = ["safe_world", "world"]
FIRST, SECOND, THIRD = OWNERS


class Owned:
    """A coordinator that a Safe owns, and the commands that operate it."""

    def __init__(self, lab: SafeWorld) -> None:
        self.lab, self.contract = lab, lab.deploy()
        lab.executions().carry_out(signed(lab.propose(self.contract, "accept_ownership"), FIRST, SECOND))
        self.folder = lab.world.folder / "proposals"
        self.operators = [account.lower() for account in lab.target.operators]

    def run(
        self, procedure: Procedure, *, journal: Journal | None = None, waiting: Waiting | None = None
    ) -> ChainReport:
        """As a command does it; everything is opened anew."""
        executor = self.executor(journal=journal, waiting=waiting)
        return carry_out(self.operation(self.contract, waiting=waiting), procedure, executor).chains[0]

    def operation(self, contract: str, *, waiting: Waiting | None = None) -> Operation:
        """Of this contract or of another one of its kind; records of each in a folder of its own."""
        lab, codec = self.lab, Codec(self.lab.world.target.contract.abi)
        numbering = StateNumbering.of_abi(codec.abi)
        chain = OperatedChain(lab.target, lab.rpc, codec, contract, lambda: numbering, 0)
        declared = declared_by_deployment(lab.world.deployment)
        patience = waiting or lab.world.waiting()
        timing = Timing(patience, everywhere=lambda tasks: {name: task() for name, task in tasks.items()})
        folder = lab.world.folder / "ops" / contract
        return Operation("test", (chain,), declared, timing, folder, "tester", lab.world.said.append)

    def executor(self, *, journal: Journal | None = None, waiting: Waiting | None = None) -> SafeExecutor:
        """That of the Safe; EXECUTOR pays."""
        lab = self.lab
        desk = SafeDesk(journal or lab.journal(), lab.world.said.append)
        signer = KeystoreAccount(EXECUTOR, Path("executor.json"))
        return SafeExecutor(lambda name: lab.safe, self.folder, desk, signer, waiting or lab.world.waiting())

    def operator(self) -> SignerExecutor:
        """That of an operator whose key is here."""
        journal = open_journal(self.lab.world.folder / "operator.jsonl", Header(contract="", deployer=""))
        signer = KeystoreAccount(EXECUTOR, Path("operator.json"))
        return SignerExecutor(OpsDesk(journal, self.lab.world.said.append), signer, self.lab.world.waiting())

    def another(self) -> str:
        """A contract of the same kind that the Safe owns, set up with nothing but EXECUTOR as operator; its address."""
        lab, codec = self.lab, Codec(self.lab.world.target.contract.abi)
        deployer = lab.world.account.address
        created = send_from(lab.rpc, deployer, None, lab.world.target.contract.bytecode)["contractAddress"].lower()
        for function, argument in (("add_operator", EXECUTOR.address), ("propose_owner", lab.safe)):
            send_from(lab.rpc, deployer, created, codec.encode(function, [argument]))
        lab.executions().carry_out(signed(lab.propose(created, "accept_ownership"), FIRST, SECOND))
        return str(created)

    def sign_all(self, *accounts: Any) -> int:
        """Every proposal that nobody has signed; how many there were."""
        paths = [path for path in self.folder.glob("*.proposal.json") if not read_proposal(path).signatures]
        for path in paths:
            signed(read_proposal(path), *accounts).write(path)
        return len(paths)

    def proposal(self, *, nonce: int) -> Path:
        """The one file of a nonce."""
        (path,) = self.folder.glob(f"sepolia-nonce-{nonce}-*.json")
        return path

    def sign(self, path: Path, *accounts: Any) -> None:
        """Each owner signs a copy of its own and puts it beside the file."""
        for account in accounts:
            copy = path.with_name(path.name.replace(".proposal.json", f"-{account.role}.proposal.json"))
            signed(read_proposal(path), account).write(copy)


@pytest.fixture
def owned(safe_world: Callable[..., SafeWorld]) -> Callable[..., Owned]:
    """`owned("1.5.0")`."""
    return lambda version="1.4.1": Owned(safe_world(version))


def send_from(rpc: Rpc, sender: str, to: str | None, data: str) -> dict[str, Any]:
    """A transaction of one of the node's own accounts that succeeds; its receipt."""
    call = {"from": sender, "data": data, "gas": hex(9_000_000), **({} if to is None else {"to": to})}
    tx = rpc.call("eth_sendTransaction", call)
    rpc.call("evm_mine")
    receipt = rpc.receipt(tx)
    assert receipt is not None
    assert receipt["status"] == "0x1"
    return receipt
