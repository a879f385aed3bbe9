"""The commands of `lab live`: what they print, how they end, and that no secret is in any of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import app
from lab.commands.live.terminal import notify
from lab.coordinator import role_account
from lab.deploy.keystore import save_key
from lab.live.execution.deploy import deploy_all
from lab.live.execution.smoke import smoke_journal
from lab.live.explorer.faults import ExplorerFaults
from lab.live.explorer.server import open_explorer
from lab.live.journaling.journal import journal_path, locked
from lab.model.live_evidence import LiveEvidence, NetworkEvidence
from lab.model.session import Session
from lab.monitor import configuration
from lab.networks import load_network
from lab.paths import CONTRACTS

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


@pytest.mark.parametrize("words", [[], ["--broadcast", "--read-only"], ["--confirm", "sepolia"]])
def test_a_smoke_run_sends_nothing_without_being_told_to(
    world: Open, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """It says what it could do."""
    lab = world("sepolia")
    prepare(lab, monkeypatch)
    assert deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0].problem is None
    sent = lab.rpc("sepolia").nonce(DEPLOYER.address, "pending")
    code, said = run("smoke", *words)
    assert code == 2, said
    assert "expected --broadcast, to buffer, resolve and execute on the networks, or --read-only" in said
    assert lab.rpc("sepolia").nonce(DEPLOYER.address, "pending") == sent
    assert not (lab.folder / "results").exists()


@pytest.mark.parametrize("words", [["deploy", "--broadcast"], ["smoke", "--broadcast"]])
def test_a_mainnet_asks_for_its_name(world: Open, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """Where nobody can be asked, the name must be given, and another one is not enough."""
    lab = world("base")
    prepare(lab, monkeypatch)
    for confirmed in ([], ["--confirm", "sepolia"]):
        code, said = run(*words, *confirmed)
        assert code == 2
        assert "base is a mainnet: nothing was sent; add --confirm base" in said
    assert lab.rpc("base").nonce(DEPLOYER.address, "pending") == 0


def test_a_wrong_password(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear error, before anything is asked."""
    lab = world("sepolia")
    prepare(lab, monkeypatch)
    (lab.folder / "pw").write_text("other\n")
    code, said = run("plan")
    assert code == 2
    assert "wrong password, or damaged" in said


def test_the_journal_of_another_deployer(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not mixed up with this one. A plan leaves none behind."""
    lab = world("sepolia")
    prepare(lab, monkeypatch)
    assert run("plan")[0] == 0
    assert not list(lab.folder.glob("*.jsonl"))
    assert deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0].problem is None
    (lab.folder / "deployer.json").unlink()
    save_key(lab.folder / "deployer.json", role_account("attacker").key, "pw", scrypt_n=1024)
    code, said = run("plan")
    assert code == 2
    assert "it is of another deployer" in said


def test_the_journal_of_another_file(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same contract and deployer, and a name that stands for another network there: nothing is sent to either."""
    lab = world("sepolia", "amoy")
    prepare(lab, monkeypatch)
    assert deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0].problem is None
    sent = {name: lab.rpc(name).nonce(DEPLOYER.address) for name in lab.nodes}
    file = lab.folder / "deployment.yaml"
    text = (
        file.read_text()
        .replace("  sepolia: {", "  mine: {network: sepolia, ")
        .replace("  amoy: {", "  sepolia: {network: amoy, ")
    )
    other = lab.folder / "other.yaml"
    other.write_text(text)
    journal_path(other).write_bytes(journal_path(file).read_bytes())
    for words in (["plan"], ["deploy", "--broadcast"], ["status"], ["session"]):
        code, said = run(words[0], "other.yaml", *words[1:])
        assert code == 2, said
        assert "in it sepolia is chain 11155111, now 80002: move it away" in said.replace("\n", " ")
    assert {name: lab.rpc(name).nonce(DEPLOYER.address, "pending") for name in lab.nodes} == sent


@pytest.mark.parametrize("words", [["deploy", "--broadcast"], ["smoke", "--broadcast"]])
def test_two_commands_at_once(world: Open, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """The second one signs nothing."""
    lab = world("sepolia")
    prepare(lab, monkeypatch)
    file = lab.folder / "deployment.yaml"
    path = journal_path(file) if words[0] == "deploy" else smoke_journal(file)
    with locked(path):
        code, said = run(*words)
    assert code == 2, said
    assert "another command of this account is at work" in said
    assert lab.rpc("sepolia").nonce(DEPLOYER.address, "pending") == 0
    assert not list(lab.folder.glob("*.jsonl"))


def test_lines_of_networks_that_are_worked_on_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """None is written into another."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: notify(f"line {number}"), range(2_000)))
    assert sorted(capsys.readouterr().err.splitlines()) == sorted(f"line {number}" for number in range(2_000))


def test_an_endpoint_of_another_chain(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """That network alone is unknown, and what was known of it before stays."""
    lab = world("sepolia", "amoy")
    prepare(lab, monkeypatch)
    assert all(one.problem is None for one in deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting()))
    urls = {load_network(name).chain_id: node.url for name, node in lab.nodes.items()}
    file, wrong = lab.folder / "deployment.yaml", lab.variables["AMOY_A"]
    with open_explorer(urls, ExplorerFaults()) as explorer:
        at = f"explorers: [{{kind: sourcify, url: '{explorer}/sourcify'}}], finality:"
        file.write_text(file.read_text().replace("finality:", at))
        assert run("verify")[0] == 0
        before = evidence()
        for place in "AB":
            monkeypatch.setenv(f"SEPOLIA_{place}", wrong)
        code, said = run("verify")
    assert (code, "amoy: sourcify: exact" in said) == (3, True), said
    assert "sepolia: endpoint: unknown: eth_getCode: no endpoint of chain 11155111 is left" in said
    code, said = run("status")
    assert code == 3
    assert f"sepolia: unknown: {before['sepolia'].address}: eth_getBalance: no endpoint of chain 11155111" in said
    code, said = run("smoke", "--read-only")
    assert (code, "sepolia: read-only part 1: unknown: eth_call: no endpoint" in said) == (3, True), said
    after = evidence()
    assert after["sepolia"].problem is not None
    assert after["sepolia"].verified == before["sepolia"].verified == {"sourcify": "exact"}
    for place in "AB":
        monkeypatch.setenv(f"SEPOLIA_{place}", lab.variables[f"SEPOLIA_{place}"])
    run("status")
    assert (evidence()["sepolia"].problem, evidence()["sepolia"].verified) == (None, {"sourcify": "exact"})
    Path("results/live/deployment/evidence.json").write_text("{")
    assert "what was verified and smoked before is not kept" in run("status")[1]
    assert evidence()["sepolia"].verified == {}


def test_a_read_only_smoke_run_needs_no_key(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """It signs nothing."""
    lab = world("sepolia")
    prepare(lab, monkeypatch)
    assert deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0].problem is None
    (lab.folder / "pw").unlink()
    code, said = run("smoke", "--read-only")
    assert code == 0, said


def test_a_keystore_that_does_not_say_its_address(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Foundry writes them: declared in the file, it is enough for what signs nothing."""
    lab = world("sepolia")
    prepare(lab, monkeypatch)
    keystore, file = lab.folder / "deployer.json", lab.folder / "deployment.yaml"
    keystore.write_text(
        json.dumps({key: value for key, value in json.loads(keystore.read_text()).items() if key != "address"})
    )
    keystore.chmod(0o600)
    assert run("plan")[0] == 0
    (lab.folder / "pw").unlink()
    assert run("estimate")[0] == 2
    file.write_text(file.read_text().replace("password_file: pw", f"password_file: pw, address: '{DEPLOYER.address}'"))
    code, said = run("estimate")
    assert code == 0, said


def evidence() -> dict[str, NetworkEvidence]:
    """What the last command wrote."""
    return {one.network: one for one in LiveEvidence.read(Path("results/live/deployment/evidence.json")).networks}


def test_evidence_of_another_contract(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says nothing of this one: kept aside, and no network of it is among this one's, nor what a deployer had."""
    lab = world("sepolia", "amoy")
    prepare(lab, monkeypatch)
    assert all(one.problem is None for one in deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting()))
    assert run("status")[0] == 1
    before = Path("results/live/deployment/evidence.json").read_bytes()
    assert run("status", "--only", "sepolia")[0] == 1
    assert set(evidence()) == {"sepolia", "amoy"}
    shutil.copy(CONTRACTS / "plain" / "PausableCoordinator.vy", lab.folder)
    file = lab.folder / "deployment.yaml"
    file.write_text("contract: PausableCoordinator.vy\n" + file.read_text())
    journal_path(file).rename(lab.folder / "before.jsonl")
    code, said = run("status", "--only", "sepolia")
    assert (code, set(evidence())) == (3, {"sepolia"})
    assert "evidence.json was of another contract: it is kept as results/live/deployment-" in said
    (aside,) = Path("results/live").glob("deployment-*/evidence.json")
    assert {one.network for one in LiveEvidence.read(aside).networks} == {"sepolia", "amoy"}
    assert aside.with_name("deployment.html").exists()
    assert len(aside.read_bytes()) == len(before)


def test_init_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A template, once."""
    monkeypatch.chdir(tmp_path)
    assert run("init")[0] == 0
    before = (tmp_path / "deployment.yaml").read_text()
    assert run("init")[0] == 2
    assert (tmp_path / "deployment.yaml").read_text() == before


def test_a_key_is_no_name_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused before anything is read, said nowhere and written nowhere."""
    monkeypatch.chdir(tmp_path)
    key = "0x" + DEPLOYER.key.hex()
    code, said = run("session", "--key-file", key)
    assert (code, key in said, list(tmp_path.iterdir())) == (2, False, [])
    assert "expected the file with the relayer's key, got a key itself" in said


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


def test_an_estimate_needs_no_key_and_no_money(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same gas as the plan's, with the file's margin, and dollars where the token has a price."""
    lab = world("base", "sepolia")
    prepare(lab, monkeypatch)
    (lab.folder / "pw").unlink()
    lab.rpc("base").call("anvil_setBalance", DEPLOYER.address, "0x0")
    code, said = run("estimate", "--json")
    assert code == 0, said
    base, sepolia = json.loads(said)
    assert base["gas"] == sepolia["gas"] > 1_000_000
    assert base["cost"] == base["gas"] * base["gas_price"] + base["l1_fee"]
    assert base["budget"] >= int(1.5 * base["cost"])
    assert base["usd"] is not None
    assert sepolia["usd"] is None
    code, said = run("estimate", "--only", "base")
    assert f"budget of the mainnets: {base['usd']:.2f} USD" in said
    assert f"the deployer must have {base['budget'] / 10**18:.6g} ETH, {base['usd']:.2f} USD" in said


@pytest.mark.parametrize(
    ("chains", "words"),
    [
        (["\N{SUPERSCRIPT TWO}=http://127.0.0.1:8545"], "--chain: expected CHAIN_ID=URL"),
        (["1="], "--chain: expected CHAIN_ID=URL (11155111=http://127.0.0.1:8545), got 1=..."),
        (["0=http://127.0.0.1:8545"], "--chain: expected CHAIN_ID=URL"),
        (["1=ftp://127.0.0.1"], "--chain 1: expected a URL like http://127.0.0.1:8545, got"),
        (["1=http://127.0.0.1:99999"], "its port is no number from 1 to 65535"),
        (["1=http://127.0.0.1:1", "1=http://127.0.0.1:2"], "--chain 1: expected each chain once, got it twice"),
    ],
)
def test_chains_of_an_explorer(chains: list[str], words: str) -> None:
    """What is no chain is said before it listens."""
    code, said = run("explorer", *(word for chain in chains for word in ("--chain", chain)))
    assert (code, "Traceback" in said) == (2, False), said
    assert words in said.replace("\n", " ")


def test_monitoring_of_a_deployment(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--deployment` is as good as the session that `lab live session` writes; before there is one it says so."""
    lab = world("sepolia")
    prepare(lab, monkeypatch)
    words = ["monitor", "config", "--deployment", "deployment.yaml", "--out", "monitoring"]
    early = CliRunner().invoke(app, words)
    assert early.exit_code != 0
    assert "`lab live deploy` first" in early.output
    assert deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0].problem is None
    both = CliRunner().invoke(app, [*words, "--session", "other.json"])
    assert both.exit_code == 2
    monkeypatch.setattr(configuration, "check", lambda folder: [])
    monkeypatch.setattr("lab.commands.monitor.actions.check", lambda folder: [])
    written = CliRunner().invoke(app, words)
    assert written.exit_code == 0, written.output
    scrape = (lab.folder / "monitoring" / "prometheus.yml").read_text()
    assert "deployment: live-deployment" in scrape
    session = Session.read(lab.folder / "results" / "live" / "deployment" / "session.json")
    assert list(session.chains["sepolia"].rpc_urls) == [lab.variables["SEPOLIA_A"], lab.variables["SEPOLIA_B"]]
