"""Signers: what they answer is what was asked, to the field, or it is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from lab.coordinator import Account, Fees, role_account, sign_transaction
from lab.deploy.keystore import save_key
from lab.errors import UsageError
from lab.live.declaration.deployment_file import CommandSigner, KeystoreSigner, RemoteSigner
from lab.live.signers import SignerFailure, Unsigned
from lab.live.signers.command import VARIABLE_BYTES_MAX, CommandAccount
from lab.live.signers.keystore import open_keystore
from lab.live.signers.remote import RemoteAccount
from lab.live.signers.transaction import checked
from lab.model.redacted import RedactedUrl
from lab.rpc import RpcRefused

ACCOUNT = role_account("owner")
ASKED = Unsigned(11155111, 7, "0x" + "ab" * 20, "0x1234", 50_000, Fees(30 * 10**9, 10**9), 5)
CREATION = replace(ASKED, to=None, data="0x" + "60" * 300)


def signed(asked: Unsigned, account: Account = ACCOUNT) -> str:
    """What an honest signer answers."""
    return sign_transaction(
        account,
        chain_id=asked.chain_id,
        nonce=asked.nonce,
        to=asked.to,
        data=asked.data,
        gas=asked.gas,
        fees=asked.fees,
        value=asked.value,
    )[0]


@pytest.mark.parametrize("asked", [ASKED, CREATION])
def test_an_honest_answer(asked: Unsigned) -> None:
    """Its hash is that of the bytes."""
    raw = signed(asked)
    answer = checked(raw, asked, ACCOUNT.address, "signer")
    assert answer.raw == raw
    assert checked(f" {raw}\n", asked, ACCOUNT.address.upper().replace("0X", "0x"), "signer") == answer


LIES: dict[str, Callable[[Unsigned], Unsigned]] = {
    "chain id": lambda asked: replace(asked, chain_id=1),
    "nonce": lambda asked: replace(asked, nonce=8),
    "maxPriorityFeePerGas": lambda asked: replace(asked, fees=Fees(30 * 10**9, 2 * 10**9)),
    "maxFeePerGas": lambda asked: replace(asked, fees=Fees(31 * 10**9, 10**9)),
    "gas": lambda asked: replace(asked, gas=50_001),
    "target": lambda asked: replace(asked, to="0x" + "ac" * 20),
    "value": lambda asked: replace(asked, value=6),
    "data": lambda asked: replace(asked, data="0x1235"),
}


@pytest.mark.parametrize("field", LIES)
def test_a_lying_signer(field: str) -> None:
    """Each field that differs is named, and nothing is sent."""
    with pytest.raises(SignerFailure, match=rf"expected {field} .*it signed .*refused, not sent"):
        checked(signed(LIES[field](ASKED)), ASKED, ACCOUNT.address, "signer")


def test_the_signature_of_somebody_else() -> None:
    """It would be sent from another account."""
    with pytest.raises(SignerFailure, match=r"expected the signature of 0xf39f.*got that of 0x7099"):
        checked(signed(ASKED, role_account("operator")), ASKED, ACCOUNT.address, "signer")


NONSENSE: list[Any] = [
    None,
    5,
    "",
    "0x",
    "0xzz",
    "hello",
    "0x02",
    "0x02c0",
    "0xc0",
    "0x02" + "f8" * 40,
    "0x01" + "00" * 9,
]


@pytest.mark.parametrize("raw", NONSENSE)
def test_nonsense(raw: Any) -> None:
    """No answer at all is an error of the signer, never one of ours."""
    with pytest.raises(SignerFailure):
        checked(raw, ASKED, ACCOUNT.address, "signer")


class Remote:
    """A transport that answers once."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, list[Any]()

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`."""
        self.asked = [method, *params]
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("method", ["eth_signTransaction", "account_signTransaction"])
def test_a_remote_signer(method: str) -> None:
    """web3signer answers with the raw transaction, clef with an object around it."""
    raw = signed(ASKED)
    remote = Remote(raw if method == "eth_signTransaction" else {"raw": raw, "tx": {}})
    given = RemoteSigner.model_validate({"remote": "env:S", "address": ACCOUNT.address, "method": method})
    account = RemoteAccount(given, RedactedUrl("https://u:SECRET@signer.example"), remote)
    assert account.sign(ASKED).raw == raw
    assert remote.asked[0] == method
    assert remote.asked[1]["from"] == to_checksum_address(ACCOUNT.address)
    assert "SECRET" not in account.described


def test_a_remote_signer_that_refuses() -> None:
    """Its reason, and not its address's secret."""
    given = RemoteSigner.model_validate({"remote": "env:S", "address": ACCOUNT.address})
    refuses = Remote(RpcRefused("eth_signTransaction", -32000, "denied by policy"))
    account = RemoteAccount(given, RedactedUrl("https://u:SECRET@signer.example"), refuses)
    with pytest.raises(SignerFailure, match="denied by policy") as caught:
        account.sign(ASKED)
    assert "SECRET" not in str(caught.value)


def command(folder: Path, body: str, timeout_s: float = 60) -> CommandAccount:
    """A signer that is a Python program of these lines."""
    (folder / "sign.py").write_text(body)
    words = f"'{sys.executable}' sign.py"
    given = CommandSigner.model_validate({"exec": words, "address": ACCOUNT.address, "timeout_s": timeout_s})
    return CommandAccount(given, folder)


def test_a_command_gets_the_transaction_and_prints_it_signed(tmp_path: Path) -> None:
    """As JSON on stdin and as variables; the last word that it prints counts."""
    (tmp_path / "answer").write_text(signed(ASKED))
    body = (
        "import json, os, sys\n"
        "open('seen.json', 'w').write(json.dumps([json.load(sys.stdin), os.environ['LAB_TX_NONCE']]))\n"
        "print('confirm on your device'); print(open('answer').read())\n"
    )
    assert command(tmp_path, body).sign(ASKED).raw == signed(ASKED)
    fields, nonce = json.loads((tmp_path / "seen.json").read_text())
    assert (fields["chainId"], fields["to"].lower(), fields["data"], nonce) == (hex(11155111), ASKED.to, "0x1234", "7")


MOST = (VARIABLE_BYTES_MAX - len("LAB_TX_DATA") - 2 - len("0x")) // 2


@pytest.mark.parametrize(("size", "given"), [(MOST, True), (MOST + 1, False), (120_000, False)])
def test_data_of_any_size_reach_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, *, given: bool
) -> None:
    """On stdin all of them; as a variable what the system lets one hold, and never what an earlier one left."""
    monkeypatch.setenv("LAB_TX_DATA", "0x00")
    large = replace(ASKED, data="0x" + "5b" * size)
    (tmp_path / "answer").write_text(signed(large))
    body = (
        "import json, os, sys\n"
        "seen = json.load(sys.stdin)['data']\n"
        "open('seen.json', 'w').write(json.dumps([seen, os.environ.get('LAB_TX_DATA')]))\n"
        "print(open('answer').read())\n"
    )
    assert command(tmp_path, body).sign(large).raw == signed(large)
    assert json.loads((tmp_path / "seen.json").read_text()) == [large.data, large.data if given else None]


def test_the_documented_command_refuses_what_it_cannot_hand_on(tmp_path: Path) -> None:
    """It signs nothing, and says why."""
    text = (Path(__file__).parents[3] / "docs/live-networks.md").read_text()
    (tmp_path / "sign").write_text(text.split("```sh\n")[1].split("```")[0])
    (tmp_path / "cast").write_text("#!/bin/sh\ntouch asked\n")
    for name in ("sign", "cast"):
        (tmp_path / name).chmod(0o755)
    given = CommandSigner.model_validate(
        {"exec": f"env PATH={tmp_path}:/usr/bin:/bin ./sign", "address": ACCOUNT.address}
    )
    with pytest.raises(SignerFailure, match="LAB_TX_DATA: not set: longer than an argument may be"):
        CommandAccount(given, tmp_path).sign(replace(ASKED, data="0x" + "5b" * (MOST + 1)))
    assert not (tmp_path / "asked").exists()
    with pytest.raises(SignerFailure, match="expected a raw transaction"):
        CommandAccount(given, tmp_path).sign(ASKED)
    assert (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("import sys; sys.exit('no device')", "exit code 1: no device"),
        ("print()", "expected a raw transaction"),
        ("print('0x02')", "cannot be read"),
    ],
)
def test_a_command_that_fails(tmp_path: Path, body: str, expected: str) -> None:
    """What it said, in one line."""
    with pytest.raises(SignerFailure, match=expected):
        command(tmp_path, body).sign(ASKED)


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    """The system's words."""
    given = CommandSigner.model_validate({"exec": "no-such-program --ledger", "address": ACCOUNT.address})
    with pytest.raises(SignerFailure, match="cannot be run: No such file"):
        CommandAccount(given, tmp_path).sign(ASKED)


def test_a_keystore_with_its_password_in_a_file(tmp_path: Path) -> None:
    """The file is refused while others may read it."""
    save_key(tmp_path / "key.json", ACCOUNT.key, "pass word", scrypt_n=1024)
    (tmp_path / "password").write_text("pass word\n")
    (tmp_path / "password").chmod(0o644)
    given = KeystoreSigner(keystore="key.json", password_file="password")
    with pytest.raises(UsageError, match="others may read or change this password"):
        open_keystore(given, tmp_path, input)
    (tmp_path / "password").chmod(0o600)
    account = open_keystore(given, tmp_path, input)
    assert account.address == ACCOUNT.address
    assert account.sign(CREATION).raw == signed(CREATION)


def test_a_keystore_of_another_key(tmp_path: Path) -> None:
    """The address that the file declares is that of the key, or nothing is signed."""
    save_key(tmp_path / "key.json", ACCOUNT.key, "pw", scrypt_n=1024)
    given = KeystoreSigner.model_validate({"keystore": "key.json", "address": ACCOUNT.address})
    assert open_keystore(given, tmp_path, lambda question: "pw").address == ACCOUNT.address
    other = KeystoreSigner.model_validate({"keystore": "key.json", "address": "0x" + "97" * 20})
    with pytest.raises(UsageError, match=f"expected the key of 0x9797.*, it is that of {ACCOUNT.address}"):
        open_keystore(other, tmp_path, lambda question: "pw")


def test_a_wrong_password(tmp_path: Path) -> None:
    """Said before anything is asked of a network."""
    save_key(tmp_path / "key.json", ACCOUNT.key, "right", scrypt_n=1024)
    with pytest.raises(UsageError, match="wrong password"):
        open_keystore(KeystoreSigner(keystore="key.json"), tmp_path, lambda question: "wrong")
