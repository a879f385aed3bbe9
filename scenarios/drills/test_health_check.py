"""The health check after a deployment: silent while all is well, and it notices each of a dozen faults."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lab.coordinator import role_account
from lab.ops.health import Expected
from lab.ops.in_scenario import ScenarioOps
from lab.ops.inspection import health_findings
from lab.rpc import HttpTransport, Rpc
from lab.runner.script import Script

SETUP = """
name: Health check after a deployment
description: >
  A sound deployment gives no finding. Then one thing after another is made wrong: the contract stopped, its breaker
  switched off, another window, an operator missing, a stranger among them, an operator without money, another owner,
  other code, another chain, a chain that stands still, a node that does not answer. Each is noticed by its own
  finding, and gone once it is put right.
rows: [PSC-05]
networks: {optimism: {}}
relayer: none
window: 30s
timeout: 60m
checks: [default]
"""

CHAIN, HEAD_AGE_MAX_S, BALANCE_MIN_WEI = "optimism", 30, 10**16
# Long for a node on this machine, and what a silent one costs the drill.
TIMEOUT_S = 1.0


class Patient:
    """The deployment, and what it should be."""

    def __init__(self, script: Script) -> None:
        self.script, self.ops = script, ScenarioOps(script)
        lab = script.run.lab
        self.target, self.chain = lab.spec.target, lab.chains[CHAIN]
        code = self.chain.look().call("eth_getCode", self.target.address, "latest")
        self.expected = Expected(
            chain_id=self.chain.profile.chain_id,
            address=self.target.address,
            code_sha256=hashlib.sha256(bytes.fromhex(code.removeprefix("0x"))).hexdigest(),
            owner=role_account("owner").address,
            operators=lab.operators(),
            strangers=(role_account("attacker").address, role_account("user").address),
            window_s=30,
            head_age_max_s=HEAD_AGE_MAX_S,
            balance_min_wei=BALANCE_MIN_WEI,
        )

    def findings(self, expected: Expected | None = None) -> list[str]:
        """What the check finds now, each kind once: an account may lack several roles."""
        self.chain.catch_up()
        # A connection of its own: the lab's knows that a node hangs, this one has to find out.
        rpc = Rpc(HttpTransport(self.chain.node.url, timeout_s=TIMEOUT_S))
        (chain,) = self.ops.operation.chains
        found = health_findings(self.ops.operation, replace(chain, rpc=rpc), expected or self.expected)
        return list(dict.fromkeys(finding.kind for finding in found))

    def suffers(self, what: str, expected: list[str], break_it: Callable[[], Any], mend: Callable[[], Any]) -> None:
        """Broken it is noticed, mended it is not."""
        break_it()
        self.script.expect_equal(f"findings with {what}", self.findings(), expected)
        mend()
        self.script.expect_equal(f"findings without {what}", self.findings(), [])

    def owner(self, function: str, *args: Any) -> Callable[[], Any]:
        """A call by the owner, for later."""
        return lambda: self.script.call(CHAIN, function, *args, role="owner")


def settings(patient: Patient) -> None:
    """What owner and operators can get wrong."""
    operator, stranger = role_account("operator").address, role_account("attacker").address
    call = patient.owner
    widened, narrowed = call("set_coordination_window", 60), call("set_coordination_window", 30)
    patient.suffers("another window", ["window"], widened, narrowed)
    removed, added = call("remove_operator", operator), call("add_operator", operator)
    patient.suffers("an operator missing", ["operator-missing"], removed, added)
    added, removed = call("add_operator", stranger), call("remove_operator", stranger)
    patient.suffers("a stranger", ["operator-unknown"], added, removed)
    if patient.script.needs("stop"):
        patient.suffers("the contract stopped", ["stopped"], call("pause"), call("unpause"))
    if patient.script.needs("breaker", functions=["set_breaker_threshold"]):
        before = patient.script.read(CHAIN, "breaker_threshold")
        switched_off = call("set_breaker_threshold", 0)
        patient.suffers("the breaker off", ["breaker"], switched_off, call("set_breaker_threshold", before))
    rpc = patient.chain.look()
    balance = rpc.balance(operator)
    patient.suffers(
        "an operator without money",
        ["balance"],
        lambda: rpc.call("anvil_setBalance", operator, hex(BALANCE_MIN_WEI - 1)),
        lambda: rpc.call("anvil_setBalance", operator, hex(balance)),
    )


def hand_over(patient: Patient) -> None:
    """Another owner, and back."""
    script = patient.script

    def to(role: str, by: str) -> Callable[[], Any]:
        def both() -> None:
            script.call(CHAIN, "propose_owner", role_account(role).address, role=by)
            script.call(CHAIN, "accept_ownership", role=role)

        return both

    if script.needs("handover"):
        patient.suffers("another owner", ["owner"], to("newowner", "owner"), to("owner", "newowner"))


def play(script: Script) -> None:
    """Healthy, then one fault after another."""
    patient = Patient(script)
    script.expect_equal("findings of a sound deployment", patient.findings(), [])
    settings(patient)
    hand_over(patient)
    elsewhere = replace(patient.expected, address=role_account("user").address)
    script.expect_equal("findings at an address without the contract", patient.findings(elsewhere), ["code"])
    script.expect_equal("findings on another chain", patient.findings(replace(patient.expected, chain_id=1)), ["chain"])
    script.inject("halt", "halt", chain=CHAIN)
    script.advance(HEAD_AGE_MAX_S + 10)
    script.expect_equal("findings with a chain that stands still", patient.findings(), ["head"])
    script.heal("halt")
    script.advance(10)
    script.inject("silent", "node_pause", chain=CHAIN)
    script.expect_equal("findings with a silent node", patient.findings(), ["node"])
    script.advance(10)
    script.heal("silent")
    script.advance(10)
    script.expect_equal("findings in the end", patient.findings(), [])


def test_health_check(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Break one thing after another."""
    lab_run(SETUP, play)
