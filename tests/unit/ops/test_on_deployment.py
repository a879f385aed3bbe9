"""`lab ops` on a deployment file, as an operator types it: one network is done, one is not, one endpoint is dead."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lab.cli import app
from lab.coordinator import role_account
from lab.deploy.keystore import save_key
from lab.live.execution.deploy import deploy_all
from tests.unit.live.conftest import DEPLOYER, World, world

__all__ = ["world"]
SOMEBODY = "0x" + "5a" * 20
RESULTS = Path("results/ops/deployment")


def run(*words: str) -> tuple[int, str, str]:
    """Exit code, and what was printed to stdout and stderr."""
    ended = CliRunner().invoke(app, ["ops", *words])
    assert ended.exception is None or isinstance(ended.exception, SystemExit), repr(ended.exception)
    return ended.exit_code, ended.stdout, ended.stderr


@pytest.fixture
def half_done(world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> World:
    """Sepolia's contract stands, its first endpoint is dead; Amoy's is still to be deployed."""
    there = world("sepolia", "amoy")
    file = there.folder / "deployment.yaml"
    lines = [
        f'owner: "{DEPLOYER.address}"' if line.startswith("owner:") else line for line in file.read_text().splitlines()
    ]
    text = "\n".join(lines).replace("deployer.json}", "deployer.json, password_file: pw}") + "\n"
    file.write_text(text.replace("finality: {blocks: 2}", "finality: {blocks: 0}"))
    (outcome,) = deploy_all(there.work(), there.deployment.select(("sepolia",)), there.signer, there.waiting())
    assert outcome.problem is None
    (there.folder / "pw").write_text("pw\n")
    (there.folder / "pw").chmod(0o600)
    save_key(there.folder / "deployer.json", DEPLOYER.key, "pw", scrypt_n=1024)
    save_key(there.folder / "stranger.json", role_account("attacker").key, "pw", scrypt_n=1024)
    for name, value in {**there.variables, "SEPOLIA_A": "http://127.0.0.1:1/v3/SECRETKEY"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(there.folder)
    there.rpc("sepolia").call("evm_setIntervalMining", 1)
    return there


def audited() -> list[dict[str, Any]]:
    """The audit log."""
    path = RESULTS / "audit.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_an_operator_at_the_command_line(half_done: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop is not held up by what is not there; nothing is sent without a word; what is wrong is one line."""
    nonce = half_done.rpc("sepolia").nonce(DEPLOYER.address)
    code, out, said = run("pause", "--all")
    assert (code, "nothing was sent: say --yes" in said, "to do    pause()" in said) == (3, True, True)
    assert half_done.rpc("sepolia").nonce(DEPLOYER.address) == nonce
    code, out, said = run("pause", "--all", "--yes", "--json")
    shown = json.loads(out)
    chains = {chain["chain"]: chain for chain in shown["reports"][0]["chains"]}
    assert (code, shown["exit_code"]) == (3, 3)
    assert {name: chain["standing"] for name, chain in chains.items()} == {"sepolia": "equal", "amoy": "unknown"}
    assert chains["amoy"]["left"] == [
        "amoy: expected a finished deployment, the journal has none: `lab live deploy` first"
    ]
    assert "SEPOLIA_A (http://127.0.0.1:1) is not used" in said or "put back" in said
    assert "SECRETKEY" not in out + said
    (line,) = audited()
    assert (line["chain"], line["call"], line["outcome"]) == ("sepolia", "pause()", "confirmed")
    assert half_done.rpc("sepolia").receipt(line["tx"]) is not None
    # The other network's endpoints are nobody's business here.
    monkeypatch.delenv("AMOY_A")
    assert run("unpause", "--only", "sepolia", "--yes")[0] == 0
    assert len(audited()) == 2
    code, out, said = run("drift", "--only", "amoy")
    assert (code, "2 environment variables" in said or "AMOY_A" in said) == (4, True)
    monkeypatch.setenv("AMOY_A", half_done.variables["AMOY_A"])
    code, out, said = run("backup", "--json")
    assert (code, [("file" in entry, "problem" in entry) for entry in json.loads(out)]) == (
        3,
        [(True, False), (False, True)],
    )
    # Where nothing is deployed at all nothing is known, and nobody is asked for a key.
    missing = "amoy: expected a finished deployment, the journal has none: `lab live deploy` first"
    for words in ("drift", "health", "operators list"):
        code, out, _ = run(*words.split(), "--only", "amoy", "--json")
        (chain,) = json.loads(out)["reports"][0]["chains"]
        assert (code, chain["standing"], chain["left"]) == (3, "unknown", [missing])
    for words in (
        "pause",
        f"operators add {SOMEBODY}",
        f"rotate operator {SOMEBODY} {role_account('user').address}",
        "rotate owner --cancel",
        "maintenance begin --for 1h",
        f"migrate {SOMEBODY}",
    ):
        code, out, said = run(*words.split(), "--only", "amoy", "--yes")
        assert (code, out, missing in said) == (3, "", True)
    assert run("backup", "--only", "amoy")[0] == 3
    # Nobody's key: one line, and nothing sent.
    nonce = half_done.rpc("sepolia").nonce(DEPLOYER.address)
    code, out, said = run("operators", "add", SOMEBODY, "--only", "sepolia", "--yes", "--from", SOMEBODY)
    assert (code, "expected administrator, deployer or operator to sign for" in said) == (2, True)
    file = Path("deployment.yaml")
    good = file.read_text()
    file.write_text(good + "administrator: {keystore: stranger.json, password_file: pw}\n")
    sender = role_account("attacker").address
    code, out, said = run("operators", "add", SOMEBODY, "--only", "sepolia", "--yes", "--from", sender)
    assert code == 1
    assert f"expected {DEPLOYER.address} to send this, {sender} would: sign with its account" in out
    assert f"(--executor signer --from {DEPLOYER.address})" in out
    assert run("maintenance", "end", "--only", "sepolia", "--yes")[0] == 2
    assert half_done.rpc("sepolia").nonce(DEPLOYER.address) == nonce
    # Another file of the same folder, of the same owner.
    Path("second.yaml").write_text(good)
    Path("second.journal.jsonl").write_bytes(Path("deployment.journal.jsonl").read_bytes())
    assert run("pause", "--only", "sepolia", "--yes", "--deployment", "second.yaml")[0] == 0


def test_a_declared_safe_that_is_none(half_done: World) -> None:
    """Nothing is sent to it or in its name, and each command says what to do."""
    file, nonce = Path("deployment.yaml"), half_done.rpc("sepolia").nonce(DEPLOYER.address)
    safe = f'owner: {{kind: safe, address: "{SOMEBODY}", threshold: 1, owners: ["{DEPLOYER.address}"]}}'
    file.write_text(file.read_text().replace(f'owner: "{DEPLOYER.address}"', safe))
    for words in (["pause", "--all", "--yes"], ["rotate", "owner", "--to", SOMEBODY, "--yes"]):
        code, _, said = run(*words)
        assert code == 2
        assert f"to sign for {SOMEBODY}: it is a Safe: --executor safe proposes to it; until it has accepted" in said
    only = ("--only", "sepolia", "--yes", "--from", DEPLOYER.address)
    code, out, _ = run("rotate", "owner", "--to", SOMEBODY, *only)
    assert code == 1
    assert f"expected a Safe at {SOMEBODY}, there is no code" in out
    assert half_done.rpc("sepolia").nonce(DEPLOYER.address) == nonce


def test_a_keystore_that_is_not_there(half_done: World) -> None:
    """Its place in the file."""
    (half_done.folder / "deployer.json").unlink()
    code, _, said = run("drift")
    assert code == 2
    assert "deployment.yaml:2:" in said
    assert "deployer.keystore: expected a keystore that says its address, there is none" in said
