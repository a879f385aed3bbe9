"""The smoke run: all of it as documented on a sound deployment, and the part named that is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lab.coordinator import Account, role_account
from lab.coordinator.accounts import operators_of
from lab.deploy.deployer import deployable
from lab.live.execution.deploy import deploy_all
from lab.live.execution.smoke import PARTS, smoke_all, smoke_read_only
from lab.live.planning.steps import DEPLOY
from lab.live.results.monitored import events_seen
from lab.live.results.session import describe, write_session
from lab.live.signers.keystore import KeystoreAccount
from lab.model.session import Session
from lab.paths import CONTRACTS
from tests.compiling import compile_once

from .conftest import DEPLOYER, Open, World

OPERATOR = role_account("relayer")


def deploy(world: World) -> str:
    """The address of the contract."""
    outcome = deploy_all(world.work(), world.deployment.targets, world.signer, world.waiting())[0]
    assert outcome.problem is None
    for name in world.nodes:
        world.rpc(name).call("anvil_setBalance", OPERATOR.address, hex(10**21))
    return outcome.address or ""


def run(world: World, account: Account, meanwhile: Callable[[], int | None] = lambda: 3) -> dict[str, str]:
    """A smoke run on chains whose time goes by while somebody waits, by as many seconds as `meanwhile` says.

    None: no block comes.
    """

    def sleep(seconds: float) -> None:
        world.simulated_s += seconds
        if (passes := meanwhile()) is not None:
            for name in world.nodes:
                world.rpc(name).call("evm_increaseTime", passes)
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


EXPIRY = 'log TransactionFailed(tx_id=tx_id, reason="Transaction expired")\n'
LEFT_READY = "        self.transactions[tx_id].state = State.READY\n"
OTHER_ID = EXPIRY.replace("tx_id=tx_id", "tx_id=empty(bytes32)")


@pytest.mark.parametrize(
    ("expiry", "said"),
    [
        (EXPIRY, "ok"),
        (EXPIRY + LEFT_READY, "expected the state BUFFERED or EXPIRED, got READY"),
        (OTHER_ID, "expected the event TransactionFailed, got none"),
    ],
)
def test_how_a_transaction_expires(world: Open, tmp_path: Path, expiry: str, said: str) -> None:
    """Its own event, and a state in which it can no longer be executed."""
    source = (CONTRACTS / "plain" / "PlainCoordinator.vy").read_text()
    assert source.count(EXPIRY) == 1
    changed = tmp_path / "Changed.vy"
    changed.write_text(source.replace(EXPIRY, expiry))
    lab = world("sepolia", target=deployable(compile_once(changed)))
    file = lab.folder / "deployment.yaml"
    file.write_text(file.read_text().replace("0x976ea74026e726554db657fa54763abd0c3a0aa9", DEPLOYER.address))
    deploy(lab)
    assert run(lab, OPERATOR) == {**dict.fromkeys(PARTS, "ok"), "expired": said}


def test_a_block_after_the_window(world: Open) -> None:
    """The network is slow, and the contract right: nothing is wrong with it, and nothing proven."""
    lab = world("sepolia")
    deploy(lab)
    parts = run(lab, OPERATOR, lambda: 200 if " ready 0x" in lab.said[-1] else 3)
    assert list(parts) == ["buffered", "ready"]
    assert parts["ready"].startswith("unknown: expected the call in a block before the window ended, it came ")


def test_a_chain_that_stands_still(world: Open) -> None:
    """Whose contract did nothing wrong."""
    lab = world("sepolia")
    deploy(lab)
    blocks = iter([1] * 6)
    parts = run(lab, OPERATOR, lambda: next(blocks, None))
    assert parts["buffered"] == "ok"
    assert re.fullmatch(
        r"unknown: expected a block of time (\d+) within [\d,]+ s, the chain is at \d+: run it again .*", parts["ready"]
    )


def test_a_relayer_at_work(world: Open) -> None:
    """It resolves first, as it should; whose call comes second proves nothing against the contract."""
    lab = world("sepolia")
    address, rpc, codec = deploy(lab), lab.rpc("sepolia"), lab.target.codec
    rpc.call("anvil_impersonateAccount", OPERATOR.address)

    def relay() -> int:
        logs = [codec.decode_log(log) for log in rpc.logs(address, 0, rpc.block_number())]
        buffered = [log.args for log in logs if log is not None and log.event == "TransactionBuffered"]
        if buffered and int((rpc.block() or {})["timestamp"], 16) + 3 >= buffered[-1]["timestamp"]:
            rpc.call("evm_increaseTime", 5)
            data = codec.encode("resolve_dependency", [buffered[-1]["tx_id"]])
            call = {"from": OPERATOR.address, "to": address, "data": data, "gas": "0x493e0"}
            rpc.call("eth_sendTransaction", call)
        return 3

    parts = run(lab, OPERATOR, relay)
    assert list(parts) == ["buffered", "ready"]
    assert parts["ready"].startswith("unknown: expected to move 0x")
    assert "it is READY already: another account did it, as a relayer at work does" in parts["ready"]


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
    # All declared ones, and not the owner unless it is among them: the monitor alarms for any other.
    declared = lab.deployment.targets[0].operators
    assert set(operators_of(read, "sepolia")) == {operator.lower() for operator in declared}
