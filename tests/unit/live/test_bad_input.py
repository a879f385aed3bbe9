"""What is wrong with a deployment is one clear error of `lab live deploy --broadcast`, before anything is sent."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.coordinator import role_account
from lab.coordinator.accounts import created_address
from lab.deploy.keystore import save_key
from lab.live.execution.deploy import deploy_all
from lab.live.journaling.journal import journal_path
from lab.model.chain.prices import prices
from lab.paths import CONTRACTS
from tests.unit.endpoints import Asked, endpoint, replied

from .conftest import DEPLOYER, Open, World
from .test_commands import prepare, run

Spoil = Callable[[World, pytest.MonkeyPatch], None]
NAMES = ("sepolia", "base")


def without_chain_id(asked: Asked) -> tuple[int, bytes]:
    """An endpoint that knows no such method, as one of another kind of network."""
    return replied(asked.call, error={"code": -32601, "message": "the method does not exist"})


def both(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Sepolia's endpoints are at that address."""
    for place in "AB":
        monkeypatch.setenv(f"SEPOLIA_{place}", url)


def replaced(old: str, new: str) -> Spoil:
    """The file says something else."""

    def spoil(lab: World, monkeypatch: pytest.MonkeyPatch) -> None:
        file = lab.folder / "deployment.yaml"
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    return spoil


def mainnet_under_a_testnets_name(lab: World, monkeypatch: pytest.MonkeyPatch) -> None:
    both(monkeypatch, lab.variables["BASE_A"])


def no_funds(lab: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.rpc("sepolia").call("anvil_setBalance", DEPLOYER.address, hex(10**9))


def nonce_used(lab: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.rpc("base").call("anvil_setNonce", DEPLOYER.address, hex(3))


def no_hand_over(lab: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(CONTRACTS / "plain" / "PlainCoordinator.vy", lab.folder)
    file = lab.folder / "deployment.yaml"
    file.write_text("contract: PlainCoordinator.vy\n" + file.read_text())


def code_there(lab: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.rpc("sepolia").call("anvil_setCode", created_address(DEPLOYER.address, 0), "0x6001")


def old_prices(lab: World, monkeypatch: pytest.MonkeyPatch) -> None:
    table = prices()
    old = {name: price.model_copy(update={"date": "2020-01-01"}) for name, price in table.tokens.items()}
    monkeypatch.setattr("lab.live.planning.plan.prices", lambda: table.model_copy(update={"tokens": old}))


def wrong_password(lab: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (lab.folder / "pw").write_text("wrong\n")


def another_journal(lab: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the same file with another key."""
    path = journal_path(lab.folder / "deployment.yaml")
    before = {name: lab.rpc(name).call("evm_snapshot") for name in NAMES}
    assert deploy_all(lab.work(), lab.deployment.targets[:1], lab.signer, lab.waiting())[0].problem is None
    for name, snapshot in before.items():
        lab.rpc(name).call("evm_revert", snapshot)
    text = path.read_text()
    path.write_text(text.replace(DEPLOYER.address, role_account("attacker").address))


def another_deployer(lab: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (lab.folder / "deployer.json").unlink()
    save_key(lab.folder / "deployer.json", role_account("owner").key, "pw", scrypt_n=1024)
    lab.rpc("sepolia").call("anvil_setBalance", role_account("owner").address, "0x0")


BAD: dict[str, tuple[Spoil, int, str]] = {
    "the URL of a mainnet under a testnet's name": (
        mainnet_under_a_testnets_name,
        1,
        "expected chain 11155111, it is of chain 8453",
    ),
    "a retired network": (replaced("  sepolia: {", "  mumbai: {"), 2, "'mumbai' is retired: use amoy"),
    "an unfunded deployer": (no_funds, 1, "expected 0."),
    "another deployer, without funds": (another_deployer, 1, "fund it"),
    "a nonce that is used": (nonce_used, 1, "the deployer's nonces are sepolia 0, base 3"),
    "an owner that the deployer cannot make": (no_hand_over, 1, "stays its owner, the file declares 0x976e"),
    "code where the contract would go": (code_there, 1, "there is code already at 0x"),
    "old prices": (old_prices, 1, "price_age_days_max allows 365"),
    "a wrong password": (wrong_password, 2, "wrong password, or damaged"),
    "the journal of another deployer": (another_journal, 2, "it is of another deployer"),
    "no chain of that name": (replaced("  sepolia: {", "  sepolla: {"), 2, "expected a network, got 'sepolla'"),
    "a chain twice": (replaced("  base: {", "  mine: {network: sepolia, "), 2, "is also that of sepolia"),
}


@pytest.mark.parametrize("what", BAD)
def test_nothing_is_sent(world: Open, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """To neither network, though one of them is as it should be; the error comes once, without a trace."""
    spoil, expected, words = BAD[what]
    lab = world(*NAMES)
    prepare(lab, monkeypatch)
    spoil(lab, monkeypatch)
    nonces = {name: lab.rpc(name).nonce(DEPLOYER.address, "pending") for name in NAMES}
    journal = journal_path(lab.folder / "deployment.yaml")
    before = journal.read_bytes() if journal.exists() else None
    code, said = run("deploy", "--broadcast", "--confirm", "base")
    assert code == expected, said
    assert words in said.replace("\n", " ")
    assert "Traceback" not in said
    assert {name: lab.rpc(name).nonce(DEPLOYER.address, "pending") for name in NAMES} == nonces
    assert (journal.read_bytes() if journal.exists() else None) == before


def test_an_endpoint_without_a_chain_id(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows what it is of."""
    lab = world(*NAMES)
    prepare(lab, monkeypatch)
    with endpoint(without_chain_id) as url:
        both(monkeypatch, url)
        code, said = run("deploy", "--broadcast", "--confirm", "base")
    assert (code, "eth_chainId: refused with code -32601" in said) == (1, True), said
    assert [lab.rpc(name).nonce(DEPLOYER.address, "pending") for name in NAMES] == [0, 0]


def test_a_profile_without_a_chain_id(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of one's own says which chain it is."""
    lab = world(*NAMES)
    prepare(lab, monkeypatch)
    Path("mine.yaml").write_text("name: mine\ntitle: Mine\n")
    replaced("  base: {", "  mine: {network: mine.yaml, ")(lab, monkeypatch)
    code, said = run("deploy", "--broadcast")
    assert code == 2, said
    assert "mine.yaml:1:1: missing key 'chain_id'" in said
    assert lab.rpc("sepolia").nonce(DEPLOYER.address, "pending") == 0
