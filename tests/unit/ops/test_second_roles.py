"""A contract with a role for each step: deployed, shown, brought in line and revoked with all of its roles."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.coordinator import Fees, sign_transaction
from lab.deploy.keystore import save_key
from lab.live.execution.deploy import deploy_all
from lab.session.suite import compile_target
from lab.session.under_test import system_under_test
from tests.unit.live.conftest import DEPLOYER, World, world

from .test_on_deployment import SOMEBODY, audited, run

__all__ = ["world"]
LANE = Path(__file__).parents[2] / "detection/correct/lane"
OPERATOR = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"
ONLY = ("--only", "sepolia", "--yes", "--json")


@pytest.fixture
def lane(world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> World:
    """It stands on one network, the deployer owns it."""
    there = world("sepolia")
    shutil.copytree(LANE, there.folder, dirs_exist_ok=True)
    monkeypatch.chdir(there.folder)
    there.target = compile_target(system_under_test(contract=None, relayer_cmd=None, working_folder=there.folder))
    file = there.folder / "deployment.yaml"
    lines = [
        f'owner: "{DEPLOYER.address}"' if line.startswith("owner:") else line for line in file.read_text().splitlines()
    ]
    text = "\n".join(["contract: Lane.vy", *lines]).replace("deployer.json}", "deployer.json, password_file: pw}")
    file.write_text(text.replace("finality: {blocks: 2}", "finality: {blocks: 0}") + "\n")
    (there.folder / "pw").write_text("pw\n")
    (there.folder / "pw").chmod(0o600)
    save_key(there.folder / "deployer.json", DEPLOYER.key, "pw", scrypt_n=1024)
    for name, value in there.variables.items():
        monkeypatch.setenv(name, value)
    (outcome,) = deploy_all(there.work(), there.deployment.targets, there.signer, there.waiting())
    assert (outcome.problem, outcome.open_ends) == (None, [])
    there.rpc("sepolia").call("evm_setIntervalMining", 1)
    return there


def by_hand(there: World, function: str, account: str) -> None:
    """The owner's own transaction, past the lab."""
    rpc, codec = there.rpc("sepolia"), there.target.codec
    address = json.loads((there.folder / "deployment.journal.jsonl").read_text().splitlines()[-1])["address"]
    raw, _ = sign_transaction(
        DEPLOYER,
        chain_id=rpc.chain_id(),
        nonce=rpc.nonce(DEPLOYER.address),
        to=address,
        data=codec.encode(function, [account]),
        gas=200_000,
        fees=Fees(10**12, 10**9),
    )
    rpc.send_raw(raw)
    rpc.call("evm_mine")


def calls() -> list[str]:
    """What was sent, by the audit log."""
    return [line["call"].partition("(")[0] for line in audited()]


def test_an_operator_holds_every_role_or_none(lane: World) -> None:
    """Given by the deployment and by `operators add`, taken by `revoke`, also where only one of them is left."""
    assert run("operators", "list", *ONLY[:2])[0] == 0
    assert run("operators", "add", SOMEBODY, *ONLY)[0] == 0
    assert calls() == ["add_operator", "add_resolver", "add_executor"]
    assert run("revoke", SOMEBODY, "--all", *ONLY)[0] == 0
    assert calls()[3:] == ["remove_operator", "remove_resolver", "remove_executor"]
    by_hand(lane, "add_executor", SOMEBODY)
    assert run("revoke", SOMEBODY, "--all", *ONLY)[0] == 0
    assert calls()[6:] == ["remove_executor"]


def test_one_role_that_is_missing_is_said_and_given(lane: World) -> None:
    """The role that the contract shows; of the other one it is said that nobody can be asked."""
    by_hand(lane, "remove_executor", OPERATOR)
    code, out, said = run("operators", "list", *ONLY[:2])
    assert (code, f"expected {OPERATOR} to be a holder of the role executor" in out) == (1, True)
    assert "who holds the role resolver cannot be asked" in out + said
    assert run("operators", "sync", *ONLY)[0] == 0
    assert calls() == ["add_executor"]
    assert run("operators", "list", *ONLY[:2])[0] == 0


def test_every_role_is_taken_at_once(lane: World) -> None:
    """None waits until the one before it is in a block: all are signed and sent first."""
    assert run("operators", "add", SOMEBODY, *ONLY)[0] == 0
    assert run("revoke", SOMEBODY, "--all", *ONLY)[0] == 0
    (path,) = lane.folder.glob("deployment.ops-*.journal.jsonl")
    entries = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    assert [one["event"] for one in entries if one["step"].startswith("remove_")][:4] == ["signed"] * 3 + ["mined"]
    assert [one["event"] for one in entries if one["step"].startswith("add_")][:3] == ["signed", "mined", "final"]
