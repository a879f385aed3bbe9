"""The parts of a rehearsal: signers of each kind, and what happens to a deployment on the way."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab.coordinator import Fees, role_account
from lab.live.declaration.deployment_file import CommandSigner, KeystoreSigner, RemoteSigner
from lab.live.execution.deploy import deploy_all
from lab.live.journaling.journal import Header, Journal, open_journal
from lab.live.rehearsal.mishaps import Interrupted, Mishaps, RehearsedJournal
from lab.live.rehearsal.signing import stand_in
from lab.live.signers import Unsigned

from .conftest import DEPLOYER, Open
from .test_deploy import assert_stands
from .test_signers import signed

ELSE = "0x" + "d1" * 20
KINDS: list[tuple[Any, str]] = [
    (KeystoreSigner(keystore="none.json"), "keystore"),
    (RemoteSigner(remote="env:NONE", address=ELSE), "remote signer"),
    (RemoteSigner(remote="env:NONE", address=ELSE, method="account_signTransaction"), "remote signer"),
    (CommandSigner(exec="no-such-program --ledger", address=ELSE), "signer"),
]


@pytest.mark.parametrize(("declared", "kind"), KINDS)
def test_a_signer_of_the_declared_kind(tmp_path: Path, declared: Any, kind: str) -> None:
    """It signs what is asked with the rehearsal's key, and leaves nothing behind."""
    account = role_account("owner")
    asked = Unsigned(11155111, 7, "0x" + "ab" * 20, "0x1234", 50_000, Fees(30 * 10**9, 10**9), 5)
    with stand_in(declared, account, tmp_path) as signer:
        assert signer.address == account.address
        for one in (asked, Unsigned(80002, 0, None, "0x6001", 90_000, Fees(10**9, 1))):
            assert signer.sign(one).raw == signed(one)
        assert signer.described.startswith(kind)
    assert list(tmp_path.iterdir()) == []


def test_its_command_says_nothing_of_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither words nor variables of it hold the key."""
    seen = list[tuple[list[str], dict[str, str]]]()
    real = subprocess.run

    def watched(words: list[str], **how: Any) -> Any:
        seen.append((words, how["env"]))
        return real(words, **how)

    account = role_account("owner")
    with stand_in(KINDS[-1][0], account, tmp_path) as signer:
        monkeypatch.setattr(subprocess, "run", watched)
        signer.sign(Unsigned(1, 0, None, "0x6001", 90_000, Fees(10**9, 1)))
    assert account.key.hex() not in json.dumps(seen)


@pytest.mark.parametrize("seed", range(6))
def test_each_network_meets_each_mishap_once(world: Open, seed: int) -> None:
    """The command ends at a line that the seed says, the creation's block goes: the same bytes, one nonce a step."""
    lab = world("sepolia", "amoy")
    mishaps = Mishaps({name: node.url for name, node in lab.nodes.items()}, seed=seed)

    def opened(path: Path, header: Header) -> Journal:
        return RehearsedJournal(open_journal(path, header), mishaps)

    ends = 0
    while True:
        outcomes = deploy_all(lab.work(opened), lab.deployment.targets, lab.signer, lab.waiting())
        if not (ended := [one for one in outcomes if isinstance(one.problem, Interrupted)]):
            break
        ends += len(ended)
    assert [one.problem for one in outcomes] == [None, None]
    assert ends == 2
    assert set(mishaps.interrupted) == set(mishaps.reorganised) == set(lab.nodes)
    assert assert_stands(lab, "sepolia") == assert_stands(lab, "amoy")
    for name, lost in mishaps.reorganised.items():
        mined = [entry for entry in lab.work().journal.of(name, "deploy") if entry.event == "mined"]
        assert mined[0].block_hash == lost.block_hash != mined[-1].block_hash
        assert {entry.tx for entry in mined} == {lost.tx}
        assert lab.rpc(name).nonce(DEPLOYER.address) == 5
