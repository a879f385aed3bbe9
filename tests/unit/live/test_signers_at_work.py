"""Whole deployments by signers outside of the lab: Anvil's `eth_signTransaction`, a command; honest ones, and liars."""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager
from typing import Any

import pytest

from lab.coordinator import role_account
from lab.live.execution.deploy import deploy_all
from lab.live.signers import Signed, Signer, SignerFailure, Unsigned, open_signer
from lab.rpc import HttpTransport
from tests.unit.endpoints import Asked, endpoint, replied

from .conftest import DEPLOYER, Open, World
from .test_deploy import assert_stands

# What a liar changes before the key signs it: a field of the request, and what becomes of it.
LIES: dict[str, tuple[str, Any]] = {
    "nonce": ("nonce", "0x7"),
    "chain id": ("chainId", hex(84532)),
    "target": ("to", "0x" + "ac" * 20),
    "value": ("value", "0x1"),
    "gas": ("gas", "0x989680"),
    "maxFeePerGas": ("maxFeePerGas", "0x174876e800"),
    "data": ("data", "0x6001600155"),
}
COMMAND = """
import json, sys, urllib.request
asked = json.load(sys.stdin)
asked.pop("type")
lie = json.loads(sys.argv[2])
if lie:
    asked[lie[0]] = lie[1]
body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_signTransaction", "params": [asked]}).encode()
request = urllib.request.Request(sys.argv[1], body, {"Content-Type": "application/json"})
with urllib.request.urlopen(request, timeout=600) as answer:
    print(json.load(answer)["result"])
"""


def signing(node: str, lie: tuple[str, Any] | None) -> AbstractContextManager[str]:
    """A signer behind JSON-RPC: Anvil signs, with whatever `lie` puts into the request."""

    def answer(asked: Asked) -> tuple[int, bytes]:
        call = asked.call
        if lie is not None:
            call["params"][0][lie[0]] = lie[1]
        return replied(call, result=HttpTransport(node, timeout_s=600).call(call["method"], call["params"]))

    return endpoint(answer)


def declared(lab: World, deployer: str) -> None:
    """The file names that signer."""
    file = lab.folder / "deployment.yaml"
    file.write_text(file.read_text().replace("deployer: {keystore: deployer.json}", f"deployer: {deployer}"))


def remote(lab: World, url: str) -> Signer:
    """The file's signer, a remote one."""
    declared(lab, f"{{remote: env:SIGNER, address: '{DEPLOYER.address}'}}")
    return open_signer(lab.deployment, input, {"SIGNER": url})


def liars_node(lab: World, field: str) -> str:
    """Anvil signs for its own chain alone: who lies about the chain has a node of another one."""
    return lab.nodes["base-sepolia" if field == "chain id" else "sepolia"].url


def command(lab: World, node: str, lie: object = None) -> Signer:
    """The file's signer, a command that has a node sign; with a lie of its own."""
    (lab.folder / "sign.py").write_text(COMMAND)
    words = [f"'{sys.executable}'", "sign.py", node, f"'{json.dumps(lie)}'"]
    declared(lab, f"{{exec: {json.dumps(' '.join(words))}, address: '{DEPLOYER.address}'}}")
    return open_signer(lab.deployment, input)


def test_anvil_as_a_remote_signer(world: Open) -> None:
    """It holds the key, and signs all steps."""
    lab = world("sepolia")
    outcome = deploy_all(lab.work(), lab.deployment.targets, remote(lab, lab.nodes["sepolia"].url), lab.waiting())[0]
    assert outcome.problem is None
    assert_stands(lab, "sepolia")


def test_a_command_that_signs(world: Open) -> None:
    """Each transaction is a run of it."""
    lab = world("sepolia")
    outcome = deploy_all(lab.work(), lab.deployment.targets, command(lab, lab.nodes["sepolia"].url), lab.waiting())[0]
    assert outcome.problem is None
    assert_stands(lab, "sepolia")


@pytest.mark.parametrize("field", LIES)
@pytest.mark.parametrize("kind", ["remote", "command"])
def test_a_liar_deploys_nothing(world: Open, kind: str, field: str) -> None:
    """What it signed in place of what was asked is refused by its field: it is in no journal, and nobody got it."""
    lab = world("sepolia", "base-sepolia")
    node, target = liars_node(lab, field), lab.deployment.targets[:1]
    with signing(node, LIES[field]) as url:
        signer = remote(lab, url) if kind == "remote" else command(lab, node, LIES[field])
        outcome = deploy_all(lab.work(), target, signer, lab.waiting())[0]
    assert isinstance(outcome.problem, SignerFailure), outcome
    assert f"expected {field} " in str(outcome.problem)
    assert "refused, not sent" in str(outcome.problem)
    assert [lab.rpc(name).nonce(DEPLOYER.address, "pending") for name in lab.nodes] == [0, 0]
    assert lab.work().journal.of("sepolia") == []


@pytest.mark.parametrize("field", LIES)
def test_a_liar_in_the_middle(world: Open, field: str) -> None:
    """The creation is there: no step after that is sent, and an honest signer goes on from there."""
    lab = world("sepolia", "base-sepolia")
    target, honest = lab.deployment.targets[:1], lab.signer

    class Turncoat:
        address, described = honest.address, "turncoat"

        def sign(self, transaction: Unsigned) -> Signed:
            liar = command(lab, liars_node(lab, field), LIES[field])
            return (honest if transaction.to is None else liar).sign(transaction)

    outcome = deploy_all(lab.work(), target, Turncoat(), lab.waiting())[0]
    assert f"expected {field} " in str(outcome.problem)
    assert [lab.rpc(name).nonce(DEPLOYER.address, "pending") for name in lab.nodes] == [1, 0]
    outcome = deploy_all(lab.work(), target, honest, lab.waiting())[0]
    assert outcome.problem is None
    assert_stands(lab, "sepolia")


def test_the_key_of_another_account(world: Open) -> None:
    """The signer has the file's fields right, and signs with another key."""
    lab = world("sepolia")
    stranger = role_account("attacker").address
    lab.rpc("sepolia").call("anvil_setBalance", stranger, hex(10**21))
    with signing(lab.nodes["sepolia"].url, ("from", stranger)) as url:
        outcome = deploy_all(lab.work(), lab.deployment.targets, remote(lab, url), lab.waiting())[0]
    assert f"got that of {stranger}: refused, not sent" in str(outcome.problem)
    assert [lab.rpc("sepolia").nonce(one, "pending") for one in (stranger, DEPLOYER.address)] == [0, 0]
