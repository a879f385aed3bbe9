"""The contract is deployed to every built-in network, interrupted twice in the middle, and taken up again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.coordinator import role_account
from lab.deploy.campaign import Site, deploy_everywhere, read_manifest
from lab.errors import LabError
from lab.ops.declared import Declared
from lab.ops.in_scenario import ScenarioOps
from lab.ops.inspection import inspect_chains, look_for_drift
from lab.runner.script import Script

SETUP = """
name: Deployment to every built-in network, interrupted
description: >
  One command deploys to ten networks. It stops at a node that does not answer, later once more after a transaction
  was sent and before anybody knew whether it was mined. Taken up again, it leaves alone what is there, finds what was
  sent, and does the rest. In the end every network has the contract once, at the same address, with the same code,
  and the manifest says so.
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
timeout: 30m
checks: [default]
"""

DEPLOYER = "newowner"
SILENT, CRASH = "optimism", "amoy"


class Interrupted(LabError):
    """The command was stopped while it waited."""


def site(script: Script, name: str, *, crash: bool) -> Site:
    """A chain of the run. With `crash` the command dies between sending and the receipt."""
    chain = script.run.lab.chains[name]

    def wait(done: Callable[[], bool]) -> None:
        if crash:
            raise Interrupted(f"{name}: interrupted while waiting")
        script.run.lab.scheduler.advance_until(
            done, deadline_ms=script.run.now_ms + 60_000, step_ms=250, waiting_for=f"a deployment on {name}"
        )

    return Site(name, chain.profile.chain_id, chain.look, chain.send, wait, chain.profile.min_tip_wei)


def attempt(script: Script, *, crash: str | None = None) -> tuple[list[str], str | None]:
    """Run the command; what it deployed to, or why it stopped."""
    sites = [site(script, name, crash=name == crash) for name in script.run.lab.chains]
    manifest = script.run.lab.wanted.folder / "deployments.json"
    try:
        return deploy_everywhere(script.run.lab.wanted.target, sites, role_account(DEPLOYER), manifest), None
    except LabError as stopped:
        return [], str(stopped)


def confirmed(script: Script) -> list[str]:
    """The networks that the manifest has a block for."""
    manifest = read_manifest(script.run.lab.wanted.folder / "deployments.json")
    return [name for name, placed in manifest.items() if placed.block is not None]


def play(script: Script) -> None:
    """Four runs of one command."""
    names = list(script.run.lab.chains)
    (script.run.lab.wanted.folder / "deployments.json").unlink(missing_ok=True)
    script.inject("silent", "node_pause", chain=SILENT)
    _, why = attempt(script)
    script.expect_equal("networks before the silent one", confirmed(script), names[: names.index(SILENT)])
    script.expect("the command to stop at the silent one", why, met=why is not None and SILENT in why)
    script.heal("silent")
    _, why = attempt(script, crash=CRASH)
    script.expect("the command to be interrupted", why, met=why is not None and CRASH in why)
    script.expect_equal("networks before the interruption", confirmed(script), names[: names.index(CRASH)])
    script.advance(10)
    rest, why = attempt(script)
    script.expect_equal("networks of the third run", rest, names[names.index(CRASH) :])
    again, why = attempt(script)
    script.expect_equal("networks of a fourth run", (again, why), ([], None))
    manifest = read_manifest(script.run.lab.wanted.folder / "deployments.json")
    script.expect_equal("networks in the manifest", list(manifest), names)
    for what in ("address", "code_sha256"):
        found = {getattr(placed, what) for placed in manifest.values()}
        script.expect(f"one {what} on all of them", ", ".join(map(str, found)), met=len(found) == 1)
    account = role_account(DEPLOYER).address
    sent = {name: script.reader(name).rpc.nonce(account) for name in names}
    script.expect("one transaction on each", sent, met=set(sent.values()) == {1})
    owners = {str(script.read_at(name, placed.address, "owner")) for name, placed in manifest.items()}
    script.expect_equal("the owner everywhere", owners, {account})
    # Until the deployments are final everywhere.
    script.advance(60)
    places = {name: placed.address for name, placed in manifest.items()}
    declared = dict.fromkeys(names, Declared(owner=account, operators=(account,)))
    operation = ScenarioOps(script, declared=declared, contracts=places).operation
    report = inspect_chains(operation, "drift", lambda chain: look_for_drift(operation, chain))
    script.expect_equal("drift from what is declared", [chain.left for chain in report.chains], [[] for _ in names])


def test_deployment(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Carry it out and judge what is there."""
    lab_run(SETUP, play)
