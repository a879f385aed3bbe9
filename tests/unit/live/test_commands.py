"""The commands of `lab live`: what they print, how they end, and that no secret is in any of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import app
from lab.coordinator import role_account
from lab.deploy.keystore import save_key

from .conftest import DEPLOYER, Open, World

CANARY = "CANARYKEY5f3a"


def prepare(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keystore, its password, and the variables in the environment."""
    save_key(world.folder / "deployer.json", DEPLOYER.key, "pw", scrypt_n=1024)
    (world.folder / "pw").write_text("pw\n")
    (world.folder / "pw").chmod(0o600)
    file = world.folder / "deployment.yaml"
    file.write_text(file.read_text().replace("deployer.json}", "deployer.json, password_file: pw}"))
    for name, value in world.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(world.folder)


def run(*words: str) -> tuple[int, str]:
    """Exit code, and what was printed."""
    ended = CliRunner().invoke(app, ["live", *words])
    return ended.exit_code, ended.output


def test_nothing_is_sent_without_being_told_to(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """`plan`, and `deploy` without --broadcast, show the same and send nothing."""
    lab = world("sepolia")
    prepare(lab, monkeypatch)
    assert run("plan")[0] == 0
    code, said = run("deploy")
    assert code == 0
    assert "nothing was sent: add --broadcast" in said
    assert lab.rpc("sepolia").nonce(DEPLOYER.address) == 0


def test_a_mainnet_asks_for_its_name(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can be asked, the name must be given."""
    lab = world("base")
    prepare(lab, monkeypatch)
    code, said = run("deploy", "--broadcast")
    assert code == 2
    assert "base is a mainnet: nothing was sent; add --confirm base" in said
    assert lab.rpc("base").nonce(DEPLOYER.address) == 0


def test_a_wrong_password(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear error, before anything is asked."""
    lab = world("sepolia")
    prepare(lab, monkeypatch)
    (lab.folder / "pw").write_text("other\n")
    code, said = run("plan")
    assert code == 2
    assert "wrong password, or damaged" in said


def test_the_journal_of_another_deployer(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not mixed up with this one."""
    lab = world("sepolia")
    prepare(lab, monkeypatch)
    assert run("plan")[0] == 0
    (lab.folder / "deployer.json").unlink()
    save_key(lab.folder / "deployer.json", role_account("attacker").key, "pw", scrypt_n=1024)
    code, said = run("plan")
    assert code == 2
    assert "it is of another deployer" in said


def test_init_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A template, once."""
    monkeypatch.chdir(tmp_path)
    assert run("init")[0] == 0
    before = (tmp_path / "deployment.yaml").read_text()
    assert run("init")[0] == 2
    assert (tmp_path / "deployment.yaml").read_text() == before


def test_no_secret_is_printed_or_written(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys in addresses of endpoints, of explorers, of the deployer: in no output and in no file."""
    lab = world("sepolia")
    prepare(lab, monkeypatch)
    monkeypatch.setenv("SEPOLIA_A", f"http://user:{CANARY}@127.0.0.1:9/v3/{CANARY}?key={CANARY}")
    file = lab.folder / "deployment.yaml"
    file.write_text(file.read_text().replace("finality:", "explorers: [{kind: etherscan, key: env:KEY}], finality:"))
    monkeypatch.setenv("KEY", CANARY)
    # A process of its own: what libraries write to its streams counts, too.
    command = [sys.executable, "-m", "lab.cli", "live", "deploy"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    said = ended.stdout + ended.stderr
    for words in (["plan"], ["status"], ["verify"], ["smoke", "--read-only"], ["session"]):
        said += run(*words)[1]
    assert "Traceback" not in said
    written = b"".join(path.read_bytes() for path in lab.folder.rglob("*") if path.is_file())
    for secret in (CANARY, DEPLOYER.key.hex()):
        assert secret not in said
        assert secret.encode() not in written
    assert "SEPOLIA_A (http://***@127.0.0.1:9/v3/***?key=***)" in said
