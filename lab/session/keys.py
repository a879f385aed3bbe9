"""Files of development keys, and what a relayer is handed of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from lab.bounded_files import write_atomically
from lab.coordinator import ROLES, role_account
from lab.model.session import GUEST_KEYS, GUEST_SESSION, GUESTS, Session


def write_keys(path: Path, roles: Iterable[str] = ROLES) -> None:
    """The development keys by role, readable by the owner only. A guest is handed those of `GUESTS` alone."""
    keys = {role: "0x" + role_account(role).key.hex() for role in roles}
    write_atomically(path, json.dumps(keys, indent=2) + "\n", mode=0o600)


def hand_to_guest(session: Session, folder: Path) -> Path:
    """Write the session that a relayer is started with, with no other keys than its own; the path."""
    write_keys(folder / GUEST_KEYS, GUESTS)
    session.model_copy(update={"key_file": str(folder / GUEST_KEYS)}).write(folder / GUEST_SESSION)
    return folder / GUEST_SESSION
