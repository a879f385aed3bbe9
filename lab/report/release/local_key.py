"""Signs the manifest of a bundle with a local Ethereum key, by eth-account: EIP-191 over the manifest's sha256."""

from __future__ import annotations

import getpass
import hashlib
import json
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.messages import SignableMessage, encode_defunct

from lab.errors import UsageError


def signed(manifest: bytes, key_file: Path) -> dict[str, str]:
    """The signature as an object. `key_file` holds a hex key, or is an encrypted keystore, whose password is asked."""
    account = Account.from_key(_key(key_file))
    found = account.sign_message(_message(manifest))
    return {
        "address": str(account.address),
        "signature": "0x" + bytes(found.signature).hex(),
        "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
    }


def signer(manifest: bytes, signature: dict[str, Any]) -> str:
    """The address whose key signed this manifest. Raises ValueError where it is not the one that the file names."""
    if signature["manifest_sha256"] != hashlib.sha256(manifest).hexdigest():
        raise ValueError("the manifest was changed after it was signed")
    found = str(Account.recover_message(_message(manifest), signature=bytes.fromhex(signature["signature"][2:])))
    if found != signature["address"]:
        raise ValueError(f"expected a signature of {signature['address'][:42]}, it is of {found}")
    return found


def _message(manifest: bytes) -> SignableMessage:
    return encode_defunct(text=f"tesseract-lab bundle {hashlib.sha256(manifest).hexdigest()}")


def _key(path: Path) -> str | bytes:
    try:
        text = path.read_text(encoding="utf-8").strip()
        if not text.startswith("{"):
            return bytes.fromhex(text.removeprefix("0x"))
        return bytes(Account.decrypt(json.loads(text), getpass.getpass(f"password of {path.name}: ")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        # The message of a failed conversion may quote the key, so it is not passed on.
        raise UsageError(
            f"{path}: expected a private key in hex, or an encrypted keystore, got neither ({type(error).__name__})"
        ) from None
