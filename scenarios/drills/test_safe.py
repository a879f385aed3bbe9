"""The owner is a real Safe: procedures are proposed as files, signed, and carried out once, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.coordinator import created_address, role_account
from lab.live.declaration.owner import SafeOwner
from lab.live.execution.safe_execution import SafeDesk, SafeExecutions, safe_journal
from lab.live.signers import TypedData
from lab.live.signers.keystore import KeystoreAccount
from lab.ops.declared import Declared
from lab.ops.executors import SafeExecutor
from lab.ops.in_scenario import ScenarioOps
from lab.ops.planning import Procedure
from lab.ops.procedure import carry_out
from lab.ops.procedures.operators import AddOperator
from lab.ops.procedures.pausing import Pause, Unpause
from lab.ops.procedures.rotation import AcceptOwner, ProposeOwner
from lab.ops.report import Report
from lab.runner.script import Script
from lab.runner.sending import DEPLOY_GAS, send_all
from lab.safe.account import SafeReader
from lab.safe.calls import named_call
from lab.safe.local import available, create_proxy_data, created_safe, creation_code, setup_data
from lab.safe.proposal import Proposal, make_proposal, read_proposal
from lab.safe.published import published
from lab.safe.signatures import signature_from

SETUP = """
name: The owner is a Safe
description: >
  The ownership goes to a 2-of-3 Safe of version {version}. Procedures are proposed as files; each takes effect once
  two of the owners signed it. A signer is lost between proposal and execution, and the third takes over; the block that
  carries a proposal out is lost in a reorg; the nonce of a proposal is used by another one. A hand-over to
  an account without code is refused.
rows: [SCS-05]
networks: {{optimism: {{}}}}
needs: [handover, stop]
relayer: none
timeout: 60m
checks: [default, S6]
"""

CHAIN = "optimism"
OWNERS = ("operator2", "newowner", "user")


def put_safe(script: Script, version: str) -> str:
    """The published contracts, and a Safe of the three owners; its address."""
    chain, deployer = script.run.lab.chains[CHAIN], role_account("owner").address
    first = chain.look().nonce(deployer)
    singleton, factory = created_address(deployer, first), created_address(deployer, first + 1)
    setup = setup_data([role_account(role).address for role in OWNERS], 2)
    codes: list[tuple[str | None, str]] = [
        (None, creation_code(name, version)) for name in ("SafeL2", "SafeProxyFactory")
    ]
    # Where batches go through, at the address at which it stands on every network.
    rpc, many = chain.look(), "MultiSendCallOnly"
    code = rpc.call("eth_call", {"data": creation_code(many, version)}, "latest")
    rpc.call("anvil_setCode", min(published(many, version, rpc.chain_id())), code)
    txs = send_all(script.run, CHAIN, "owner", codes, DEPLOY_GAS)
    txs += send_all(script.run, CHAIN, "owner", [(factory, create_proxy_data(singleton, setup))], DEPLOY_GAS)
    script.expect("the Safe to be created", [tx.status for tx in txs], met=all(tx.status == 1 for tx in txs))
    receipt = chain.look().receipt(txs[-1].hash)
    assert receipt is not None
    return created_safe(receipt["logs"])


class Signers:
    """The owners of the Safe, each with a copy of the proposal."""

    def __init__(self, script: Script, ops: ScenarioOps, safe: str) -> None:
        self.script, self.ops, self.safe = script, ops, safe
        self.folder = ops.operation.folder / "proposals"

    @property
    def reader(self) -> SafeReader:
        """What the chain says of the Safe."""
        return SafeReader(self.ops.operation.chains[0].rpc, self.safe)

    def executor(self) -> SafeExecutor:
        """As a command opens it."""
        account = role_account("relayer")
        desk = SafeDesk(safe_journal(self.folder.with_name("ops.yaml"), account.address), lambda text: None)
        signer = KeystoreAccount(account, Path("relayer"))
        return SafeExecutor(lambda name: self.safe, self.folder, desk, signer, self.ops.operation.timing.waiting)

    def run(self, procedure: Procedure) -> Report:
        """One command."""
        return self.ops.start(lambda: carry_out(self.ops.operation, procedure, self.executor())).result()

    def sign(self, *roles: str) -> None:
        """The newest proposal, each owner a copy of its own."""
        nonce = max(int(path.name.split("-")[2]) for path in self.folder.glob("*.proposal.json"))
        path = next(path for path in sorted(self.folder.glob(f"{CHAIN}-nonce-{nonce}-*")) if "-by-" not in path.name)
        for role in roles:
            signed = signed_by(read_proposal(path), [role])
            signed.write(path.with_name(path.name.replace(".proposal.json", f"-by-{role}.proposal.json")))

    def together(self, procedure: Procedure, roles: Sequence[str]) -> Report:
        """Proposed, refused with one signature, carried out with two."""
        proposed = self.run(procedure)
        self.sign(roles[0])
        alone = self.run(procedure)
        self.sign(*roles[1:])
        done = self.run(procedure)
        self.script.expect(
            f"{procedure.name} to be done once two signed, and not before",
            f"exit codes {proposed.exit_code}, {alone.exit_code}, {done.exit_code}",
            met=(proposed.exit_code, alone.exit_code, done.exit_code) == (1, 1, 0),
        )
        return done


def signed_by(proposal: Proposal, roles: Sequence[str]) -> Proposal:
    """With these owners' signatures, as their wallets make them."""
    typed = TypedData(proposal.transaction.typed_data(proposal.chain_id, proposal.safe), proposal.hash)
    for account in map(role_account, roles):
        signature = KeystoreAccount(account, Path(account.role)).sign_typed_data(typed)
        proposal = proposal.with_signatures(signature_from(signature, proposal.hash, account.address))
    return proposal


def lose_in_reorg(script: Script, signers: Signers, procedure: Procedure) -> None:
    """The block that carries it out is lost once it was seen; it is carried out on the branch that stays."""
    started = signers.ops.start(lambda: carry_out(signers.ops.operation, procedure, signers.executor()))
    nonce = signers.reader.state().nonce
    script.run.lab.scheduler.advance_until(
        lambda: signers.reader.state().nonce > nonce,
        deadline_ms=script.run.now_ms + 120_000,
        step_ms=1_000,
        waiting_for="the proposal to be in a block",
    )
    script.inject("lost-in-reorg", "reorg", chain=CHAIN, depth=1, orphans="dropped")
    script.expect_equal("the Safe's nonce, once the block is gone", signers.reader.state().nonce, nonce)
    report = started.result()
    script.expect(f"{procedure.name} to be done for good", f"exit code {report.exit_code}", met=report.exit_code == 0)
    script.expect_equal("the Safe's nonce in the end", signers.reader.state().nonce, nonce + 1)


def take_the_nonce(script: Script, signers: Signers) -> None:
    """Another proposal of the same nonce is carried out by somebody else."""
    state, target = signers.reader.state(), script.run.lab.spec.target
    codec, chain = target.codec, signers.ops.operation.chains[0]
    call = named_call(codec, chain.contract, "set_coordination_window", codec.encode("set_coordination_window", [77]))
    rival = signed_by(make_proposal(state.described(CHAIN, chain.chain_id), [call], state.nonce), OWNERS[1:])
    account = role_account("attacker")
    desk = SafeDesk(safe_journal(signers.folder.with_name("rival.yaml"), account.address), lambda text: None)
    work = SafeExecutions(
        desk, chain.target, chain.rpc, KeystoreAccount(account, Path("rival")), signers.ops.operation.timing.waiting
    )
    ended = signers.ops.start(lambda: work.carry_out(rival)).result()
    script.expect_equal("the other proposal's end", ended.ended, "success")


def play(script: Script, version: str) -> None:
    """Hand over, administer through losses, refuse to hand on to nobody."""
    safe, lab = put_safe(script, version), script.run.lab
    owners = tuple(role_account(role).address for role in OWNERS)
    owner_safe = SafeOwner(kind="safe", address=safe, threshold=2, owners=owners)
    declared = {CHAIN: Declared(owner=safe, operators=lab.operators(), safe=owner_safe)}
    ops = ScenarioOps(script, declared=declared)
    signers, operation = Signers(script, ops, safe), ops.operation
    ops.start(lambda: carry_out(operation, ProposeOwner(operation, safe), ops.executor("owner"))).result()
    signers.together(AcceptOwner(operation, safe), OWNERS[:2])
    script.expect_equal("the owner", script.read(CHAIN, "owner").lower(), safe)
    someone = role_account("attacker").address
    for role in ("owner", *OWNERS):
        script.expect_revert(script.call(CHAIN, "add_operator", someone, role=role), "Only owner")
    adding = AddOperator("0x" + "5a" * 20)
    signers.run(adding)
    signers.sign(OWNERS[0])
    # The second owner is lost: the third signs in its place.
    signers.sign(OWNERS[2])
    lose_in_reorg(script, signers, adding)
    signers.run(Pause())
    signers.sign(*OWNERS[:2])
    take_the_nonce(script, signers)
    stale = signers.run(Pause())
    script.expect("the stale proposal to be proposed anew", f"exit code {stale.exit_code}", met=stale.exit_code == 1)
    signers.sign(*OWNERS[:2])
    began_s = script.now_s
    script.expect_equal("the stop, exit code", signers.run(Pause()).exit_code, 0)
    script.expect_equal("paused", script.read(CHAIN, "paused"), True)
    script.note("drill", f"stopped for good {script.now_s - began_s:.0f} s after the second signature", CHAIN)
    signers.together(Unpause(), OWNERS[1:])
    owner = role_account("owner").address
    handed = signers.run(ProposeOwner(operation, owner))
    script.expect("a hand-over to an account without code to be refused", handed.exit_code, met=handed.exit_code == 1)
    script.expect_equal("nobody to be pending", int(script.read(CHAIN, "pending_owner"), 16), 0)


@pytest.mark.skipif(not available(), reason="no contracts of Safe (pip install 'tesseract-lab[safe]')")
@pytest.mark.parametrize("version", ["1.4.1", "1.5.0"])
def test_safe(lab_run: Callable[[str, Callable[[Script], None]], Any], version: str) -> None:
    """Carry the drill out and judge the history."""
    lab_run(SETUP.format(version=version), lambda script: play(script, version))
