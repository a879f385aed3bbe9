"""`lab safe` from a proposal to its execution: what it prints, how it ends, and what it refuses before it sends."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from lab.cli import app
from lab.coordinator import role_account
from lab.deploy.keystore import save_key
from lab.safe.proposal import read_proposal
from tests.unit.real_safes import EXECUTOR, OWNERS, SafeWorld, raw_signature, signed

from .fake_service import fake_service

FIRST, SECOND, THIRD = OWNERS


def run(*words: str) -> tuple[int, str]:
    """Exit code, and what was printed."""
    ended = CliRunner().invoke(app, ["safe", *words])
    assert ended.exception is None or isinstance(ended.exception, SystemExit), repr(ended.exception)
    return ended.exit_code, ended.output


@pytest.fixture
def lab(safe_world: Callable[..., SafeWorld], monkeypatch: pytest.MonkeyPatch) -> SafeWorld:
    """A coordinator proposed to a Safe, keystores of all, and blocks that come by themselves."""
    there = safe_world("1.4.1")
    there.deploy()
    folder = there.world.folder
    (folder / "pw").write_text("pw\n")
    (folder / "pw").chmod(0o600)
    for account in (*OWNERS, role_account("attacker"), role_account("user"), EXECUTOR):
        save_key(folder / f"{account.role}.json", account.key, "pw", scrypt_n=1024)
    file = folder / "deployment.yaml"
    text = file.read_text().replace("deployer.json}", "user.json, password_file: pw}")
    file.write_text(text.replace("finality: {blocks: 2}", "finality: {blocks: 0}"))
    for name, value in there.world.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)
    there.rpc.call("evm_setIntervalMining", 1)
    return there


def keystore(role: str) -> tuple[str, ...]:
    """Options of a signer."""
    return "--keystore", f"{role}.json", "--password-file", "pw"


def test_from_a_proposal_to_its_execution(lab: SafeWorld) -> None:
    """Proposed, signed by two on different machines, merged, carried out; each says what comes next."""
    code, said = run("propose", "accept_ownership", "--only", "sepolia")
    assert code == 0, said
    (path,) = Path("proposals").glob("*.json")
    proposal = read_proposal(path)
    for shown in (
        "accept_ownership()",
        proposal.hash,
        proposal.hashes.domain,
        "chain 11155111",
        f"lab safe sign {path}",
    ):
        assert shown in said
    assert "is there already" in run("propose", "accept_ownership", "--only", "sepolia")[1]
    assert run("status", str(path))[0] == 3
    code, said = run("execute", str(path), "--broadcast")
    assert (code, "2 more of" in said) == (1, True)
    # A stranger, and nobody to confirm.
    assert "expected one of the owners" in run("sign", str(path), *keystore("attacker"), "--yes")[1]
    assert "nothing was signed" in run("sign", str(path), *keystore(FIRST.role))[1]
    copy = Path("copy.json")
    copy.write_text(path.read_text())
    assert "1 more must sign" in run("sign", str(path), *keystore(FIRST.role), "--yes")[1]
    # The second signs elsewhere, by a command of its own.
    Path("sign.py").write_text(f"print('{raw_signature(SECOND, proposal.hash)}')")
    command = f"'{sys.executable}' sign.py"
    assert run("sign", str(copy), "--exec", command, "--address", SECOND.address, "--yes")[0] == 0
    wrong = run("sign", str(copy), "--exec", command, "--address", THIRD.address, "--yes")
    assert (wrong[0], "another account signed" in wrong[1]) == (4, True)
    assert read_proposal(copy).signed_by() == (SECOND.address,)
    # Two files, one proposal.
    assert "ready: `lab safe execute`" in run("status", str(path), str(copy))[1]
    assert run("merge", str(path), str(copy), "--out", "merged.json")[0] == 0
    sent = lab.rpc.nonce(role_account("user").address)
    code, said = run("execute", "merged.json")
    assert (code, "nothing was sent: say --broadcast" in said) == (0, True)
    assert lab.rpc.nonce(role_account("user").address) == sent
    code, said = run("execute", "merged.json", "--broadcast")
    assert (code, "carried out: 0x" in said) == (0, True), said
    code, said = run("status", "merged.json", "--json")
    assert (code, json.loads(said)[0]["standing"], json.loads(said)[0]["safe_nonce"]) == (0, "success", 1)
    # Once more sends nothing; what is made stale by it says so.
    assert run("execute", "merged.json", "--broadcast")[0] == 0
    assert lab.rpc.nonce(role_account("user").address) == sent + 1


def test_a_batch_is_simulated_and_refused(lab: SafeWorld) -> None:
    """Before it is proposed: who proposes sees what would revert."""
    code, said = run("propose", "pause", "--only", "sepolia")
    assert (code, "it would revert when the Safe" in said) == (1, True)
    code, said = run("propose", "puase", "--only", "sepolia")
    assert (code, "pause" in said) == (2, True)
    code, said = run("propose", "add_operator", "0x12", "--only", "sepolia")
    assert (code, "expected add_operator(operator: address)" in said) == (2, True)
    assert run("propose", "accept_ownership", "--and", "pause", "--only", "sepolia")[0] == 0
    code, said = run("show", str(next(Path("proposals").glob("*.json"))))
    assert (code, "by MultiSendCallOnly 0x9641" in said) == (0, True)
    code, said = run("propose", "accept_ownership", "--only", "sepolia", "--safe", role_account("user").address)
    assert (code, "there is no code on this chain" in said) == (1, True), said


def test_signatures_from_elsewhere(lab: SafeWorld) -> None:
    """Typed in, or from a service; none of a stranger."""
    run("propose", "accept_ownership", "--only", "sepolia")
    path = next(Path("proposals").glob("*.json"))
    proposal = read_proposal(path)
    text = raw_signature(FIRST, proposal.hash)
    assert run("sign", str(path), "--signature", text, "--address", SECOND.address)[0] == 1
    assert run("sign", str(path), "--signature", text)[0] == 2
    assert run("sign", str(path), "--signature", text, "--address", FIRST.address)[0] == 0
    with fake_service() as server:
        assert run("publish", str(path), "--service", server.url)[0] == 0
        for account in (SECOND, role_account("attacker")):
            confirmation = {"signature": raw_signature(account, proposal.hash)}
            server.transactions[proposal.hash]["confirmations"].append(confirmation)
        code, said = run("fetch", str(path), "--service", server.url)
        assert (code, "left out" in said, read_proposal(path).signed_by()) == (0, True, (SECOND.address, FIRST.address))
    assert run("publish", str(path), "--service", "nowhere")[0] == 2
    stranger = signed(proposal, FIRST, SECOND, role_account("attacker"))
    stranger.write(path)
    code, said = run("execute", str(path), "--broadcast")
    assert (code, "no owner of the Safe" in said) == (1, True)
    assert run("merge", str(path), "--without", role_account("attacker").address)[0] == 0
    assert run("status", str(path))[0] == 3


def test_plan_says_who_must_sign(lab: SafeWorld) -> None:
    """And refuses a Safe that is another one than declared, or none."""
    ended = CliRunner().invoke(app, ["live", "plan"])
    assert ended.exit_code == 0, ended.output
    assert f"2 of these must sign: {', '.join(lab.reader.state().owners)}" in ended.output
    assert "lab safe propose accept_ownership --only sepolia" in ended.output
    file = Path("deployment.yaml")
    declared = file.read_text()
    file.write_text(declared.replace("threshold: 2", "threshold: 3").replace(THIRD.address, "0x" + "5a" * 20))
    for command in ("plan", "status"):
        ended = CliRunner().invoke(app, ["live", command])
        assert ended.exit_code == 1
        for what in ("a threshold of 3", f"0x{'5a' * 20} to be an owner", f"{THIRD.address} not to be an owner"):
            assert f"expected {what}" in ended.output, ended.output
    file.write_text(declared.replace(lab.safe, "0x" + "5a" * 20))
    ended = CliRunner().invoke(app, ["live", "plan"])
    assert (ended.exit_code, "there is no code on this chain: deploy the Safe first" in ended.output) == (1, True)
    file.write_text(declared.replace("threshold: 2", "threshold: 4"))
    ended = CliRunner().invoke(app, ["live", "plan"])
    assert (ended.exit_code, "expected a threshold of at most 3" in ended.output) == (2, True)


def test_another_chain(lab: SafeWorld) -> None:
    """A deployment file that has not the proposal's chain."""
    run("propose", "accept_ownership", "--only", "sepolia")
    path = next(Path("proposals").glob("*.json"))
    file = Path("deployment.yaml")
    file.write_text(file.read_text().replace("  sepolia:", "  base-sepolia:"))
    code, said = run("status", str(path))
    assert (code, "got one for chain 11155111 (sepolia)" in said) == (1, True)


def told(*words: str) -> Any:
    """What a command prints with --json, which has to be JSON and nothing else."""
    ended = CliRunner().invoke(app, ["safe", *words, "--json"])
    assert ended.exit_code in (0, 3), ended.output
    return json.loads(ended.stdout)


def test_every_command_prints_json(lab: SafeWorld) -> None:
    """The same facts as the words: who signed, what is missing, which transaction."""
    file = told("propose", "accept_ownership", "--only", "sepolia")["file"]
    proposal = read_proposal(Path(file))
    again = told("propose", "accept_ownership", "--only", "sepolia")
    assert (again["written"], again["hash"], again["nonce"], again["missing"]) == (False, proposal.hash, 0, 2)
    first = told("sign", file, *keystore(FIRST.role), "--yes")
    assert [one.lower() for one in first["signed_by"]] == [FIRST.address]
    with fake_service() as server:
        assert told("publish", file, "--service", server.url) == {"hash": proposal.hash, "signatures": 1, "shown": True}
        for account in (SECOND, role_account("attacker")):
            confirmation = {"signature": raw_signature(account, proposal.hash)}
            server.transactions[proposal.hash]["confirmations"].append(confirmation)
        fetched = told("fetch", file, "--service", server.url)
    assert ([one.lower() for one in fetched["added"]], len(fetched["left_out"])) == ([SECOND.address], 1)
    assert told("merge", file, "--out", "merged.json")["missing"] == 0
    assert told("show", "merged.json")["hashes"]["safe_tx"] == proposal.hash
    (ready,) = told("execute", "merged.json")
    assert ready["standing"] == "ready"
    (done,) = told("execute", "merged.json", "--broadcast")
    assert (done["ended"], done["hash"]) == ("success", proposal.hash)
    assert lab.rpc.receipt(done["tx"]) is not None
    assert told("status", "merged.json")[0]["tx"] == done["tx"]
    commands = getattr(get_command(app), "commands", {})["safe"].commands
    assert all("--json" in option.opts for one in commands.values() for option in one.params[-1:]), "each has it, last"


def test_a_stale_nonce_is_named(lab: SafeWorld) -> None:
    """Two proposals of one nonce: once the first is carried out the other can never be, and its nonce is said."""
    paths = []
    for words in (["accept_ownership"], ["accept_ownership", "--and", "pause"]):
        code, said = run("propose", *words, "--nonce", "0", "--only", "sepolia")
        assert code == 0, said
        paths.append(next(path for path in Path("proposals").glob("*.json") if path not in paths))
        for account in (FIRST, SECOND):
            run("sign", str(paths[-1]), *keystore(account.role), "--yes")
    assert run("execute", str(paths[0]), "--broadcast")[0] == 0
    sent = lab.rpc.nonce(role_account("user").address)
    stale = "STALE: nonce 0 of the Safe was used by another transaction (it is at 1)"
    for command, *more in (["status"], ["execute"], ["execute", "--broadcast"]):
        code, said = run(command, str(paths[1]), *more)
        assert (code, stale in said, "propose it anew with nonce 1" in said) == (1, True, True)
    assert lab.rpc.nonce(role_account("user").address) == sent


def test_a_signer_needs_no_network(lab: SafeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with the file and a key alone: no deployment file, no endpoint, no socket."""
    run("propose", "accept_ownership", "--only", "sepolia")
    (source,) = Path("proposals").glob("*.json")
    alone = tmp_path / "alone"
    alone.mkdir()
    for path in (source, Path(f"{FIRST.role}.json"), Path("pw")):
        shutil.copy2(path, alone / path.name)
    monkeypatch.chdir(alone)
    for name in lab.world.variables:
        monkeypatch.delenv(name)

    def refuse(*args: object) -> NoReturn:
        raise AssertionError(f"a connection: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    code, said = run("show", source.name)
    assert (code, "compare on the device" in said) == (0, True)
    code, said = run("sign", source.name, *keystore(FIRST.role), "--yes")
    assert (code, "1 more must sign" in said) == (0, True), said
