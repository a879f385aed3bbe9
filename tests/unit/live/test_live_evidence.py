"""Evidence of kind live, from the chain to the row: what a node must say for it, and that one thing less is none.

No network of the test is real: endpoints say what those of Sepolia would say of its first block and of their client.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from lab.live.execution.deploy import deploy_all
from lab.live.explorer.server import open_explorer
from lab.model.chain.genesis import genesis_hash
from lab.model.live_evidence import EVIDENCE, LiveEvidence
from lab.report.catalogue.rows import load_catalogue
from lab.report.evidence.baseline import Baseline
from lab.report.evidence.deployments import read_deployments
from lab.report.judge.deployment_opinions import deployment_opinions
from lab.report.judge.row_judge import judge
from lab.report.records.row_verdict import RowVerdict
from tests.unit.endpoints import Asked, endpoint, forwarded

from .conftest import Open, World
from .test_commands import prepare, run

REAL = {"genesis": genesis_hash("sepolia"), "client": "Geth/v1.16.7-stable/linux-amd64/go1.25.1"}
ROWS = ("SEP-01", "SEP-02", "SEP-03", "SEP-04", "SEP-07")


def posing(node: str, says: Mapping[str, str | None]) -> AbstractContextManager[str]:
    """An endpoint that says of a node's first block and client what `says` has; None: the truth."""

    def answer(asked: Asked) -> tuple[int, bytes]:
        call, reply = asked.call, json.loads(forwarded(node, asked.body))
        if call["method"] == "web3_clientVersion" and says.get("client"):
            reply["result"] = says["client"]
        if call["method"] == "eth_getBlockByNumber" and call["params"][0] == "0x0" and says.get("genesis"):
            reply["result"]["hash"] = says["genesis"]
        return 200, json.dumps(reply).encode()

    return endpoint(answer)


def deployed(lab: World, monkeypatch: pytest.MonkeyPatch, explorer: str) -> None:
    """As declared, with nothing left to do by others."""
    file = lab.folder / "deployment.yaml"
    text = file.read_text().replace("0x976ea74026e726554db657fa54763abd0c3a0aa9", lab.account.address)
    file.write_text(
        text.replace("finality:", f"explorers: [{{kind: sourcify, url: '{explorer}/sourcify'}}], finality:")
    )
    prepare(lab, monkeypatch)
    outcome = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0]
    assert (outcome.problem, outcome.open_ends) == (None, [])


def judged(name: str) -> tuple[RowVerdict, str]:
    """A row of the checklist by the folder's results."""
    row = next(one for one in load_catalogue().rows if one.id == name)
    deployments, notes = read_deployments(Path("results"))
    assert not notes
    verdict = judge(row, (), Baseline(), live=deployment_opinions(row, deployments, Baseline()))
    return verdict.verdict, verdict.reason


def test_what_two_endpoints_of_the_network_say_is_live(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deployed, verified, read by the commands: the rows turn PASS, and say REHEARSED of the same on local chains."""
    lab = world("sepolia")
    node = lab.nodes["sepolia"].url
    with open_explorer({11155111: node}) as explorer, posing(node, REAL) as first, posing(node, REAL) as second:
        deployed(lab, monkeypatch, explorer)
        code, said = run("verify")
        assert code == 0, said
        for name in ROWS:
            verdict, reason = judged(name)
            assert (verdict, "REHEARSED" in reason) == (RowVerdict.LIVE, True), reason
        monkeypatch.setenv("SEPOLIA_A", first)
        monkeypatch.setenv("SEPOLIA_B", second)
        code, said = run("status")
        assert code == 0, said
        assert "sepolia: live: " in said
        for name in ROWS:
            assert judged(name)[0] is RowVerdict.PASS, name
    assert LiveEvidence.read(Path("results/live/deployment") / EVIDENCE).kind == "live"
    assert "PASS</span>" in Path("results/live/deployment/deployment.html").read_text()


# What its endpoints say, whether the second one does, or what the path of the first has more there, and the doubt.
LESS: dict[str, tuple[Mapping[str, str | None], bool | str, str]] = {
    "another first block": (REAL | {"genesis": None}, True, "its genesis block is"),
    "that of another network": (REAL | {"genesis": genesis_hash("ethereum")}, True, "its genesis block is"),
    "a development node": (REAL | {"client": None}, True, "its node is a development node"),
    "one endpoint": (REAL, False, "expected 2 endpoints to agree"),
    "two names of one endpoint": (REAL, "", "expected 2 endpoints to agree"),
    "two keys of one provider": (REAL, "/v2/another-key", "expected 2 endpoints to agree"),
}


@pytest.mark.parametrize("what", LESS)
def test_one_thing_less_is_a_rehearsal(world: Open, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Said, with what is missing; no row turns."""
    says, other, doubt = LESS[what]
    lab = world("sepolia")
    node = lab.nodes["sepolia"].url
    with posing(node, says) as first, posing(node, says) as second:
        deployed(lab, monkeypatch, "http://127.0.0.1:1")
        monkeypatch.setenv("SEPOLIA_A", first)
        others = {True: second, False: "http://127.0.0.1:1"}
        monkeypatch.setenv("SEPOLIA_B", others[other] if isinstance(other, bool) else f"{first}{other}")
        code, said = run("status")
    assert code == 0, said
    assert f"no live evidence: {doubt}" in said
    verdict, reason = judged("SEP-03")
    assert (verdict, "REHEARSED" in reason) == (RowVerdict.LIVE, True)
