"""Reads compiled contracts that other tools wrote, and chooses the one that is meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from lab.coordinator.documented import FUNCTIONS
from lab.deploy.artifacts.abi import whole_abi
from lab.deploy.artifacts.artifact_shapes import CREATION, Candidate, candidates, what_it_is
from lab.deploy.compiled import CompiledContract, hash_bytes, hash_hex
from lab.deploy.text import decode
from lab.errors import CompileFailure, InvalidFile, Problem

CORE = ("buffer_transaction", "resolve_dependency", "mark_executed")
LISTED_MAX = 12
_PLACEHOLDER = re.compile(r"__\$[0-9a-fA-F]+\$__|__[A-Za-z$][^_]*_+")
_POSITION = re.compile(r" at line (\d+) column (\d+)$")
_HEX_LINE = re.compile(r"(?:0x)?[0-9a-fA-F]{2,}")
_ADVICE = (
    "give the artifact that the compiler wrote (plain {abi, bytecode}, Ape, Foundry, Hardhat, Brownie, Truffle, "
    "moccasin, combined or standard JSON, or the lines of `vyper -f abi,bytecode`) or the .vy source"
)  # fmt: skip


def read_artifact(path: Path, data: bytes, wanted: str | None = None) -> CompiledContract:
    """The contract that a file holds; of several the one called `wanted`, else the only one that can be meant.

    Raises InvalidFile for text that is no JSON, CompileFailure for JSON that lacks a part of a contract and
    for several contracts of which none stands out.
    """
    document = _parse(path, data)
    found = candidates(document)
    if not found and isinstance(document, list):
        raise CompileFailure(f"{path}: this is an ABI alone, without bytecode, so it cannot be deployed; {_ADVICE}")
    if not found and not isinstance(document, dict):
        raise CompileFailure(f"{path}: expected a JSON object with abi and bytecode, got {_kind(document)}; {_ADVICE}")
    if not found:
        keys = ", ".join(sorted(map(str, document))[:LISTED_MAX]) or "(none)"
        told = what_it_is(document) or f"no creation bytecode and no `abi`, got keys {keys}; {_ADVICE}"
        raise CompileFailure(f"{path}: {told}")
    chosen = _choose(path, found, wanted)
    bytecode = _initcode(path, chosen)
    runtime = chosen.runtime
    digest = hash_bytes(data)
    return CompiledContract(
        name=chosen.short or path.stem,
        source_path=path,
        abi=_abi(path, chosen),
        bytecode=bytecode,
        runtime_size_bytes=len(_digits(runtime)) // 2 if runtime else None,
        compiler=chosen.compiler,
        source_sha256=digest,
        bytecode_sha256=hash_hex(bytecode),
        sources=((path.name, digest),),
    )


def looks_like_artifact(text: str) -> bool:
    """Whether a text of no known suffix could be JSON or what a compiler printed."""
    return text.lstrip()[:1] in ("{", "[") or (bool(text.strip()) and _printed(text) is not None)


def _parse(path: Path, data: bytes) -> Any:
    try:
        text = decode(path, data)
    except InvalidFile as error:
        raise InvalidFile(Problem(each.file, each.line, each.column, each.path, f"{each.message}; or {_ADVICE}")
                          for each in error.problems) from error  # fmt: skip
    try:
        # Not json.loads: web3's dependencies raise Python's recursion limit, and deep nesting then ends the process.
        return from_json(text)
    except ValueError as error:
        printed = _printed(text)
        if printed is not None:
            return printed
        position = _POSITION.search(str(error))
        line, column = (int(position.group(1)), int(position.group(2))) if position else (0, 0)
        said = str(error)[: position.start()] if position else str(error)
        problem = Problem(str(path), line, column, "", f"malformed JSON: {said.strip()}; {_ADVICE}")
        raise InvalidFile([problem]) from error


def _printed(text: str) -> dict[str, Any] | None:
    """What `vyper -f abi,bytecode,…` prints, a line each, as a plain artifact; None for other text."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    codes = [line for line in lines if _HEX_LINE.fullmatch(line)]
    others = [line for line in lines if line not in codes]
    try:
        abis = [from_json(line) for line in others]
    except ValueError:
        return None
    if not codes or len(abis) > 1 or not all(isinstance(abi, list) for abi in abis):
        return None
    # Creation code holds the runtime code, whichever was asked for first.
    codes.sort(key=len, reverse=True)
    found: dict[str, Any] = {"bytecode": codes[0]}
    if len(codes) > 1:
        found["runtime_bytecode"] = codes[1]
    return found | ({"abi": abis[0]} if abis else {})


def _choose(path: Path, found: Sequence[Candidate], wanted: str | None) -> Candidate:
    if wanted is not None:
        named = [each for each in found if each.answers_to(wanted)]
        if len(named) != 1:
            got = "none of that name" if not named else f"{len(named)} of them"
            raise CompileFailure(f"{path}: expected one contract called {wanted}, got {got}; {_listed(path, found)}")
        return named[0]
    if len(found) == 1:
        return found[0]
    deployable = [each for each in found if _digits(each.creation or "")]
    for rank in (deployable, [each for each in deployable if all(name in _functions(each) for name in CORE)]):
        if len(rank) == 1:
            return rank[0]
    raise CompileFailure(f"{path}: expected one contract that could be meant, got {len(found)}; {_listed(path, found)}")


def _functions(candidate: Candidate) -> set[str]:
    entries = candidate.abi if isinstance(candidate.abi, list) else ()
    return {str(entry.get("name")) for entry in entries if isinstance(entry, dict)}


def _listed(path: Path, found: Sequence[Candidate]) -> str:
    """Every contract with what it has, the likeliest first, and how to choose one."""
    documented = {name for name, signature in FUNCTIONS.items() if signature.part == "documented"}
    scores = {id(each): len(_functions(each) & documented) for each in found}
    ranked = sorted(found, key=lambda each: (not each.creation, -scores[id(each)]))
    lines = [f"  {each.label}: {scores[id(each)]} of {len(documented)} documented functions"
             + ("" if _digits(each.creation or "") else ", no bytecode") for each in ranked[:LISTED_MAX]]  # fmt: skip
    lines += [f"  and {len(found) - LISTED_MAX} more"] if len(found) > LISTED_MAX else []
    shorts = [each.short for each in found]
    example = ranked[0].short if shorts.count(ranked[0].short) == 1 else ranked[0].label
    return "\n".join([f"choose one by its name, as in `--contract {path}:{example}`:", *lines])


def _abi(path: Path, chosen: Candidate) -> list[dict[str, Any]]:
    abi = chosen.abi
    if abi is None:
        raise CompileFailure(f"{path}: this is code alone; expected `abi`, got keys "
                             f"{', '.join(sorted(map(str, chosen.entry)))}; {_ADVICE}")  # fmt: skip
    if not isinstance(abi, list):
        raise CompileFailure(f"{path}: expected `abi` as a list of entries, but abi is {_kind(abi)}; {_ADVICE}")
    try:
        return whole_abi(abi)
    except ValueError as error:
        raise CompileFailure(f"{path}: abi is a list with an entry that cannot be used: {error}; {_ADVICE}") from error


def _initcode(path: Path, chosen: Candidate) -> str:
    code = chosen.creation
    if code is None and (told := what_it_is(chosen.entry)):
        raise CompileFailure(f"{path}: {told}")
    if code is None:
        found = ", ".join(sorted(map(str, chosen.entry))) or "(none)"
        raise CompileFailure(f"{path}: no creation bytecode: expected it as one of {', '.join(CREATION)}, "
                             f"got keys {found}; {_ADVICE}")  # fmt: skip
    digits = _digits(code)
    if not digits:
        raise CompileFailure(f"{path}: the bytecode is empty, as for an interface or abstract contract; {_ADVICE}")
    if placeholder := _PLACEHOLDER.search(digits):
        libraries = ", ".join(chosen.libraries) or f"placeholder {placeholder.group()}"
        raise CompileFailure(f"{path}: the bytecode needs a library linked in ({libraries}); link it (for example by "
                             "`forge build --libraries FILE:NAME:ADDRESS`), then give the linked artifact")  # fmt: skip
    try:
        bytes.fromhex(digits)
    except ValueError as error:
        raise CompileFailure(f"{path}: the bytecode is no hex string: {error}; {_ADVICE}") from error
    return "0x" + digits.lower()


def _digits(code: str) -> str:
    return re.sub(r"^0[xX]", "", code.strip())


def _kind(value: object) -> str:
    return {type(None): "null", dict: "an object", list: "a list", str: "a string"}.get(type(value), "a bare value")
