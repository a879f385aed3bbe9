"""The source of the contract under test, kept once for a session: a report quotes it with nothing else there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from pydantic import Field

from lab.bounded_files import read_bytes, read_object, write_atomically
from lab.evidence.recorded import Recorded

CONTRACT_SOURCE = "contract-source.json"
FILES_MAX = 40


class SourceFile(Recorded):
    """One file: its name as messages have it, without folders, and its text."""

    name: str = ""
    text: str = ""


class ContractSource(Recorded):
    """All files, the main one first; `bytecode_sha256` says of which contract.

    `words`: documented names of functions and events, and documented reasons, with the contract's own.
    """

    bytecode_sha256: str | None = None
    files: tuple[SourceFile, ...] = ()
    words: dict[str, str] = Field(default_factory=dict)

    def own(self, word: str) -> str:
        """What the contract calls it."""
        return self.words.get(word, word)


def keep_contract_source(
    session: Path,
    bytecode_sha256: str,
    main: Path,
    sources: Iterable[tuple[str, str]],
    words: Mapping[str, str] | None = None,
) -> None:
    """Keep those of `sources` (path as seen from the main file's folder, SHA-256) that are still the ones compiled.

    Best effort: a report without them quotes no line.
    """
    if (session / CONTRACT_SOURCE).exists():
        return
    files: list[dict[str, str]] = []
    for name, digest in list(sources)[:FILES_MAX]:
        path = main if not files else main.parent / name
        with suppress(OSError, ValueError):
            data = read_bytes(path)
            if sha256(data).hexdigest() == digest:
                files.append({"name": path.name, "text": data.decode("utf-8-sig")})
    with suppress(OSError, ValueError):
        session.mkdir(parents=True, exist_ok=True)
        kept = {"bytecode_sha256": bytecode_sha256, "files": files, "words": dict(words or {})}
        write_atomically(session / CONTRACT_SOURCE, json.dumps(kept, indent=1) + "\n")


def read_contract_source(session: Path, bytecode_sha256: str | None) -> ContractSource:
    """What a session kept of this contract; empty where that is nothing, or of another one."""
    with suppress(OSError, ValueError):
        kept = ContractSource.model_validate_json(json.dumps(read_object(session / CONTRACT_SOURCE)), strict=True)
        if bytecode_sha256 is not None and kept.bytecode_sha256 == bytecode_sha256:
            return kept
    return ContractSource()
