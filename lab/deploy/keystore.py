"""Private keys at rest: encrypted files of the usual format (version 3, scrypt), and a search for keys that lie about.

The search takes every 32 bytes written in hexadecimal for a key, and looks whether the address that belongs to it is
one that anybody uses. A hash is no key of a used address, so it is not mistaken for one.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lab.bounded_files import UnfitFile, read_bytes, read_object
from lab.coordinator import ROLES, Account, role_account
from lab.errors import UsageError
from lab.model.keystore import SCRYPT_N, key_file_shown, require_bounded_work, require_private
from lab.secp256k1 import address_of

_KEY = re.compile(rb"(?<![0-9a-fA-F])(?:0x)?([0-9a-fA-F]{64})(?![0-9a-fA-F])")
_ADDRESS = re.compile(rb"0x([0-9a-fA-F]{40})(?![0-9a-fA-F])")
_PEM = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
GROUP_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
FILE_BYTES_MAX = 64 << 20
KEYSTORE_BYTES_MAX = 64 << 10


def save_key(path: Path, key: bytes, password: str, *, scrypt_n: int = SCRYPT_N) -> str:
    """Write a key, encrypted, to a new file that only its owner may read; its address.

    Raises UsageError for an empty password and for a file that is there already.
    """
    if not password:
        raise UsageError(f"{path}: expected a password, got an empty one")
    from eth_account import Account as EthAccount  # it loads pairing curves, a second: not for a search

    encrypted = EthAccount.encrypt(key, password, kdf="scrypt", iterations=scrypt_n)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UsageError(f"{path}: there is such a file already; a key is never overwritten: name another") from error
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(encrypted, stream)
    return address_of(key)


def open_key(path: Path, password: str, *, role: str = "keystore") -> Account:
    """Read a key. Raises UsageError for a wrong password, a damaged file, and one that others may read."""
    from eth_account import Account as EthAccount

    require_private(path, "keystore")
    try:
        document = read_object(path, max_bytes=KEYSTORE_BYTES_MAX)
        require_bounded_work(path, document)
        key = bytes(EthAccount.decrypt(document, password))
    except UsageError:
        raise
    except FileNotFoundError:
        shown = key_file_shown(path)
        raise UsageError(f"{shown}: expected an encrypted key file (version 3), there is no such file") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, NotImplementedError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UsageError(f"{key_file_shown(path)}: cannot be opened: {why}; wrong password, or damaged") from None
    return Account(role, address_of(key), key)


@dataclass(frozen=True, slots=True)
class Exposed:
    """A secret in a file: the address that its key belongs to, or what else was found. Never the secret itself."""

    file: str
    what: str


def development_addresses() -> frozenset[str]:
    """Accounts whose keys everybody knows anyway."""
    return frozenset(role_account(role).address for role in ROLES)


def search(root: Path, files: Iterable[Path], *, known: Iterable[str] = ()) -> list[Exposed]:
    """Private keys in files, of `known` addresses and of all addresses that the files name; keys in PEM form.

    Development accounts are found like all others: whoever searches knows whether they may be there.
    """
    used = {address.lower() for address in known}
    paths = list(files)
    for path in paths:
        used.update("0x" + match.group(1).decode().lower() for match in _ADDRESS.finditer(_content(path)))
    exposed = []
    for path in paths:
        content, name = _content(path), str(path.relative_to(root))
        addresses = {_cached_address(key) for key in _candidates(content)}
        exposed += [Exposed(name, address) for address in sorted(addresses & used)]
        exposed += [Exposed(name, "private key in PEM form")] if _PEM.search(content) else []
    return exposed


def _content(path: Path) -> bytes:
    """Read anew each time, since all files together may be large; nothing of what is no file, or too large a one."""
    try:
        return read_bytes(path, max_bytes=FILE_BYTES_MAX)
    except UnfitFile:
        return b""


@lru_cache(maxsize=100_000)
def _cached_address(key: bytes) -> str:
    return address_of(key)


def _candidates(content: bytes) -> Iterator[bytes]:
    for text in {match.group(1) for match in _KEY.finditer(content)}:
        key = bytes.fromhex(text.decode())
        if 0 < int.from_bytes(key, "big") < GROUP_ORDER:
            yield key
