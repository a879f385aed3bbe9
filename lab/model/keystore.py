"""Bounds on an encrypted key file (version 3): it names the memory and time that opening it takes."""

from __future__ import annotations

import os
import re
import shlex
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.errors import UsageError
from lab.validation import shown

# Work factor of scrypt: an attacker pays it for every password, the owner once. 2**18 is the format's usual one.
SCRYPT_N = 2**18
# scrypt takes 128 * n * r bytes.
_WORK_MAX = {"n": SCRYPT_N, "r": 8, "p": 16, "c": 10_000_000, "dklen": 64}


def require_bounded_work(path: Path, document: Any) -> None:
    """Raises UsageError for a key file that asks for more than the usual, or for no number."""
    crypto = (document.get("crypto") or document.get("Crypto")) if isinstance(document, dict) else None
    parameters = crypto.get("kdfparams") if isinstance(crypto, dict) else None
    for name, most in _WORK_MAX.items():
        asked = parameters.get(name, 0) if isinstance(parameters, dict) else 0
        if not isinstance(asked, int) or asked > most:
            raise UsageError(f"{path}: expected kdfparams.{name} of at most {most}, got {shown(asked)}: make it anew")


def require_private(path: Path, what: str = "key") -> None:
    """Refuse a file of a key or a password that others of this machine may read or change, as ssh does.

    Raises UsageError. Nothing is asked where there are no such modes, nor of what cannot be read anyway.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode) if os.name == "posix" else 0
    except (OSError, ValueError):
        return
    if mode & 0o077:
        name = key_file_shown(path)
        raise UsageError(
            f"{name}: others may read or change this {what} (its mode is {mode:04o}): chmod 600 {shlex.quote(name)}"
        )


def is_key_itself(path: Path) -> bool:
    """Whether what should name a file is a private key in hex."""
    return re.fullmatch("(0x)?[0-9a-fA-F]{64}", path.name) is not None and not path.exists()


def key_file_shown(path: Path) -> str:
    """How an error names the file of a key or a password: a word that names no file can be the secret itself."""
    with suppress(OSError, ValueError):  # longer than a name may be, or with a NUL byte
        if path.exists() or re.search(r"\.[a-z]{1,9}$", path.name):
            return str(path)
    return str(path.with_name("***")) if path.name else str(path)
