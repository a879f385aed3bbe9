"""Contracts of other people's through `lab live`: artifacts, what they cannot do, and what is no coordinator."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.coordinator import Codec, Reader, StateNumbering, role_account
from lab.deploy.deployer import deployable
from lab.errors import DeployFailure
from lab.live.execution.deploy import deploy_all
from lab.live.explorer.faults import ExplorerFaults
from lab.live.explorer.server import open_explorer
from lab.live.journaling.open import contract_of, created_on_network
from lab.live.planning.steps import initializers
from lab.model.contract.names import ContractNames, SetUpCall
from lab.paths import CONTRACTS
from tests.compiling import compile_once
from tests.detection.correct.test_correct import HERE, put_together

from .conftest import Open, World
from .test_commands import prepare, run

LEGACY = CONTRACTS / "plain" / "LegacyCoordinator.vy"
OWNER = "0x976ea74026e726554db657fa54763abd0c3a0aa9"


@pytest.fixture
def artifact() -> dict[str, Any]:
    """ABI and code of a contract for Vyper 0.3.10."""
    compiled = compile_once(LEGACY)
    return {"abi": compiled.abi, "bytecode": compiled.bytecode}


def named(lab: World, contract: str) -> None:
    """The deployment file says which contract."""
    file = lab.folder / "deployment.yaml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("contract:")]
    file.write_text("\n".join([*lines, f"contract: {json.dumps(contract)}", ""]))


def test_an_artifact(world: Open, artifact: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Planned, deployed, compared; not verified, until its source is named: the journal goes on."""
    made = Path("made.json")
    lab = world("sepolia")
    prepare(lab, monkeypatch)
    made.write_text(json.dumps(artifact))
    lab.target = deployable(compile_once(made))
    file = lab.folder / "deployment.yaml"
    file.write_text(file.read_text().replace(OWNER, lab.account.address))
    named(lab, "made.json")
    assert run("plan")[0] == 0
    assert deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0].problem is None
    for words in (["status"], ["smoke", "--read-only"], ["session"]):
        code, said = run(*words)
        assert code == 0, said
    code, said = run("verify")
    assert code == 2
    assert "made.json: expected a Vyper source to verify, an artifact has none: name the .vy file by contract:" in said
    with open_explorer({11155111: lab.nodes["sepolia"].url}, ExplorerFaults()) as explorer:
        at = f"explorers: [{{kind: sourcify, url: '{explorer}/sourcify'}}], finality:"
        file.write_text(file.read_text().replace("finality:", at))
        named(lab, str(LEGACY))
        code, said = run("verify")
    assert code == 0, said
    assert "sepolia: sourcify: exact" in said


TURNSTILE = Path(__file__).parents[2] / "detection/correct/turnstile"


def listed(world: Open, constructor: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """A network for a contract that is given its owner."""
    lab = world("sepolia")
    prepare(lab, monkeypatch)
    shutil.copy(TURNSTILE / "Turnstile.vy", lab.folder)
    (lab.folder / "lab.yaml").write_text(f"contract: Turnstile.vy\nconstructor: {constructor}\n")
    named(lab, "Turnstile.vy")
    return lab


def test_the_owner_in_a_constructor_is_the_deployer(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the lab's own, whose key everybody has; in evidence it is the contract that the lab's runs judged."""
    lab = listed(world, "[owner, 60]", monkeypatch)
    judged = contract_of(lab.deployment)
    lab.target = created_on_network(judged, lab.deployment, lab.account.address)
    assert lab.target.contract.bytecode != judged.contract.bytecode
    assert lab.target.contract.bytecode_sha256 == judged.contract.bytecode_sha256
    file = lab.folder / "deployment.yaml"
    file.write_text(file.read_text().replace(OWNER, lab.account.address))
    assert run("plan")[0] == 0
    (outcome,) = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())
    assert (outcome.problem, outcome.open_ends) == (None, [])
    code, said = run("status")
    assert code == 0, said


@pytest.mark.parametrize("account", ["relayer", role_account("relayer").address])
def test_another_account_of_the_lab_in_a_constructor_is_refused(
    world: Open, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its role, or written out."""
    lab = listed(world, f"['{account}', 60]", monkeypatch)
    code, said = run("plan")
    assert (code, "lab.yaml:2:14 constructor: the role relayer has no account on a network" in said) == (2, True), said
    assert lab.rpc("sepolia").nonce(lab.account.address) == 0


Change = Callable[[dict[str, Any]], bytes]


def changed(**fields: Any) -> Change:
    """The artifact with other fields; None takes one away."""

    def write(artifact: dict[str, Any]) -> bytes:
        return json.dumps({key: value for key, value in (artifact | fields).items() if value is not None}).encode()

    return write


def with_constructor(artifact: dict[str, Any]) -> bytes:
    """Its constructor takes an argument that nobody gives."""
    taken = {"type": "constructor", "inputs": [{"name": "window", "type": "uint256"}], "stateMutability": "nonpayable"}
    return json.dumps(artifact | {"abi": [e for e in artifact["abi"] if e["type"] != "constructor"] + [taken]}).encode()


STANDARD_INPUT = {"language": "Vyper", "sources": {"a.vy": {"content": ""}}, "settings": {"outputSelection": {}}}
REFUSED: dict[str, tuple[str, Change, str]] = {
    "not there": ("", lambda artifact: b"", "expected a contract (.vy source or artifact .json), got: no such file"),
    "empty": ("a.json", lambda artifact: b"", "a.json:1:0: malformed JSON"),
    "torn": ("a.json", lambda artifact: json.dumps(artifact).encode()[:5000], "a.json:1:5000: malformed JSON"),
    "an ABI alone": ("a.json", lambda artifact: json.dumps(artifact["abi"]).encode(), "this is an ABI alone"),
    "no code": ("a.json", changed(bytecode=None), "no creation bytecode"),
    "no ABI": ("a.json", changed(abi=None), "this is code alone; expected `abi`"),
    "no hex": ("a.json", changed(bytecode="0xzz"), "the bytecode is no hex string"),
    # What `boa.load_partial(...).solc_json` is.
    "titanoboa's input for the compiler": (
        "a.json",
        lambda artifact: json.dumps(STANDARD_INPUT).encode(),
        "this is a compiler's input (standard JSON), not its output; give the .vy source",
    ),
    # titanoboa keeps compiled contracts as pickles, and deployments in a database.
    "titanoboa's cache": ("a.pickle", lambda artifact: pickle.dumps(artifact), "artifact .json, got '.pickle'"),
    "titanoboa's deployments": (
        "deployments.db",
        lambda artifact: b"SQLite format 3\0\xc1",
        "artifact .json, got '.db'",
    ),
    "no coordinator": (
        "a.json",
        changed(abi=[{"type": "function", "name": "owner", "inputs": [], "outputs": [{"type": "address"}]}]),
        "a.json has no authorized_operators, coordination_window, add_operator,",
    ),
    "a constructor with an argument": ("a.json", with_constructor, "takes (uint256), got 0 arguments: say them by"),
    "another name": (
        "a.json:Other",
        changed(),
        "expected one contract called Other, got one without a name: leave out",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_deployed(
    world: Open, artifact: dict[str, Any], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Refused with its place or the way out, before anything is asked of a network."""
    name, change, expected = REFUSED[what]
    lab = world()
    prepare(lab, monkeypatch)
    file = lab.folder / "deployment.yaml"
    file.write_text(file.read_text() + "  sepolia: {rpc: [env:A]}\n")
    monkeypatch.setenv("A", "http://127.0.0.1:9")
    named(lab, name or "missing.json")
    if name:
        (lab.folder / name.partition(":")[0]).write_bytes(change(artifact))
    for words in (["plan"], ["deploy", "--broadcast"], ["rehearse"]):
        code, said = run(*words)
        assert code == 2, said
        assert expected in said
    assert not list(lab.folder.glob("*.jsonl"))


def test_a_window_that_nobody_can_set(world: Open, artifact: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A problem of the plan where another one is declared, and none where it is what the contract has."""
    lab = world("sepolia")
    prepare(lab, monkeypatch)
    file = lab.folder / "deployment.yaml"
    file.write_text(file.read_text().replace(OWNER, lab.account.address))
    abi = [entry for entry in artifact["abi"] if entry.get("name") != "set_coordination_window"]
    (lab.folder / "made.json").write_text(json.dumps(artifact | {"abi": abi}))
    named(lab, "made.json")
    code, said = run("plan")
    assert code == 1
    assert "expected a window of 60 s, the contract has no set_coordination_window, and its window is 30 s" in said
    file.write_text(file.read_text().replace("coordination_window: 60", "coordination_window: 30"))
    assert run("plan")[0] == 0


def test_an_initializer_behind_a_proxy(world: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deployer calls it first, and owns what it deployed. Code may hold addresses that depend on its place."""
    built = shutil.copytree(HERE / "proxy", tmp_path / "built")
    put_together(built)
    lab = world("sepolia")
    prepare(lab, monkeypatch)
    initializer = SetUpCall(function="initialize", args=(role_account("owner").address, 30), first=True)
    lab.target = deployable(compile_once(built / "Engine.json"), ContractNames(set_up=(initializer,)))
    named(lab, "built/Engine.json")
    (outcome,) = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())
    assert outcome.problem is None
    assert outcome.done[:2] == ["deploy", f"initialize {lab.account.address} 30"]
    reader = Reader(lab.rpc("sepolia"), lab.target.codec, outcome.address or "", StateNumbering({}))
    assert (reader.get("owner"), reader.get("pending_owner")) == (lab.account.address, OWNER)


def test_an_initializer_takes_no_account_of_the_labs() -> None:
    """Everybody has its key."""
    entry = {"type": "function", "name": "initialize", "inputs": [{"name": "keeper", "type": "address"}], "outputs": []}
    call = SetUpCall(function="initialize", args=("operator",), first=True, at="lab.yaml:3:5")
    with pytest.raises(DeployFailure, match=r"lab\.yaml:3:5: the role operator has no account on a network"):
        initializers(Codec([entry], ContractNames(set_up=(call,))), OWNER)
