"""Real Safes on nodes of the lab's own: the published contracts at their published addresses, a 2-of-3 on each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eth_utils.crypto import keccak

from lab.coordinator import Account, Codec, role_account
from lab.live.declaration.deployment_file import Target
from lab.live.execution.deploy import deploy_all
from lab.live.execution.safe_execution import SafeDesk, SafeExecutions, safe_journal
from lab.live.journaling.journal import Journal
from lab.live.signers.keystore import KeystoreAccount
from lab.rpc import Rpc
from lab.safe.account import SafeReader
from lab.safe.calls import named_call
from lab.safe.local import CONTRACTS, create_proxy_data, created_safe, creation_code, setup_data
from lab.safe.proposal import Proposal, SafeDescription, make_proposal
from lab.safe.published import published
from lab.safe.signatures import signature_from
from lab.secp256k1 import sign

if TYPE_CHECKING:
    from tests.unit.live.conftest import World

Sleep = Callable[[float], None]
OWNERS = tuple(role_account(role) for role in ("operator", "operator2", "newowner"))
EXECUTOR, OTHER_EXECUTOR = role_account("relayer"), role_account("attacker")
# The factory by which the published addresses came about, and what a node has at the other well-known one: same code.
FACTORY, KNOWN_FACTORY = "0x914d7fec6aac8cd542e72bca78b30650d45643d7", "0x4e59b44847b379578588920ca78fbf26c0b4956c"


def put_contracts(rpc: Rpc, version: str) -> dict[str, str]:
    """The contracts of a version, each at the address that its code gives; name -> address."""
    rpc.call("anvil_setCode", FACTORY, rpc.call("eth_getCode", KNOWN_FACTORY, "latest"))
    addresses = {}
    for name in CONTRACTS:
        code = creation_code(name, version)
        digest = keccak(b"\xff" + bytes.fromhex(FACTORY[2:]) + bytes(32) + keccak(bytes.fromhex(code[2:])))
        addresses[name] = "0x" + digest[12:].hex()
        send(rpc, FACTORY, "0x" + "00" * 32 + code[2:])
        assert rpc.call("eth_getCode", addresses[name], "latest") != "0x"
    return addresses


def send(rpc: Rpc, to: str, data: str) -> dict[str, Any]:
    """A transaction of the node's first account; its receipt."""
    call = {"from": role_account("owner").address, "to": to, "data": data, "gas": hex(9_000_000)}
    tx = rpc.call("eth_sendTransaction", call)
    rpc.call("evm_mine")
    receipt = rpc.receipt(tx)
    assert receipt is not None
    assert receipt["status"] == "0x1"
    return receipt


def new_safe(rpc: Rpc, version: str, *, threshold: int = 2, owners: tuple[Account, ...] = OWNERS, salt: int = 0) -> str:
    """A Safe of these owners; its address."""
    there = put_contracts(rpc, version)
    for name, address in there.items():
        assert address in published(name, version, 11155111)
    setup = setup_data([one.address for one in owners], threshold, there["CompatibilityFallbackHandler"])
    receipt = send(rpc, there["SafeProxyFactory"], create_proxy_data(there["SafeL2"], setup, salt))
    return created_safe(receipt["logs"])


class SafeWorld:
    """A world with a deployed coordinator whose owner is to be a Safe."""

    def __init__(self, world: World, version: str, *, name: str = "sepolia", threshold: int = 2) -> None:
        self.world, self.version, self.name = world, version, name
        self.rpc = world.rpc(name)
        self.safe = new_safe(self.rpc, version, threshold=threshold)
        file = world.folder / "deployment.yaml"
        addresses = [one.address for one in OWNERS]
        owner = f"{{kind: safe, address: '{self.safe}', threshold: {threshold}, owners: {addresses}}}"
        lines = [f"owner: {owner}" if line.startswith("owner:") else line for line in file.read_text().splitlines()]
        file.write_text("\n".join(lines) + "\n")
        for account in (*OWNERS, EXECUTOR, OTHER_EXECUTOR):
            self.rpc.call("anvil_setBalance", account.address, hex(10**21))
        self.rpc.call("evm_mine")

    @property
    def target(self) -> Target:
        """Its network."""
        return self.world.deployment.targets[0]

    def deploy(self) -> str:
        """The coordinator, proposed to the Safe; its address."""
        (outcome,) = deploy_all(
            self.world.work(), self.world.deployment.targets, self.world.signer, self.world.waiting()
        )
        assert outcome.problem is None
        assert outcome.address is not None
        return outcome.address

    @property
    def reader(self) -> SafeReader:
        """What the chain says of the Safe."""
        return SafeReader(self.rpc, self.safe)

    def executions(
        self,
        executor: Account = EXECUTOR,
        *,
        sleep: Callable[[float], None] | None = None,
        journal: Journal | None = None,
    ) -> SafeExecutions:
        """As a command opens them: the journal is that of the commands before."""
        waiting = self.world.waiting()
        signer = KeystoreAccount(executor, Path("executor.json"))
        desk = SafeDesk(journal or self.journal(executor), self.world.said.append)
        patience = waiting if sleep is None else replace(waiting, sleep=sleep)
        return SafeExecutions(desk, self.target, self.rpc, signer, patience)

    def journal(self, executor: Account = EXECUTOR) -> Journal:
        """Of what an account carried out."""
        return safe_journal(self.world.deployment.path, executor.address)

    def description(self) -> SafeDescription:
        """As a proposal names the Safe."""
        return self.reader.state().described(self.name, self.target.profile.chain_id)

    def propose(self, contract: str, function: str, *arguments: Any, nonce: int | None = None) -> Proposal:
        """One call of the coordinator."""
        return self.propose_all(contract, [(function, arguments)], nonce=nonce)

    def propose_all(self, contract: str, calls: list[tuple[str, Any]], *, nonce: int | None = None) -> Proposal:
        """A batch."""
        codec = Codec(self.world.target.contract.abi)
        given = [named_call(codec, contract, name, codec.encode(name, arguments)) for name, arguments in calls]
        return make_proposal(self.description(), given, self.reader.state().nonce if nonce is None else nonce)


def signed(proposal: Proposal, *accounts: Account) -> Proposal:
    """By these owners."""
    for account in accounts:
        proposal = proposal.with_signatures(
            signature_from(raw_signature(account, proposal.hash), proposal.hash, account.address)
        )
    return proposal


def raw_signature(account: Account, digest: str) -> str:
    """As a wallet signs 32 bytes."""
    raw = sign(account.key, bytes.fromhex(digest[2:]))
    return "0x" + (raw[:64] + bytes([raw[64] + 27])).hex()
