"""Deployment to every built-in network: interrupted, taken up again, and done exactly once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.coordinator import role_account
from lab.errors import LabError
from lab.live.declaration.deployment_file import Deployment, read_deployment
from lab.live.execution.deploy import Outcome
from lab.live.planning.steps import DEPLOY
from lab.live.results.session import deployed_at
from lab.ops.declared import declared_by_deployment
from lab.ops.deploying import ScenarioDeployment
from lab.ops.in_scenario import ScenarioOps
from lab.ops.inspection import inspect_chains, look_for_drift
from lab.runner.script import Script

SETUP = """
name: Deployment to every built-in network, interrupted
description: >
  One command deploys to ten networks, by the code of `lab live deploy`. One node does not answer, and on another the
  command dies after the creation was sent and before anybody knew whether it was mined. Run again it leaves alone what
  is there, finds what was sent, and does the rest. In the end every network has the contract once, at the same address,
  with the same code, set up as the file declares.
rows: [PSC-01, PSC-02, ENV-02, OPS-02]
networks:
  ethereum: {}
  polygon: {}
  arbitrum: {}
  optimism: {}
  base: {}
  sepolia: {}
  amoy: {}
  arbitrum-sepolia: {}
  optimism-sepolia: {}
  base-sepolia: {}
relayer: none
timeout: 60m
checks: [default]
"""

DEPLOYER, OPERATOR = "newowner", "operator"
SILENT, CRASH = "optimism", "amoy"


class Interrupted(LabError):
    """The command was stopped while it waited."""


def written(script: Script) -> Deployment:
    """The file; the journal of an earlier run of the same folder is none of this one."""
    folder = script.run.lab.spec.folder / "live"
    folder.mkdir(exist_ok=True)
    path = folder / "deployment.yaml"
    (folder / "deployment.journal.jsonl").unlink(missing_ok=True)
    lines = [
        "version: 1",
        "deployer: {keystore: deployer.json}",
        f'owner: "{role_account(DEPLOYER).address}"',
        f'operators: ["{role_account(OPERATOR).address}"]',
        "networks:",
        *(f"  {name}: {{rpc: [env:RPC]}}" for name in script.run.lab.chains),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_deployment(path)


def failed(outcomes: dict[str, Outcome]) -> dict[str, str]:
    """The networks that were not finished, and why."""
    return {name: str(outcome.problem) for name, outcome in outcomes.items() if outcome.problem is not None}


def play(script: Script) -> None:
    """Three runs of one command."""
    names, deployment = list(script.run.lab.chains), written(script)
    ops = ScenarioOps(script)
    command = ScenarioDeployment(script, ops, deployment, DEPLOYER)
    scheduler = script.run.lab.scheduler

    def sleep(name: str, seconds: float) -> None:
        if name == CRASH:
            raise Interrupted(f"{name}: interrupted while waiting")
        scheduler.sleep(seconds)

    script.inject("silent", "node_pause", chain=SILENT)
    first = failed(command.deploy(sleep))
    script.expect_equal("networks that the first run did not finish", sorted(first), sorted([SILENT, CRASH]))
    script.heal("silent")
    second = command.deploy()
    about = next((one.about for one in second.values() if one.about is not None), None)
    script.expect_equal("networks that the second run did not finish", failed(second), {}, about=about)
    again = command.deploy()
    script.expect_equal(
        "steps of a third run", {name: one.done for name, one in again.items()}, {name: [DEPLOY] for name in names}
    )
    work = command.work()
    places = {target.name: deployed_at(work, target) for target in deployment.targets}
    for what, values in (
        ("address", set(places.values())),
        ("code", {script.reader(name).rpc.call("eth_getCode", places[name], "latest")[-64:] for name in names}),
    ):
        script.expect(f"one {what} on all of them", ", ".join(map(str, values)), met=len(values) == 1)
    sent = {name: script.reader(name).rpc.nonce(role_account(DEPLOYER).address) for name in names}
    # Deploy, initialize, add the operator, take the deployer's role; whatever other roles there are go the same way.
    initial = sum(call.first for call in work.codec.names.set_up)
    most = 1 + initial + 2 * (1 + len(work.codec.names.second_roles))
    # A second role that the constructor did not give the deployer need not be taken.
    steps = range(most - len(work.codec.names.second_roles), most + 1)
    told = f"{' to '.join(map(str, sorted({steps[0], most})))} transactions on each, on all as many"
    script.expect(told, sent, met=len(set(sent.values())) == 1 and set(sent.values()) <= set(steps))
    operation = ScenarioOps(
        script, declared=declared_by_deployment(deployment), contracts=places, name="drift"
    ).operation
    report = inspect_chains(operation, "drift", lambda chain: look_for_drift(operation, chain))
    script.expect_equal("drift from what is declared", [chain.left for chain in report.chains], [[] for _ in names])


def test_deployment(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Carry it out and judge what is there."""
    lab_run(SETUP, play)
