"""The digest chain of an evidence folder: `manifest.json` holds the sha256 of each file that counts, and its own.

It shows damage and careless edits. Whoever forges on purpose can compute the digests again; only a signature over the
whole (`lab bundle --key`) shows that.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.bounded_files import parse_json, read_bytes, sha256_file, write_atomically
from lab.errors import EvidenceFailure

MANIFEST = "manifest.json"
# One of the library's has 6 KB; the largest matrix makes it 40 KB, a relayer of many files more.
MANIFEST_BYTES_MAX = 1 << 20
# What a run wrote itself is digested even where it is too long to be read again.
WRITTEN_BYTES_MAX = 1 << 40
STARTED, ENDED = "started", "ended"
_DIGESTS, _SEAL, _STATE = "digests", "seal", "state"
# The seal is the last field, over all bytes before it.
_SEALED = re.compile(rb',\n  "seal": "([0-9a-f]{64})"\n}\n\Z')
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
CHANGED = "its digest is not the one that the run recorded"
DID_NOT_END = "the run was started and did not end: it was stopped, crashed or met an error; run it again"


def write_started(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Say what a run is going to do before it does it, so that one which never ends is known. Raises OSError."""
    _write(folder, {**manifest, _STATE: STARTED}, {})


def write_sealed(folder: Path, manifest: Mapping[str, Any], files: Iterable[str]) -> None:
    """Write the manifest with the digest of each of the files that exists: a run's last act. Raises OSError."""
    there = [name for name in files if (folder / name).is_file()]
    digests = {name: sha256_file(folder / name, max_bytes=WRITTEN_BYTES_MAX) for name in there}
    _write(folder, {**manifest, _STATE: ENDED}, digests)


def _write(folder: Path, manifest: Mapping[str, Any], digests: Mapping[str, str]) -> None:
    facts = {name: value for name, value in manifest.items() if name not in (_DIGESTS, _SEAL)}
    content = json.dumps(facts | {_DIGESTS: dict(digests)}, indent=2).removesuffix("\n}")
    seal = hashlib.sha256(content.encode()).hexdigest()
    write_atomically(folder / MANIFEST, f'{content},\n  "{_SEAL}": "{seal}"\n}}\n')


def read_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    """The manifest, and what is wrong with its seal, empty where it holds. Raises EvidenceFailure."""
    path = folder / MANIFEST
    try:
        content = read_bytes(path, max_bytes=MANIFEST_BYTES_MAX)
        value = parse_json(content, path)
    except (OSError, ValueError) as error:
        raise EvidenceFailure(f"{path}: expected a readable manifest: {words(error)}") from error
    if not isinstance(value, dict):
        raise EvidenceFailure(f"{path}: expected a JSON object, got {type(value).__name__}")
    seal = _SEALED.search(content)
    if seal is None:
        return value, "expected it to end with its own digest, found none"
    whole = hashlib.sha256(content[: seal.start()]).hexdigest() == seal[1].decode()
    return value, "" if whole else CHANGED


def differences(folder: Path, required: Sequence[str]) -> list[str]:
    """What is not as the run wrote it: a sentence for each file, empty where every digest matches.

    Of a run that did not end only the manifest is known. Raises EvidenceFailure for a manifest that cannot be read.
    """
    manifest, wrong = read_manifest(folder)
    lines = [f"{folder / MANIFEST}: {wrong}"] if wrong else []
    if manifest.get(_STATE) == STARTED:
        return lines
    recorded = manifest.get(_DIGESTS)
    if not isinstance(recorded, dict):
        return [*lines, f"{folder / MANIFEST}: expected the digests of the evidence, found none"]
    for name in dict.fromkeys([*required, *recorded]):
        path = folder / name
        if not _PLAIN_NAME.fullmatch(name):
            lines.append(f"{folder / MANIFEST}: expected digests of files of this folder, got one of {name[:80]!r}")
        elif not path.is_file():
            lines.append(f"{path}: expected the file, found none")
        elif sha256_file(path) != recorded.get(name):
            lines.append(f"{path}: {CHANGED}")
    return lines


def words(error: Exception) -> str:
    """What is wrong with a file, without the path, which the caller names."""
    return str(getattr(error, "strerror", None) or error)
