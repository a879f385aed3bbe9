"""Files of keys and passwords that others may read or change: whoever reads one refuses it, with the way out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.coordinator import role_account
from lab.deploy.keystore import open_key
from lab.errors import UsageError
from lab.live.declaration.deployment_file import KeystoreSigner
from lab.live.signers.keystore import open_keystore
from lab.load.prepare.sources import _owner_of as owner_of
from lab.model.session import Session
from lab.ops.opening import _session_signer as session_signer
from lab.report.release.local_key import load_signer

OWNER = role_account("owner")


def session(path: Path) -> Session:
    """One whose keys are in that file."""
    return Session(
        run_id="r", backend="b", clock="real", genesis_time=1, chains={}, accounts={"owner": OWNER.address},
        key_file=str(path), store_path="s", state_numbering={}, abi=[],
    )  # fmt: skip


def by_password_file(path: Path) -> object:
    """A keystore of which only the password's file is looked at."""
    return open_keystore(KeystoreSigner(keystore="none", password_file=str(path)), path.parent, str)


READERS: dict[str, Callable[[Path], object]] = {
    "lab sign, lab bundle": load_signer,
    "lab live, lab safe": lambda path: open_key(path, "x"),
    "a password": by_password_file,
    "lab ops": lambda path: session_signer(session(path), path.parent, OWNER.address),
    "lab load": lambda path: owner_of(session(path)),
}


def said(reader: str, path: Path) -> str:
    """With which exit code and what words it refuses the file; nothing where it takes it."""
    try:
        READERS[reader](path)
    except UsageError as error:
        return f"{error.exit_code}: {error}"
    return ""


@pytest.mark.parametrize("mode", [0o666, 0o644, 0o640, 0o620, 0o602])
@pytest.mark.parametrize("reader", READERS)
def test_what_others_may_read_or_change_is_refused(tmp_path: Path, reader: str, mode: int) -> None:
    """By exit code 2; the same file restricted is looked at."""
    path = tmp_path / "keys.json"
    key = OWNER.key.hex()
    path.write_text(key if READERS[reader] is load_signer else json.dumps({"owner": key}))
    path.chmod(mode)
    told = said(reader, path)
    assert told.startswith("2: ")
    assert f"(its mode is {mode:04o}): chmod 600 {path}" in told
    path.chmod(0o600)
    assert "chmod" not in said(reader, path)
