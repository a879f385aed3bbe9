"""Typed data through the signers: what they answer is recovered, and refused unless the expected account signed it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from lab.chains.nodes.backend import NodeSpec
from lab.chains.nodes.process import ProcessBackend
from lab.coordinator import role_account
from lab.deploy.keystore import save_key
from lab.errors import UsageError
from lab.live.declaration.deployment_file import CommandSigner, KeystoreSigner, RemoteSigner
from lab.live.signers import SignerFailure, TypedData, open_given
from lab.live.signers.remote import RemoteAccount
from lab.model.redacted import RedactedUrl
from lab.safe.transaction import SafeTransaction
from tests.unit.real_safes import raw_signature

ACCOUNT, OTHER = role_account("owner"), role_account("operator")
SAFE = "0x" + "5a" * 20
GIVEN = SafeTransaction(to="0x" + "ab" * 20, value=2**200, data="0x1234", nonce=7)
TYPED = TypedData(GIVEN.typed_data(11155111, SAFE), GIVEN.hashes(11155111, SAFE).safe_tx)


def test_a_keystore(tmp_path: Path) -> None:
    """The very bytes that a wallet would make."""
    save_key(tmp_path / "key.json", ACCOUNT.key, "pw", scrypt_n=1024)
    account = open_given(KeystoreSigner(keystore="key.json"), tmp_path, lambda question: "pw")
    assert account.sign_typed_data(TYPED) == raw_signature(ACCOUNT, TYPED.hash)


def test_a_real_node_as_remote_signer(open_backend: ProcessBackend, tmp_path: Path) -> None:
    """It computes the hash itself, from the document: an implementation that is not ours agrees."""
    (node,) = open_backend.start_all([NodeSpec("signer", "typed-data", ("--chain-id", "1"))])
    try:
        given = RemoteSigner.model_validate({"remote": "env:S", "address": ACCOUNT.address})
        account = open_given(
            given, tmp_path, input, {"S": node.url.reveal() if hasattr(node.url, "reveal") else node.url}
        )
        assert account.sign_typed_data(TYPED) == raw_signature(ACCOUNT, TYPED.hash)
    finally:
        node.stop()


def test_a_remote_signer_whose_address_is_not_set(tmp_path: Path) -> None:
    """The variable is named."""
    given = RemoteSigner.model_validate({"remote": "env:NOWHERE", "address": ACCOUNT.address})
    with pytest.raises(UsageError, match="environment variable NOWHERE"):
        open_given(given, tmp_path, input, {})


class Remote:
    """A transport that answers once."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, list[Any]()

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`."""
        self.asked = [method, *params]
        return self.answer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (raw_signature(OTHER, TYPED.hash), f"expected the signature of {ACCOUNT.address}.*got one of {OTHER.address}"),
        (raw_signature(ACCOUNT, "0x" + "01" * 32), "something else was signed: refused"),
        (None, "expected a signature of 65 bytes"),
        ({"signature": "0x"}, "expected a signature of 65 bytes"),
        ("0x" + "ff" * 64 + "1b", "nobody can have signed"),
        ("0x" + "11" * 64 + "05", "ends with 27 or 28"),
    ],
)
def test_a_lying_signer(answer: Any, expected: str) -> None:
    """Whatever it says: nothing but the right signature passes."""
    given = RemoteSigner.model_validate({"remote": "env:S", "address": ACCOUNT.address})
    remote = Remote(answer)
    account = RemoteAccount(given, RedactedUrl("https://u:SECRET@signer.example"), remote)
    with pytest.raises(SignerFailure, match=expected) as caught:
        account.sign_typed_data(TYPED)
    assert remote.asked == ["eth_signTypedData_v4", to_checksum_address(ACCOUNT.address), TYPED.document]
    assert "SECRET" not in str(caught.value)


def test_a_command(tmp_path: Path) -> None:
    """The document on stdin, what it is in LAB_SIGN; the last word that it prints counts."""
    (tmp_path / "answer").write_text(raw_signature(ACCOUNT, TYPED.hash))
    (tmp_path / "sign.py").write_text(
        "import json, os, sys\n"
        "seen = [json.load(sys.stdin), os.environ['LAB_SIGN'], os.environ['LAB_HASH']]\n"
        "open('seen.json', 'w').write(json.dumps(seen))\n"
        "print('confirm on your device'); print(open('answer').read())\n"
    )
    given = CommandSigner.model_validate({"exec": f"'{sys.executable}' sign.py", "address": ACCOUNT.address})
    account = open_given(given, tmp_path, input)
    assert account.sign_typed_data(TYPED) == raw_signature(ACCOUNT, TYPED.hash)
    assert json.loads((tmp_path / "seen.json").read_text()) == [TYPED.document, "typed_data", TYPED.hash]
    (tmp_path / "answer").write_text(raw_signature(OTHER, TYPED.hash))
    with pytest.raises(SignerFailure, match="another account signed"):
        account.sign_typed_data(TYPED)
