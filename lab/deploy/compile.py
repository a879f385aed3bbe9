"""Turns the contract under test, a Vyper source or an artifact JSON, into what a deployment needs.

A source is compiled by the version that its pragma names. Results are cached by content: the sources, everything they
import, and the compiler's version.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from lab.bounded_files import read_object, write_atomically
from lab.deploy.artifacts.artifact import read_artifact
from lab.deploy.artifacts.contract_file import artifact_data, split_name
from lab.deploy.compiled import CompiledContract, digest_of, hash_bytes, hash_hex
from lab.deploy.vyper.compilers import CompilerOutput, run_compiler
from lab.deploy.vyper.source import VyperSource, read_source
from lab.errors import UsageError
from lab.model.contract.abi import whole_abi

__all__ = ["CompiledContract", "compile_contract"]

# Raise it when the shape of a cache file or the way of calling a compiler changes.
_CACHE_FORMAT = 1

Compiler = Callable[[VyperSource], CompilerOutput]


def compile_contract(path: Path, *, cache_dir: Path, compiler: Compiler | None = None) -> CompiledContract:
    """Compile or read the contract at `path`: a source, an artifact, or `artifact:Name` for one of several in it.

    `compiler` is another way to run the compiler than within bounds, in a process of its own.
    Raises UsageError for a missing file or another kind of file, InvalidFile for malformed JSON or text,
    CompileFailure for a source that does not compile or an artifact that lacks a part, and EnvironmentFailure when the
    compiler cannot be run.
    """
    path, requested = split_name(path)
    try:
        if path.is_dir() or path.suffix != ".vy":
            return read_artifact(path, artifact_data(path), requested)
        source = read_source(path)
    except OSError as error:
        raise UsageError(f"{error.filename or path}: cannot be read: {error.strerror or error}") from error
    cache_file = cache_dir / f"{_cache_key(source)}.json"
    cached = _read_cache(cache_file, path)
    if cached is not None:
        return cached
    output = (compiler or run_compiler)(source)
    contract = CompiledContract(
        name=path.stem,
        source_path=path,
        abi=output.abi,
        bytecode=output.bytecode,
        runtime_size_bytes=len(output.runtime_bytecode.removeprefix("0x")) // 2,
        compiler=f"vyper {source.compiler_version}",
        source_sha256=digest_of(source.sources),
        bytecode_sha256=hash_hex(output.bytecode),
        sources=source.sources,
    )
    _write_cache(cache_file, contract)
    return contract


def _cache_key(source: VyperSource) -> str:
    return hash_bytes(json.dumps([_CACHE_FORMAT, source.compiler_version, source.sources]).encode())


def _read_cache(cache_file: Path, path: Path) -> CompiledContract | None:
    """None for a file that is missing, damaged or of another shape: the contract is then compiled again."""
    try:
        fields = read_object(cache_file)
        fields["source_path"] = path
        fields["sources"] = tuple((name, digest) for name, digest in fields["sources"])
        fields["abi"] = whole_abi(fields["abi"])
        contract = CompiledContract(**fields)
        intact = hash_hex(contract.bytecode) == contract.bytecode_sha256
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return contract if intact else None


def _write_cache(cache_file: Path, contract: CompiledContract) -> None:
    """A cache that cannot be written costs time, not correctness: the compiled contract is returned all the same."""
    fields = asdict(contract) | {"source_path": str(contract.source_path)}
    with suppress(OSError):
        write_atomically(cache_file, json.dumps(fields))
