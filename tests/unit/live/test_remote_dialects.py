"""Signers behind JSON-RPC as the field has them: each speaks its own dialect, and signs for one chain."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

import pytest

from lab.coordinator import Account
from lab.live.declaration.deployment_file import RemoteSigner
from lab.live.declaration.variables import missing_variables
from lab.live.execution.deploy import deploy_all
from lab.live.signers import Signer, SignerFailure, open_given, open_signer
from tests.unit.real_safes import raw_signature

from .conftest import DEPLOYER, Open, World
from .signer_stand_ins import clef, web3signer
from .test_deploy import assert_stands
from .test_typed_data import ACCOUNT, TYPED

Served = Callable[[Account, int], AbstractContextManager[str]]
CHAINS = {"sepolia": 11155111, "base-sepolia": 84532}
DIALECTS: dict[str, Served] = {"web3signer": web3signer, "clef": clef}


def declared(lab: World, remote: str, urls: dict[str, str]) -> Signer:
    """The file's deployer, who signs behind these variables."""
    file = lab.folder / "deployment.yaml"
    deployer = f"{{remote: {remote}, address: '{DEPLOYER.address}'}}"
    file.write_text(file.read_text().replace("{keystore: deployer.json}", deployer))
    return open_signer(lab.deployment, input, urls)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_two_networks_have_a_signer_each(world: Open, dialect: str) -> None:
    """Its methods are found without being named, and what it signs is what was asked."""
    lab = world(*CHAINS)
    with ExitStack() as stack:
        urls = {
            f"S{chain_id}": stack.enter_context(DIALECTS[dialect](DEPLOYER, chain_id)) for chain_id in CHAINS.values()
        }
        each = ", ".join(f"{name}: env:S{chain_id}" for name, chain_id in CHAINS.items())
        signer = declared(lab, f"{{{each}}}", urls)
        outcomes = deploy_all(lab.work(), lab.deployment.targets, signer, lab.waiting())
    assert [outcome.problem for outcome in outcomes] == [None, None]
    assert assert_stands(lab, "sepolia") == assert_stands(lab, "base-sepolia")


@pytest.mark.parametrize(
    ("dialect", "words"),
    [
        ("web3signer", "expected chain id 84532, it signed 11155111: refused, not sent"),
        ("clef", "requested chainid 84532 does not match the configuration of the signer"),
    ],
)
def test_one_signer_does_not_do_for_two_networks(world: Open, dialect: str, words: str) -> None:
    """The network of its chain is deployed to; on the other one nothing is sent, and it says why."""
    lab = world(*CHAINS)
    with DIALECTS[dialect](DEPLOYER, CHAINS["sepolia"]) as url:
        signer = declared(lab, "env:SIGNER", {"SIGNER": url})
        there, other = deploy_all(lab.work(), lab.deployment.targets, signer, lab.waiting())
    assert there.problem is None
    assert isinstance(other.problem, SignerFailure)
    assert words in str(other.problem)
    assert lab.rpc("base-sepolia").nonce(DEPLOYER.address, "pending") == 0


def test_clef_wants_to_be_told_that_warnings_do_not_matter(world: Open) -> None:
    """It creates; a call of a function that it does not know it refuses, and that is its only warning."""
    lab = world("sepolia")
    with clef(DEPLOYER, CHAINS["sepolia"], advanced=False) as url:
        (outcome,) = deploy_all(lab.work(), lab.deployment.targets, declared(lab, "env:S", {"S": url}), lab.waiting())
    assert str(outcome.problem).endswith(
        "validation failed: Transaction contains data, but the ABI signature could not be found"
    )
    assert lab.rpc("sepolia").nonce(DEPLOYER.address, "pending") == 1


@pytest.mark.parametrize(
    "served", [web3signer, partial(web3signer, node_knows="eth_signTypedData_v4"), clef], ids=["alone", "node", "clef"]
)
def test_typed_data_without_a_word_on_the_dialect(tmp_path: Path, served: Served) -> None:
    """As `lab safe sign --remote` asks; what is signed elsewhere than expected is refused all the same."""
    given = RemoteSigner.model_validate({"remote": "env:S", "address": ACCOUNT.address})
    with served(ACCOUNT, CHAINS["sepolia"]) as url:
        assert open_given(given, tmp_path, input, {"S": url}).sign_typed_data(TYPED) == raw_signature(
            ACCOUNT, TYPED.hash
        )
    with served(DEPLOYER, CHAINS["sepolia"]) as url, pytest.raises(SignerFailure):
        open_given(given, tmp_path, input, {"S": url}).sign_typed_data(TYPED)


def test_what_it_refuses_is_told_once(tmp_path: Path) -> None:
    """A method that was named is not replaced by another; a refusal is that of the method that the signer knows."""
    named = RemoteSigner.model_validate({"remote": "env:S", "address": ACCOUNT.address, "typed_data_method":
                                         "eth_signTypedData_v4"})  # fmt: skip
    with clef(ACCOUNT, 1) as url, pytest.raises(SignerFailure, match="the method eth_signTypedData_v4 does not exist"):
        open_given(named, tmp_path, input, {"S": url}).sign_typed_data(TYPED)


def test_a_variable_for_each_network(world: Open) -> None:
    """Those of the networks asked for are wanted, by name; none of them set is an error before anything is asked."""
    lab = world("sepolia", "base-sepolia")
    signer = declared(lab, "{sepolia: env:ONE, base-sepolia: env:TWO}", {"ONE": "http://127.0.0.1:9"})
    assert "127.0.0.1:9" in signer.described
    sepolia, _ = lab.deployment.targets
    assert [unset.name for unset in missing_variables(lab.deployment, (sepolia,), lab.variables)] == ["ONE"]
    both = missing_variables(lab.deployment, lab.deployment.targets, lab.variables)
    assert [(unset.name, unset.used_by) for unset in both] == [("ONE", "deployer.remote"), ("TWO", "deployer.remote")]
