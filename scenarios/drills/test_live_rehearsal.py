"""A deployment file carried out on the run's chains: one configuration a network, an estimate, and verified sources."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.coordinator import role_account
from lab.errors import InvalidFile
from lab.live.declaration.deployment_file import Explorer, Target, read_deployment
from lab.live.execution.deploy import deploy_one
from lab.live.execution.waiting import Waiting
from lab.live.explorer.faults import ExplorerFaults
from lab.live.explorer.server import open_explorer
from lab.live.journaling.undertaking import Undertaking
from lab.live.planning.estimate import estimate_costs
from lab.live.planning.plan import make_plan
from lab.live.signers.keystore import KeystoreAccount
from lab.live.verify.client import Pace
from lab.live.verify.everywhere import make_bundle, verify_everywhere
from lab.ops.deploying import ScenarioDeployment
from lab.ops.in_scenario import ScenarioOps
from lab.runner.script import Script

SETUP = """
name: A deployment file, carried out, estimated and verified
description: >
  One file configures every built-in network, and what is wrong in it is found at its line before anything is sent. The
  estimate of what the deployment costs holds for each network: no more is paid than the budget, and the gas is right.
  The sources are verified by explorers that compile them again; one changed byte is refused.
rows: [PSC-03, PSC-04, RFI-01]
networks:
  ethereum: {}
  polygon: {}
  arbitrum: {}
  optimism: {}
  base: {}
relayer: none
timeout: 60m
checks: []
"""

FILE = """\
version: 1
deployer: {{keystore: deployer.json}}
owner: "{owner}"
operators: ["{operator}"]
networks:
"""
# Where, and with what: (text of the file, what stands there instead, where it is said, what of it is said).
MISTAKES = (
    ("  base: ", "  bsae: ", "10:3 networks.bsae", "base"),
    ("env:BASE_RPC", "https://rpc.example/key", "10:16 networks.base.rpc[0]", "expected env:NAME"),
    ("  ethereum: {", "  ethereum: {finality: {tag: newest}, ", "6:", "finality"),
    ("  amoy: {", "  amoy: {network: mumbai, ", "12:19 networks.amoy.network", "amoy"),
    ("  sepolia: {", "  sepolia: {network: ethereum, ", "11:3 networks.sepolia", "chain 1 is also that of ethereum"),
    ("owner: ", "ownr: ", "3:1 ownr", "owner"),
)
DEPLOYER = "newowner"
EXPLORED, DIALECTS = "base", ("sourcify", "etherscan", "blockscout")
PACE = Pace(first_s=0.05, max_s=0.2, deadline_s=120)
# Calls after the creation are estimated by what none of them exceeds.
LEAST_SHARE = 0.5
CHAIN_IDS = {
    "ethereum": 1,
    "polygon": 137,
    "arbitrum": 42161,
    "optimism": 10,
    "base": 8453,
    "sepolia": 11155111,
    "amoy": 80002,
    "arbitrum-sepolia": 421614,
    "optimism-sepolia": 11155420,
    "base-sepolia": 84532,
}


def written_for(networks: list[str]) -> str:
    """A deployment file."""
    lines = [FILE.format(owner=role_account("owner").address, operator=role_account("operator").address)]
    for name in networks:
        variable = name.upper().replace("-", "_") + "_RPC"
        lines.append(f"  {name}: {{rpc: [env:{variable}]}}\n")
    return "".join(lines)


def play(script: Script) -> None:
    """Configure, estimate, deploy, verify."""
    folder = script.run.lab.spec.folder / "live"
    folder.mkdir(exist_ok=True)
    path = folder / "deployment.yaml"
    configuration(script, path)
    if not script.needs_no_proxy(rows=["PSC-03", "RFI-01"]):
        return
    path.write_text(written_for(list(script.run.lab.chains)), encoding="utf-8")
    (folder / "deployment.journal.jsonl").unlink(missing_ok=True)
    work = ScenarioDeployment(script, ScenarioOps(script), read_deployment(path), DEPLOYER).work()
    carried_out(script, work)
    verified(script, work)


def configuration(script: Script, path: Path) -> None:
    """Each network has its own figures, and each mistake its line."""
    good = written_for(list(CHAIN_IDS))
    path.write_text(good, encoding="utf-8")
    targets = read_deployment(path).targets
    script.expect_equal("chain ids", {target.name: target.profile.chain_id for target in targets}, CHAIN_IDS)
    for text, instead, where, what in MISTAKES:
        path.write_text(good.replace(text, instead, 1), encoding="utf-8")
        try:
            read_deployment(path)
            said = "nothing"
        except InvalidFile as error:
            # The folder of a run would make each history another one.
            said = str(error).replace(str(path), path.name)
        script.expect(f"{instead.strip()!r} to be refused", said[:300], met=where in said and what in said)


def carried_out(script: Script, work: Undertaking) -> None:
    """What was paid is within the budget, and the gas that was used not far below the estimate."""
    deployer, chains = role_account(DEPLOYER).address, script.run.lab.chains
    plans = make_plan(work, work.deployment.targets, datetime.date.fromisoformat("2026-11-26"))
    costs = {cost.network: cost for cost in estimate_costs(work.deployment, plans)}
    script.expect_equal("problems of the estimate", [costs[name].problem for name in chains], [None] * len(chains))
    signer = KeystoreAccount(role_account(DEPLOYER), Path("deployer.json"))
    # A chain that mines no empty blocks, and that nobody else uses, never comes to a final block.
    waiting = Waiting(2, stuck_s=120, deadline_s=1200, final=False, sleep=script.advance, now=lambda: script.now_s)
    for target in work.deployment.targets:
        before = script.reader(target.name).rpc.balance(deployer)
        outcome = deploy_one(work, target, signer, waiting)
        stands = outcome.problem is None
        told = str(outcome.problem or outcome.address)
        script.expect(f"{target.name} to be deployed", told, met=stands, about=outcome.about)
        paid = before - script.reader(target.name).rpc.balance(deployer)
        cost = costs[target.name]
        script.expect(f"at most {cost.budget} wei to be paid", str(paid), met=stands and 0 < paid <= cost.budget)
        used = sum(entry.gas_used or 0 for entry in work.journal.of(target.name) if entry.event == "final")
        near = LEAST_SHARE * cost.gas < used <= cost.gas
        script.expect(f"between {LEAST_SHARE:g} of {cost.gas} gas and all of it to be used", str(used), met=near)


def verified(script: Script, work: Undertaking) -> None:
    """Three dialects verify the sources, after the troubles of explorers; a changed byte is refused."""
    if not script.needs_source(rows=["PSC-03"]):
        return
    bundle = make_bundle(work)
    target = next(target for target in work.deployment.targets if target.name == EXPLORED)
    chain = script.run.lab.chains[EXPLORED]
    urls = {chain.profile.chain_id: chain.node.url}
    for faults, dialects, expected in (
        (ExplorerFaults(pending=3, busy=1, broken=1, not_indexed=1), DIALECTS, ("exact", "match")),
        (ExplorerFaults(altered=True), DIALECTS[:1], ("no match",)),
    ):
        with open_explorer(urls, faults) as url:
            ended = verify_everywhere(
                work, [explored_by(target, url, dialects)], bundle, pace=PACE, variables={"KEY": "key"}
            )[0]
        verdicts = {one.explorer: one.result for one in ended.verdicts}
        met = len(verdicts) == len(dialects) and all(verdict in expected for verdict in verdicts.values())
        script.expect(f"{' or '.join(expected)} by {', '.join(dialects)}", str(verdicts or ended.difference), met=met)


def explored_by(target: Target, url: str, dialects: tuple[str, ...]) -> Target:
    """With explorers of these dialects at a server of the lab's."""
    urls = {
        "sourcify": f"{url}/sourcify",
        "etherscan": f"{url}/etherscan/v2/api",
        "blockscout": f"{url}/blockscout/{target.profile.chain_id}",
    }
    explorers = tuple(Explorer.model_validate({"kind": kind, "url": urls[kind], "key": "env:KEY"}) for kind in dialects)
    return target.model_copy(update={"explorers": explorers})


def test_live_rehearsal(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Carry it out and judge what is there."""
    lab_run(SETUP, play)
