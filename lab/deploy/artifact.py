"""Reads contract artifacts of other tools: plain {abi, bytecode}, Foundry, Hardhat and Ape JSON."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from lab.deploy.compiled import CompiledContract, hash_bytes, hash_hex
from lab.errors import CompileFailure, InvalidFile, Problem

_PLACEHOLDER = re.compile(r"__\$[0-9a-fA-F]+\$__|__[A-Za-z$][^_]*_+")
_POSITION = re.compile(r" at line (\d+) column (\d+)$")
_ADVICE = "give the artifact that the compiler wrote (plain {abi, bytecode}, Foundry, Hardhat or Ape) or the .vy source"


def read_artifact(path: Path, data: bytes) -> CompiledContract:
    """Raises InvalidFile for text that is no JSON, CompileFailure for JSON that lacks a part of a contract."""
    document = _parse(path, data)
    if isinstance(document, list):
        raise CompileFailure(f"{path}: this is an ABI alone, without bytecode, so it cannot be deployed; {_ADVICE}")
    if not isinstance(document, dict):
        raise CompileFailure(f"{path}: expected a JSON object with abi and bytecode, got {_kind(document)}; {_ADVICE}")
    bytecode = _initcode(path, document)
    runtime = _code(document.get("deployedBytecode"), "object") or _code(document.get("runtimeBytecode"), "bytecode")
    name = document.get("contractName")
    digest = hash_bytes(data)
    return CompiledContract(
        name=name if isinstance(name, str) and name else path.stem,
        source_path=path,
        abi=_abi(path, document),
        bytecode=bytecode,
        runtime_size_bytes=len(runtime.removeprefix("0x")) // 2 if runtime else None,
        compiler=_compiler(document),
        source_sha256=digest,
        bytecode_sha256=hash_hex(bytecode),
        sources=((path.name, digest),),
    )


def _parse(path: Path, data: bytes) -> object:
    try:
        text = data.decode("utf-8")
        # Not json.loads: web3's dependencies raise Python's recursion limit, and deep nesting then ends the process.
        return from_json(text)
    except UnicodeDecodeError as error:
        problem = Problem(str(path), 0, 0, "", f"not UTF-8 text (byte {error.start}); {_ADVICE}")
    except ValueError as error:
        position = _POSITION.search(str(error))
        line, column = (int(position.group(1)), int(position.group(2))) if position else (0, 0)
        said = str(error)[: position.start()] if position else str(error)
        problem = Problem(str(path), line, column, "", f"malformed JSON: {said.strip()}; {_ADVICE}")
    raise InvalidFile([problem])


def _abi(path: Path, document: dict[str, Any]) -> list[dict[str, Any]]:
    abi = document.get("abi")
    if not isinstance(abi, list) or not all(isinstance(entry, dict) and "type" in entry for entry in abi):
        found = f"keys {', '.join(sorted(document)) or '(none)'}" if abi is None else f"abi is {_kind(abi)}"
        raise CompileFailure(f"{path}: expected `abi` as a list of entries with a type, got {found}; {_ADVICE}")
    return abi


def _initcode(path: Path, document: dict[str, Any]) -> str:
    code = _code(document.get("bytecode"), "object")
    if code is None:
        code = _code(document.get("deploymentBytecode"), "bytecode")
    if code is None:
        found = ", ".join(sorted(document)) or "(none)"
        raise CompileFailure(f"{path}: no creation bytecode: expected `bytecode`, `bytecode.object` or "
                             f"`deploymentBytecode.bytecode`, got keys {found}; {_ADVICE}")  # fmt: skip
    digits = code.removeprefix("0x")
    if not digits:
        raise CompileFailure(f"{path}: the bytecode is empty, as for an interface or abstract contract; {_ADVICE}")
    if placeholder := _PLACEHOLDER.search(digits):
        raise CompileFailure(f"{path}: the bytecode needs a library linked in (placeholder {placeholder.group()}); "
                             "link it, then give the linked artifact")  # fmt: skip
    try:
        bytes.fromhex(digits)
    except ValueError as error:
        raise CompileFailure(f"{path}: the bytecode is no hex string: {error}; {_ADVICE}") from error
    return "0x" + digits.lower()


def _code(value: object, inner: str) -> str | None:
    """The hex string in `value`, or in its field `inner`; None where neither is there."""
    if isinstance(value, dict):
        value = value.get(inner)
    return value if isinstance(value, str) else None


def _compiler(document: dict[str, Any]) -> str:
    """What the artifact says compiled it; Foundry keeps that in its metadata."""
    metadata = document.get("metadata")
    compiler = document.get("compiler") or (metadata.get("compiler") if isinstance(metadata, dict) else None)
    if isinstance(compiler, str):
        return compiler
    if isinstance(compiler, dict) and isinstance(compiler.get("version"), str):
        return " ".join(part for part in (compiler.get("name"), compiler["version"]) if isinstance(part, str))
    return "unknown (artifact)"


def _kind(value: object) -> str:
    return {type(None): "null", dict: "an object", list: "a list", str: "a string"}.get(type(value), "a bare value")
