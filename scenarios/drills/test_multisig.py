"""The owner is a multi-signature account: every owner function works through it, and no signer can do one alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lab.coordinator import role_account
from lab.ops.chain import OperatedChain
from lab.ops.executors import Call, Result
from lab.ops.in_scenario import ScenarioOps
from lab.ops.planning import Procedure
from lab.ops.procedure import carry_out
from lab.ops.procedures.operators import AddOperator, RemoveOperator
from lab.ops.procedures.pausing import Pause, Unpause
from lab.ops.procedures.rotation import AcceptOwner, ProposeOwner
from lab.ops.procedures.settings import SetSetting
from lab.runner.script import Script
from lab.runner.sending import Deployed

SETUP = """
name: The owner is a multi-signature account
description: >
  The ownership is handed over to a two-of-three account, in two steps. From then on neither the former owner nor a
  signer alone can do what is the owner's; two signers together can do all of it, each call once. In the end they hand
  the ownership on.
rows: [SCS-05, RTE-05]
networks: {optimism: {}}
needs: [handover]
relayer: none
timeout: 60m
checks: [default, S6, S10]
"""

CHAIN = "optimism"
CONTRACT = Path(__file__).parents[2] / "contracts" / "multisig" / "TwoOfThree.vy"
SIGNERS = ("user", "operator2", "newowner")


class Account:
    """The multi-signature account as its signers use it, and so an executor of `lab ops`."""

    described = "a two-of-three account"
    sends = True

    def __init__(self, script: Script) -> None:
        self.script = script
        self.target = script.run.lab.spec.target
        self.contract: Deployed = script.deploy(CHAIN, CONTRACT, [role_account(role).address for role in SIGNERS])

    def submit(self, function: str, *args: Any) -> int:
        """Proposed by the first signer; its id."""
        call_id = int(self.script.read_other(self.contract, "call_count"))
        data = self.target.codec.encode(function, args)
        self.script.call_other(self.contract, "submit", self.target.address, data, role=SIGNERS[0])
        return call_id

    def try_to(self, what: str, call_id: int, role: str) -> bool:
        """Whether a signer's call of the account succeeded."""
        return self.script.call_other(self.contract, what, call_id, role=role, gas=1_000_000).status == 1

    def together(self, function: str, *args: Any) -> None:
        """What one signer cannot do, two can, once."""
        call_id = self.submit(function, *args)
        outsider = self.try_to("confirm", call_id, "attacker")
        again = self.try_to("confirm", call_id, SIGNERS[0])
        alone = self.try_to("execute", call_id, SIGNERS[0])
        tried = f"an outsider's confirmation {outsider}, a second by the same signer {again}, execution {alone}"
        self.script.expect(f"{function} not to be done by one signer", tried, met=not (outsider or again or alone))
        confirmed = self.try_to("confirm", call_id, SIGNERS[1])
        done = self.try_to("execute", call_id, SIGNERS[2])
        twice = self.try_to("execute", call_id, SIGNERS[2])
        told = f"confirmed {confirmed}, executed {done}, executed again {twice}"
        self.script.expect(f"{function} to be done by two signers, once", told, met=confirmed and done and not twice)

    def sender(self, chain: OperatedChain) -> str:
        """See `Executor`."""
        return self.contract.address

    def execute(self, chain: OperatedChain, calls: Sequence[Call]) -> list[Result]:
        """See `Executor`."""
        return [self._carried_out(call) for call in calls]

    def _carried_out(self, call: Call) -> Result:
        self.together(call.function, *call.args)
        return Result(call, "confirmed", block=self.script.reader(CHAIN).rpc.block_number())


def refuse_others(script: Script) -> None:
    """Neither who was owner before, nor a signer past the account."""
    someone = role_account("attacker").address
    for role in ("owner", *SIGNERS):
        script.expect_revert(script.call(CHAIN, "add_operator", someone, role=role), "Only owner")


def play(script: Script) -> None:
    """Hand over, administer, hand on."""
    account, ops = Account(script), ScenarioOps(script)
    codec, here, operation = account.target.codec, account.contract.address, ops.operation
    proposed = carry_out(operation, ProposeOwner(operation, here), ops.executor())
    script.expect_equal("what the hand-over waits for", proposed.exit_code, 1, because="it has yet to be accepted")
    carry_out(operation, AcceptOwner(operation, here), account)
    script.expect_equal("the owner", script.read(CHAIN, "owner"), here)
    refuse_others(script)
    someone, back = role_account("user").address, role_account("owner").address
    settings = {"coordination_window": 77, "execution_window": 600, "breaker_threshold": 9}
    procedures: list[Procedure] = [AddOperator(someone), RemoveOperator(someone, operation.declared)]
    procedures += [SetSetting(name, value) for name, value in settings.items() if codec.has(f"set_{name}", name)]
    procedures += [Pause(), Unpause()] if codec.has("pause", "unpause", "paused") else []
    for procedure in procedures:
        report = carry_out(operation, procedure, account)
        script.expect(f"{procedure.name} by two signers to end equal", report.exit_code, met=report.exit_code == 0)
    for name, value in settings.items():
        if codec.has(f"set_{name}", name):
            script.expect_equal(name, script.read(CHAIN, name), value)
    carry_out(operation, ProposeOwner(operation, back), account)
    if codec.has("pending_owner"):
        script.expect_equal("pending_owner", ops.operation.chains[0].getters.get("pending_owner"), back)
    script.expect_ok(script.call(CHAIN, "accept_ownership", role="owner"))
    script.expect_equal("the owner in the end", script.read(CHAIN, "owner"), role_account("owner").address)


def test_multisig(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Carry the drill out and judge the history."""
    lab_run(SETUP, play)
