"""The signer whose key is an encrypted file of this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lab.bounded_files import read_text
from lab.coordinator import Account, sign_transaction
from lab.deploy.keystore import open_key
from lab.errors import UsageError
from lab.live.declaration.deployment_file import KeystoreSigner
from lab.live.signers.transaction import Signed, Unsigned, checked
from lab.live.signers.typed_data import TypedData, checked_signature
from lab.model.keystore import key_file_shown, require_private
from lab.paths import expand_user
from lab.secp256k1 import sign

Ask = Callable[[str], str]


class KeystoreAccount:
    """Signs with a key that is in memory as long as this object lives."""

    def __init__(self, account: Account, path: Path) -> None:
        self._account, self.address, self.described = account, account.address, f"keystore {path.name}"

    def sign(self, transaction: Unsigned) -> Signed:
        """See `Signer`."""
        raw, _ = sign_transaction(
            self._account,
            chain_id=transaction.chain_id,
            nonce=transaction.nonce,
            to=transaction.to,
            data=transaction.data,
            gas=transaction.gas,
            fees=transaction.fees,
            value=transaction.value,
        )
        return checked(raw, transaction, self.address, self.described)

    def sign_typed_data(self, typed: TypedData) -> str:
        """See `TypedDataSigner`."""
        raw = sign(self._account.key, bytes.fromhex(typed.hash[2:]))
        return checked_signature(raw.hex(), typed, self.address, self.described)


def open_keystore(given: KeystoreSigner, folder: Path, ask: Ask) -> KeystoreAccount:
    """Open the file, with the password from its file or from `ask`. Raises UsageError."""
    path = folder / expand_user(given.keystore)
    if given.password_file is None:
        password = ask(f"password of {key_file_shown(path)}: ")
    else:
        password = _password(folder / expand_user(given.password_file))
    account = open_key(path, password, role="deployer")
    if given.address not in (None, account.address):
        raise UsageError(
            f"{key_file_shown(path)}: expected the key of {given.address}, it is that of {account.address}"
        )
    return KeystoreAccount(account, path)


def _password(path: Path) -> str:
    require_private(path, "password")
    try:
        return read_text(path, max_bytes=4096).rstrip("\n")
    except OSError as error:
        shown = key_file_shown(path)
        raise UsageError(f"{shown}: expected a file with the password, it cannot be read: {error.strerror}") from None
