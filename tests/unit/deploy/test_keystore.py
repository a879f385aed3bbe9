"""Keystores open with their password only; keys that lie about are found, hashes are not taken for keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from eth_account import Account as EthAccount
from eth_utils.crypto import keccak

from lab.coordinator import role_account
from lab.deploy.keystore import open_key, save_key, search
from lab.errors import UsageError
from lab.secp256k1 import address_of

# Made here: a key in a source file is what the search is to find.
KEY = keccak(text="tesseract-lab unit test")
ADDRESS = EthAccount.from_key(KEY).address.lower()
FAST = 2**10


def test_the_address_of_a_key() -> None:
    """As the signing library derives it."""
    assert address_of(KEY) == ADDRESS
    assert address_of(role_account("owner").key) == role_account("owner").address


def test_a_key_comes_back_with_its_password_only(tmp_path: Path) -> None:
    """And the file holds no trace of it."""
    path = tmp_path / "key.json"
    assert save_key(path, KEY, "right", scrypt_n=FAST) == ADDRESS
    assert open_key(path, "right").key == KEY
    assert KEY.hex() not in path.read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="wrong password, or damaged"):
        open_key(path, "wrong")


def test_a_keystore_is_neither_overwritten_nor_shared(tmp_path: Path) -> None:
    """Nor written without a password."""
    path = tmp_path / "key.json"
    with pytest.raises(UsageError, match="empty"):
        save_key(path, KEY, "", scrypt_n=FAST)
    save_key(path, KEY, "right", scrypt_n=FAST)
    with pytest.raises(UsageError, match="never overwritten"):
        save_key(path, KEY, "right", scrypt_n=FAST)
    path.chmod(0o640)
    with pytest.raises(UsageError, match="others may read"):
        open_key(path, "right")


def test_a_key_is_found_where_its_address_is_in_use(tmp_path: Path) -> None:
    """Known to the searcher, or named by one of the files; a key of nobody is taken for a hash."""
    log, notes = tmp_path / "run.log", tmp_path / "notes.txt"
    log.write_text(f"using {KEY.hex()}\nhash 0x{'ab' * 32}\n", encoding="utf-8")
    assert search(tmp_path, [log]) == []
    (found,) = search(tmp_path, [log], known=[ADDRESS.upper().replace("0X", "0x")])
    assert (found.file, found.what) == ("run.log", ADDRESS)
    notes.write_text(f"the operator is {ADDRESS}\n", encoding="utf-8")
    assert [each.file for each in search(tmp_path, [log, notes])] == ["run.log"]


def test_a_key_in_pem_form_is_found(tmp_path: Path) -> None:
    """Whatever kind it is."""
    path = tmp_path / "id"
    path.write_text("-----BEGIN " + "EC PRIVATE KEY-----\n", encoding="utf-8")
    assert [each.what for each in search(tmp_path, [path])] == ["private key in PEM form"]
