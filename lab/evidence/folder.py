"""A run folder: what it holds, how it is read back, and whether it is still what the run wrote."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lab.bounded_files import UnfitFile, parse_json, read_text
from lab.errors import EvidenceFailure
from lab.model.history import History
from lab.model.records import RECORD
from lab.model.verdict import RunVerdict

SCHEMA_VERSION = 1
HISTORY, VERDICT, METRICS, MANIFEST = "history.jsonl", "verdict.json", "metrics.json", "manifest.json"
DIGESTED = (HISTORY, VERDICT, METRICS)


def write_atomically(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def sha256_file(path: Path) -> str:
    """The sha256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        for chunk in iter(lambda: handle.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


class RunFolder:
    """One item's evidence. Reading raises EvidenceFailure, which names the file and what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def history(self) -> History:
        """The recorded history, parsed line by line."""
        records = []
        # Only a line feed ends a record: `splitlines` would also cut at U+2028 and its like inside of a text.
        for number, line in enumerate(self._text(HISTORY).removesuffix("\n").split("\n"), start=1):
            try:
                records.append(RECORD.validate_json(line))
            except ValidationError as error:
                problem = error.errors()[0]
                raise EvidenceFailure(
                    f"{self.path / HISTORY}:{number}:1: expected a history record, got {line[:80]!r}: "
                    f"{problem['msg']}; the file was truncated or changed after the run: run the scenario again"
                ) from error
        try:
            return History(records)
        except ValueError as error:
            raise EvidenceFailure(f"{self.path / HISTORY}:1:1: {error}; run the scenario again") from error

    def verdict(self) -> RunVerdict:
        """The recorded verdict."""
        try:
            return RunVerdict.model_validate_json(self._text(VERDICT))
        except ValidationError as error:
            raise EvidenceFailure(f"{self.path / VERDICT}: expected a verdict: {error.errors()[0]['msg']}") from error

    def manifest(self) -> dict[str, Any]:
        """The manifest as an object."""
        return self._object(MANIFEST)

    def metrics(self) -> dict[str, Any]:
        """The metrics as an object."""
        return self._object(METRICS)

    def verify(self) -> list[str]:
        """What differs from what the run wrote: one sentence a file, empty when all digests match."""
        recorded = self.manifest().get("digests")
        if not isinstance(recorded, dict):
            return [f"{self.path / MANIFEST}: expected the digests of the evidence, found none"]
        differences = []
        for name in DIGESTED:
            path = self.path / name
            if not path.is_file():
                differences.append(f"{path}: expected the file, found none")
            elif sha256_file(path) != recorded.get(name):
                differences.append(f"{path}: its digest is not the one that the run recorded")
        return differences

    def seal(self, manifest: dict[str, Any]) -> None:
        """Write the manifest with the digest of every evidence file: the run's last act."""
        digests = {name: sha256_file(self.path / name) for name in DIGESTED if (self.path / name).is_file()}
        write_atomically(self.path / MANIFEST, json.dumps(manifest | {"digests": digests}, indent=2) + "\n")

    def _text(self, name: str) -> str:
        try:
            return read_text(self.path / name, max_bytes=64 << 20)
        except OSError as error:
            raise EvidenceFailure(f"{self.path / name}: expected readable evidence: {error}") from error

    def _object(self, name: str) -> dict[str, Any]:
        try:
            value = parse_json(self._text(name), self.path / name)
        except UnfitFile as unfit:
            raise EvidenceFailure(str(unfit)) from unfit
        if not isinstance(value, dict):
            raise EvidenceFailure(f"{self.path / name}: expected a JSON object, got {type(value).__name__}")
        return value
