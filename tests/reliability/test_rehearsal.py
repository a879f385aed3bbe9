"""A deployment file from end to end on local chains behind failing endpoints: ten networks in a long run, two else."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.commands.live.rehearsal import rehearse
from lab.coordinator import role_account
from lab.deploy.keystore import save_key
from lab.model.live_evidence import LiveEvidence
from lab.networks import BUILT_IN
from lab.paths import CONTRACTS

from .mutants import FACTOR

pytestmark = [pytest.mark.reliability, pytest.mark.real_clock]
FILE = """\
version: 1
deployer: {keystore: deployer.json}
owner: "0x976ea74026e726554db657fa54763abd0c3a0aa9"
operators: ["0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"]
networks:
"""


def test_a_rehearsal_succeeds_behind_failing_endpoints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Deployed once, verified, smoked; said to be a rehearsal, whatever the ids."""
    names = BUILT_IN if FACTOR > 1 else ("sepolia", "base-sepolia")
    explorers = "[{kind: sourcify}, {kind: etherscan, key: env:K}, {kind: blockscout, url: 'https://b.example'}]"
    lines = "".join(f"  {name}: {{rpc: [env:A], explorers: {explorers}}}\n" for name in names)
    file = tmp_path / "deployment.yaml"
    file.write_text(FILE + lines)
    code = rehearse(file, tmp_path / "results", "process")
    said = capsys.readouterr()
    assert code == 0, said.out + said.err
    folder = tmp_path / "results" / "live" / "deployment" / "rehearsal"
    evidence = LiveEvidence.read(folder / "evidence.json")
    assert evidence.kind == "rehearsal"
    assert [network.kind for network in evidence.networks] == ["rehearsal"] * len(names)
    assert len({network.address for network in evidence.networks}) == 1
    assert all(set(network.smoke.values()) == {"ok"} for network in evidence.networks)
    page = (folder / "deployment.html").read_text()
    assert "A rehearsal shows that the procedure works" in page
    assert "PASS</span>" not in page


def test_a_rehearsal_stops_at_what_the_plan_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A contract that cannot be handed over, and another owner declared: nothing is deployed, and it failed."""
    file = tmp_path / "deployment.yaml"
    contract = (CONTRACTS / "plain" / "PlainCoordinator.vy").as_posix()
    file.write_text(f"contract: {contract}\n{FILE}  sepolia: {{rpc: [env:A]}}\n")
    assert rehearse(file, tmp_path / "results", "process") == 1
    said = capsys.readouterr().out
    assert "sepolia: PROBLEM: the contract has no hand-over" in said
    assert "FAILED" in said
    # Whoever deploys is the declared owner: then there is nothing to hand over.
    given = role_account("newowner")
    save_key(tmp_path / "deployer.json", given.key, "pw", scrypt_n=1024)
    assert rehearse(file, tmp_path / "results", "process") == 0
