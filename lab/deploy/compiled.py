"""The record of a compiled contract, whatever it came from: a Vyper source, or another tool's artifact."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class CompiledContract:
    """What a deployment needs, and what a manifest records about it.

    `bytecode` is the initcode as 0x-prefixed hex. `runtime_size_bytes` counts the code that will stand on the chain,
    without immutables; None where an artifact does not carry it. `sources` lists every
    file that went in as (path relative to the main file's folder, SHA-256 of its bytes), the main one first;
    `source_sha256` is `digest_of(sources)`.
    """

    name: str
    source_path: Path
    abi: list[dict[str, Any]]
    bytecode: str
    runtime_size_bytes: int | None
    compiler: str
    source_sha256: str
    bytecode_sha256: str
    sources: tuple[tuple[str, str], ...] = ()

    @property
    def identity(self) -> str:
        """What is known of a contract's behaviour holds for this SHA-256: of its code, and of the ABI to call it by."""
        return hash_bytes(json.dumps([self.bytecode_sha256, self.abi], sort_keys=True).encode())


def hash_bytes(data: bytes) -> str:
    """SHA-256 as hex."""
    return hashlib.sha256(data).hexdigest()


def hash_hex(code: str) -> str:
    """SHA-256 of the bytes that a 0x-prefixed hex string stands for."""
    return hash_bytes(bytes.fromhex(code.removeprefix("0x")))


def digest_of(sources: Iterable[tuple[str, str]]) -> str:
    """One digest for a contract's sources: a lone file's own SHA-256, else that of `sha256sum`-like lines over all."""
    entries = list(sources)
    if len(entries) == 1:
        return entries[0][1]
    return hash_bytes("".join(f"{digest}  {name}\n" for name, digest in entries).encode())
