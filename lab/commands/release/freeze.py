"""`lab freeze`: is the source that would ship the audited one? Its digest is kept beside the attestations."""

from __future__ import annotations

import json
import re
from pathlib import Path

from lab.bounded_files import read_object, require_version, write_atomically
from lab.deploy.compile import compile_contract
from lab.errors import UsageError
from lab.report.evidence.attestations import FOLDER
from lab.session.suite import cache_folder
from lab.session.under_test import system_under_test

FILE = FOLDER / "code-freeze.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def freeze(audited: str | None) -> int:
    """Compare, and keep what was given. 0: the same source, 1: another one, 3: no audited digest is known.

    Raises UsageError for what is no sha256, and what compiling the contract raises.
    """
    system = system_under_test(contract=None, relayer_cmd=None)
    contract = compile_contract(system.contract, cache_dir=cache_folder() / "compiled")
    if audited is not None:
        if not _SHA256.fullmatch(audited):
            raise UsageError(f"--audited: expected a sha256 of 64 hex digits in lower case, got {audited[:80]!r}")
        FOLDER.mkdir(exist_ok=True)
        write_atomically(FILE, json.dumps({"schema_version": 1, "source_sha256": audited}, indent=2) + "\n")
    known = audited_digest(Path.cwd())
    print(f"source of {contract.name}  {contract.source_sha256}")
    if known is None:
        print(f"no audited source is on record in {FILE}: give its digest with --audited SHA256")
        return 3
    print(f"audited source    {known}")
    same = known == contract.source_sha256
    print("unchanged since the audit" if same else "changed since the audit: have it audited again, or go back")
    return 0 if same else 1


def audited_digest(folder: Path) -> str | None:
    """The digest that is on record in a project; None where there is none. Raises UnfitFile for another file."""
    path = folder / FILE
    if not path.is_file():
        return None
    digest = require_version(read_object(path), path).get("source_sha256")
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise UsageError(f"{path}: expected what `lab freeze --audited SHA256` writes")
    return digest
