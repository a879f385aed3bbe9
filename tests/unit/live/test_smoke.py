"""The smoke run: all of it as documented on a sound deployment, and the part named that is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lab.coordinator import Account, role_account
from lab.live.execution.deploy import deploy_all
from lab.live.execution.smoke import PARTS, smoke_all, smoke_read_only
from lab.live.planning.steps import DEPLOY
from lab.live.results.monitored import events_seen
from lab.live.results.session import describe, write_session
from lab.live.signers.keystore import KeystoreAccount
from lab.model.session import Session

from .conftest import DEPLOYER, Open, World

OPERATOR = role_account("relayer")


def deploy(world: World) -> str:
    """The address of the contract."""
    outcome = deploy_all(world.work(), world.deployment.targets, world.signer, world.waiting())[0]
    assert outcome.problem is None
    for name in world.nodes:
        world.rpc(name).call("anvil_setBalance", OPERATOR.address, hex(10**21))
    return outcome.address or ""


def run(world: World, account: Account) -> dict[str, str]:
    """A smoke run on chains whose time goes by while somebody waits."""

    def sleep(seconds: float) -> None:
        world.simulated_s += seconds
        for name in world.nodes:
            world.rpc(name).call("evm_increaseTime", 3)
        world.mine()

    waiting = replace(world.waiting(), sleep=sleep)
    signer = KeystoreAccount(account, Path("operator.json"))
    return smoke_all(world.work(), world.deployment.targets, signer, waiting)[0].parts


def test_a_sound_deployment(world: Open) -> None:
    """Each part, in order; then again, since neither the first run nor what the operator sent since is in the way."""
    lab = world("sepolia")
    deploy(lab)
    for times in (1, 2):
        assert run(lab, OPERATOR) == dict.fromkeys(PARTS, "ok")
        seen = events_seen(lab.work(), lab.deployment.targets[0])
        assert [seen[event] for event in ("TransactionBuffered", "TransactionReady", "TransactionFailed")] == [
            2 * times,
            times,
            times,
        ]
        rpc = lab.rpc("sepolia")
        rpc.call("anvil_setNonce", OPERATOR.address, hex(rpc.nonce(OPERATOR.address) + 3))


def test_somebody_who_is_no_operator(world: Open) -> None:
    """Said at the first part, with nothing sent."""
    lab = world("sepolia")
    deploy(lab)
    parts = run(lab, DEPLOYER)
    assert list(parts) == [PARTS[0]]
    # Whoever signs for it is no operator by the file either: nothing was tried, so nothing is wrong with the contract.
    assert parts[PARTS[0]].startswith("unknown: ")
    assert "to be an operator, it is none, nor declared as one: name the signer of an operator" in parts[PARTS[0]]


def test_a_declared_operator_that_is_none(world: Open) -> None:
    """That is the contract's doing."""
    lab = world("sepolia")
    address = deploy(lab)
    data = lab.target.codec.encode("remove_operator", [OPERATOR.address])
    rpc = lab.rpc("sepolia")
    rpc.call("anvil_impersonateAccount", DEPLOYER.address)
    rpc.call("eth_sendTransaction", {"from": DEPLOYER.address, "to": address, "data": data})
    lab.mine()
    assert run(lab, OPERATOR) == {PARTS[0]: f"sepolia: expected {OPERATOR.address} to be an operator, it is none"}


def test_nothing_deployed(world: Open) -> None:
    """The part says so."""
    lab = world("sepolia")
    assert "nothing is deployed there yet" in run(lab, OPERATOR)[PARTS[0]]


def test_read_only_sends_nothing(world: Open) -> None:
    """What can be seen and simulated; the chain stays as it is."""
    lab = world("sepolia")
    address = deploy(lab)
    before = lab.rpc("sepolia").block_number()
    result = smoke_read_only(lab.work(), lab.deployment.targets[0], address)
    assert result.parts == dict.fromkeys(("getters", "an operator may buffer", "a stranger may not"), "ok")
    assert lab.rpc("sepolia").block_number() == before


def test_a_session_of_the_deployment(world: Open, tmp_path: Path) -> None:
    """What relayer and exporter read: the contract, its block, the numbering learnt, readable by its owner only."""
    lab = world("sepolia")
    address = deploy(lab)
    work = lab.work()
    created = work.journal.last("sepolia", DEPLOY, "final")
    session = describe(work, work.deployment.targets, tmp_path / "keys.json", tmp_path, lab.variables)
    path = tmp_path / "session.json"
    write_session(session, path)
    read = Session.read(path)
    assert path.stat().st_mode & 0o077 == 0
    assert created is not None
    assert (read.chains["sepolia"].contract, read.chains["sepolia"].start_block) == (address, created.block)
    assert read.state_numbering["BUFFERED"] == 2
    assert read.chains["sepolia"].rpc_url == lab.nodes["sepolia"].url
