"""A deployment file from end to end on local chains behind failing endpoints: ten networks in a long run, two else.

All rehearsals go on at once: they wait for the times of what they try.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from lab.coordinator import role_account
from lab.deploy.keystore import save_key
from lab.model.live_evidence import LiveEvidence
from lab.networks import BUILT_IN
from lab.paths import CONTRACTS
from tests.compiling import compile_once

from .mutants import FACTOR

pytestmark = [pytest.mark.reliability, pytest.mark.real_clock]
FILE = """\
version: 1
deployer: {keystore: deployer.json}
owner: "0x976ea74026e726554db657fa54763abd0c3a0aa9"
operators: ["0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"]
networks:
"""


NAMES = BUILT_IN if FACTOR > 1 else ("sepolia", "base-sepolia")
EXPLORERS = "[{kind: sourcify}, {kind: etherscan, key: env:K}, {kind: blockscout, url: 'https://b.example'}]"
PLAIN = f"contract: {(CONTRACTS / 'plain' / 'PlainCoordinator.vy').as_posix()}\n{FILE}  sepolia: {{rpc: [env:A]}}\n"
LEGACY = (CONTRACTS / "plain" / "LegacyCoordinator.vy").as_posix()
OWN = f"contract: %s\n{FILE}  sepolia: {{rpc: [env:A], explorers: {EXPLORERS}}}\n"
SIGNERS = FILE.replace(
    "{keystore: deployer.json}", "{exec: cast mktx --ledger, address: '0x%s'}" % ("d1" * 20)
) + "  sepolia: {rpc: [env:A]}\noperator: {remote: env:SIGNER, address: '0x%s', method: account_signTransaction}\n" % (
    "d2" * 20
)
# Ten networks wait for their finality behind failing endpoints; beside other work that took longer than 15 minutes.
PATIENCE_S = 3_600


class Rehearsed(NamedTuple):
    """How it ended, and where it wrote."""

    code: int
    said: str
    folder: Path


def rehearse(folder: Path, text: str, *, owned: bool = False) -> Rehearsed:
    """`owned`: whoever deploys is the declared owner."""
    file = folder / "deployment.yaml"
    file.write_text(text)
    if owned:
        save_key(folder / "deployer.json", role_account("newowner").key, "pw", scrypt_n=1024)
    words = ["live", "rehearse", str(file), "--results", str(folder / "results"), "--backend", "process"]
    done = subprocess.run(
        [sys.executable, "-m", "lab.cli", *words],
        cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    return Rehearsed(done.returncode, done.stdout + done.stderr, folder / "results/live/deployment/rehearsal")


@pytest.fixture(scope="module")
def rehearsals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Rehearsed]]]:
    """Of several networks; of a contract that cannot be handed over; of one that need not be, and its artifact."""
    networks = FILE + "".join(f"  {name}: {{rpc: [env:A], explorers: {EXPLORERS}}}\n" for name in NAMES)
    artifact = tmp_path_factory.mktemp("artifact")
    compiled = compile_once(Path(LEGACY))
    (artifact / "made.json").write_text(json.dumps({"abi": compiled.abi, "bytecode": compiled.bytecode}))
    with ThreadPoolExecutor(5) as pool:
        yield {
            "networks": pool.submit(rehearse, tmp_path_factory.mktemp("networks"), networks),
            "signers": pool.submit(rehearse, tmp_path_factory.mktemp("signers"), SIGNERS),
            "problem": pool.submit(rehearse, tmp_path_factory.mktemp("problem"), PLAIN),
            "owned": pool.submit(rehearse, tmp_path_factory.mktemp("owned"), OWN % LEGACY, owned=True),
            "artifact": pool.submit(rehearse, artifact, OWN % "made.json", owned=True),
        }


def test_a_rehearsal_succeeds_behind_failing_endpoints(rehearsals: dict[str, Future[Rehearsed]]) -> None:
    """Deployed once, verified, smoked; said to be a rehearsal, whatever the ids."""
    done = rehearsals["networks"].result()
    assert done.code == 0, done.said
    evidence = LiveEvidence.read(done.folder / "evidence.json")
    assert evidence.kind == "rehearsal"
    happened = f"taken up again: {len(NAMES)}; blocks of the contract reorganised away: {len(NAMES)}"
    assert happened in done.said.replace("\n", " ")
    assert [network.kind for network in evidence.networks] == ["rehearsal"] * len(NAMES)
    assert len({network.address for network in evidence.networks}) == 1
    assert all(set(network.smoke.values()) == {"ok"} for network in evidence.networks)
    page = (done.folder / "deployment.html").read_text()
    assert "A rehearsal shows that the procedure works" in page
    assert "PASS</span>" not in page


def test_a_rehearsal_stops_at_what_the_plan_finds(rehearsals: dict[str, Future[Rehearsed]]) -> None:
    """A contract that cannot be handed over, and another owner declared: nothing is deployed, and it failed."""
    done = rehearsals["problem"].result()
    assert done.code == 1, done.said
    assert "sepolia: PROBLEM: the contract has no hand-over" in done.said
    assert "FAILED" in done.said


def test_signers_of_the_declared_kinds(rehearsals: dict[str, Future[Rehearsed]]) -> None:
    """A command deploys, a server signs the smoke run: neither program nor variable of the user's is needed."""
    done = rehearsals["signers"].result()
    assert done.code == 0, done.said
    (network,) = LiveEvidence.read(done.folder / "evidence.json").networks
    assert set(network.smoke.values()) == {"ok"}
    assert not list(done.folder.glob("signer-*"))


def test_whoever_deploys_is_the_declared_owner(rehearsals: dict[str, Future[Rehearsed]]) -> None:
    """Then there is nothing to hand over."""
    done = rehearsals["owned"].result()
    assert done.code == 0, done.said


def test_an_earlier_compiler(rehearsals: dict[str, Future[Rehearsed]]) -> None:
    """A source for Vyper 0.3.10 is verified like any other."""
    done = rehearsals["owned"].result()
    (network,) = LiveEvidence.read(done.folder / "evidence.json").networks
    assert network.verified == {"sourcify": "exact", "etherscan": "match", "blockscout": "match"}


def test_an_artifact_is_tried_and_not_verified(rehearsals: dict[str, Future[Rehearsed]]) -> None:
    """It has no source: that is said at the end, and stands in the evidence as nothing verified."""
    done = rehearsals["artifact"].result()
    assert done.code == 0, done.said
    assert (
        "made.json: expected a Vyper source to verify, an artifact has none" in done.said.partition("not verified: ")[2]
    )
    (network,) = LiveEvidence.read(done.folder / "evidence.json").networks
    assert network.verified == {}
    assert set(network.smoke.values()) == {"ok"}
