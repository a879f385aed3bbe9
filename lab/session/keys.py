"""Files of development keys, and what a relayer is handed of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.bounded_files import write_atomically
from lab.coordinator import ROLES, role_account
from lab.model.session import GUEST_KEYS, GUEST_SESSION, GUESTS, PROGRAM_KEYS, PROGRAM_SESSION, Session


def write_keys(path: Path, roles: Iterable[str] = ROLES) -> None:
    """The development keys by role, readable by the owner only. A guest is handed those of `GUESTS` alone."""
    keys = {role: "0x" + role_account(role).key.hex() for role in roles}
    write_atomically(path, json.dumps(keys, indent=2) + "\n", mode=0o600)


def hand_to_guest(session: Session, folder: Path) -> Path:
    """Write the session that a relayer is started with, with no other keys than its own; the path."""
    return _with_keys(session, folder / GUEST_SESSION, folder / GUEST_KEYS, GUESTS)


@contextmanager
def handed_to_programs(session: Session, folder: Path) -> Iterator[Path]:
    """The session that the user's own programs are started with, which act for any role; its path. Gone afterwards."""
    try:
        yield _with_keys(session, folder / PROGRAM_SESSION, folder / PROGRAM_KEYS, ROLES)
    finally:
        for name in (PROGRAM_SESSION, PROGRAM_KEYS):
            (folder / name).unlink(missing_ok=True)


def _with_keys(session: Session, path: Path, keys: Path, roles: Iterable[str]) -> Path:
    write_keys(keys, roles)
    session.model_copy(update={"key_file": str(keys)}).write(path)
    return path
