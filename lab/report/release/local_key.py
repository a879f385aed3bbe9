"""Signs with a key in a file: an Ethereum private key in hex, or an encrypted keystore, whose password is asked."""

from __future__ import annotations

import getpass
from pathlib import Path

from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer

from lab.bounded_files import parse_json, read_text
from lab.errors import UsageError
from lab.model.keystore import key_file_shown, require_bounded_work, require_private
from lab.report.evidence.envelope import EthereumKey, Statement, envelope_text, new_envelope

KEY_BYTES_MAX = 64 << 10


class LocalSigner(Signer):
    """An account whose key is in this process. The key is never shown."""

    def __init__(self, account: LocalAccount) -> None:
        self._account = account

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> LocalSigner:
        """From `file:PATH`. Raises UsageError."""
        return load_signer(Path(priv_key_uri.removeprefix("file:")))

    @property
    def public_key(self) -> EthereumKey:
        """The address."""
        return EthereumKey(str(self._account.address))

    @property
    def address(self) -> str:
        """As people name it."""
        return self.public_key.keyid

    def sign(self, payload: bytes) -> Signature:
        """EIP-191 over the payload."""
        signed = self._account.sign_message(encode_defunct(payload))
        return Signature(self.public_key.keyid, bytes(signed.signature).hex())


def signed_text(statement: Statement, signer: LocalSigner | None) -> str:
    """A statement as a file holds it; None: signed by nobody."""
    envelope = new_envelope(statement)
    if signer is not None:
        envelope.sign(signer)
    return envelope_text(envelope)


def load_signer(path: Path) -> LocalSigner:
    """The key of a file. Raises UsageError, which never quotes the file, also for one that others may read."""
    require_private(path)
    try:
        text = read_text(path, max_bytes=KEY_BYTES_MAX).strip()
        if not text.startswith("{"):
            key = bytes.fromhex(text.removeprefix("0x"))
        else:
            document = parse_json(text, path)
            require_bounded_work(path, document)
            key = bytes(Account.decrypt(document, getpass.getpass(f"password of {path.name}: ")))
        account = Account.from_key(key)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, NotImplementedError) as error:
        # The message of a failed conversion may quote the key, so it is not passed on.
        why = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
        message = f"expected a file with a private key in hex, or an encrypted keystore, got neither{why}"
        raise UsageError(f"{key_file_shown(path)}: {message}") from None
    return LocalSigner(account)
