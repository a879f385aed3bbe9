"""Reads compiled contracts that other tools wrote, and chooses the one that is meant."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.bounded_files import UnfitFile, parse_json
from lab.coordinator.documented import FUNCTIONS
from lab.deploy.artifacts.artifact_shapes import CREATION, Candidate, candidates, what_it_is
from lab.deploy.compiled import CompiledContract, hash_bytes, hash_hex
from lab.deploy.text import decode
from lab.errors import CompileFailure, InvalidFile, Problem
from lab.html.text import clean
from lab.model.contract.abi import whole_abi

CORE = ("buffer_transaction", "resolve_dependency", "mark_executed")
LISTED_MAX = 12
NAME_LENGTH_MAX = 80
_PLACEHOLDER = re.compile(r"__\$[0-9a-fA-F]+\$__|__[A-Za-z$][^_]*_+")
# EIP-5202, alone or behind the code that deploys it.
_BLUEPRINT = re.compile(r"(?:61[0-9a-f]{4}3d81600a3d39f3)?fe71[0-9a-f]{2}")
_NO_DIGIT = re.compile(r"[^0-9a-fA-F]")
_POSITION = re.compile(r" at line (\d+) column (\d+)$")
_HEX_LINE = re.compile(r"(?:0x)?[0-9a-fA-F]{2,}")
_ADVICE = (
    "give the artifact that the compiler wrote (plain {abi, bytecode}, Ape, Foundry, Hardhat, Brownie, Truffle, "
    "moccasin, combined or standard JSON, or the lines of `vyper -f abi,bytecode`) or the .vy source"
)


def read_artifact(path: Path, data: bytes, requested: str | None = None) -> CompiledContract:
    """The contract that a file holds; of several the one called `requested`, else the only one that can be meant.

    Raises InvalidFile for text that is no JSON, CompileFailure for JSON that lacks a part of a contract and
    for several contracts of which none stands out.
    """
    document = _parse(path, data)
    contracts = candidates(document)
    if not contracts and isinstance(document, list):
        raise CompileFailure(f"{path}: this is an ABI alone, without bytecode, so it cannot be deployed; {_ADVICE}")
    if not contracts and not isinstance(document, dict):
        raise CompileFailure(f"{path}: expected a JSON object with abi and bytecode, got {_kind(document)}; {_ADVICE}")
    if not contracts:
        keys = ", ".join(sorted(map(str, document))[:LISTED_MAX]) or "(none)"
        problem = what_it_is(document) or f"no creation bytecode and no `abi`, got keys {keys}; {_ADVICE}"
        raise CompileFailure(f"{path}: {problem}")
    chosen = _choose(path, contracts, requested)
    bytecode = _initcode(path, chosen)
    runtime = chosen.runtime
    digest = hash_bytes(data)
    return CompiledContract(
        name=clean(chosen.short or path.stem, NAME_LENGTH_MAX),
        source_path=path,
        abi=_abi(path, chosen),
        bytecode=bytecode,
        runtime_size_bytes=len(_digits(runtime)) // 2 if runtime else None,
        compiler=clean(chosen.compiler, NAME_LENGTH_MAX),
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
        problems = [replace(problem, message=f"{problem.message}; or {_ADVICE}") for problem in error.problems]
        raise InvalidFile(problems) from error
    try:
        return parse_json(text, path)
    except UnfitFile as unfit:
        if unfit.errno == errno.EFBIG:
            raise CompileFailure(f"{unfit}; give the file of this contract alone") from None
        printed = _printed(text)
        if printed is not None:
            return printed
        reason = str(unfit.__cause__)
        position = _POSITION.search(reason)
        line, column = (int(position.group(1)), int(position.group(2))) if position else (0, 0)
        said = reason[: position.start()] if position else reason
        problem = Problem(str(path), line, column, "", f"malformed JSON: {said.strip()}; {_ADVICE}")
        raise InvalidFile([problem]) from None


def _printed(text: str) -> dict[str, Any] | None:
    """What `vyper -f abi,bytecode,…` prints, a line each, as a plain artifact; None for other text."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    codes = [line for line in lines if _HEX_LINE.fullmatch(line)]
    if not codes or len(lines) - len(codes) > 1:
        return None
    try:
        abis = [parse_json(line, "a line") for line in lines if not _HEX_LINE.fullmatch(line)]
    except ValueError:
        return None
    if not all(isinstance(abi, list) for abi in abis):
        return None
    # Creation code holds the runtime code, whichever was asked for first.
    codes.sort(key=len, reverse=True)
    fields: dict[str, Any] = {"bytecode": codes[0]}
    if len(codes) > 1:
        fields["runtime_bytecode"] = codes[1]
    return fields | ({"abi": abis[0]} if abis else {})


def _choose(path: Path, contracts: Sequence[Candidate], requested: str | None) -> Candidate:
    if requested is not None:
        named = [candidate for candidate in contracts if candidate.answers_to(requested)]
        if not named and len(contracts) == 1 and not contracts[0].short:
            raise CompileFailure(
                f"{path}: expected one contract called {requested}, got one without a name: leave out :{requested}"
            )
        if len(named) != 1:
            got = "none of that name" if not named else f"{len(named)} of them"
            raise CompileFailure(
                f"{path}: expected one contract called {requested}, got {got}; {_listed(path, contracts)}"
            )
        return named[0]
    if len(contracts) == 1:
        return contracts[0]
    deployable = [candidate for candidate in contracts if _digits(candidate.creation or "")]
    for rank in (
        deployable,
        [candidate for candidate in deployable if all(name in _functions(candidate) for name in CORE)],
    ):
        if len(rank) == 1:
            return rank[0]
    raise CompileFailure(
        f"{path}: expected one contract that could be meant, got {len(contracts)}; {_listed(path, contracts)}"
    )


def _functions(candidate: Candidate) -> set[str]:
    entries = candidate.abi if isinstance(candidate.abi, list) else ()
    return {str(entry.get("name")) for entry in entries if isinstance(entry, dict)}


def _listed(path: Path, contracts: Sequence[Candidate]) -> str:
    """Every contract with what it has, the likeliest first, and how to choose one."""
    documented = {name for name, signature in FUNCTIONS.items() if signature.part == "documented"}
    scores = {id(candidate): len(_functions(candidate) & documented) for candidate in contracts}
    ranked = sorted(contracts, key=lambda candidate: (not candidate.creation, -scores[id(candidate)]))
    lines = [
        f"  {candidate.label}: {scores[id(candidate)]} of {len(documented)} documented functions"
        + ("" if _digits(candidate.creation or "") else ", no bytecode")
        for candidate in ranked[:LISTED_MAX]
    ]
    lines += [f"  and {len(contracts) - LISTED_MAX} more"] if len(contracts) > LISTED_MAX else []
    shorts = [candidate.short for candidate in contracts]
    example = ranked[0].short if shorts.count(ranked[0].short) == 1 else ranked[0].label
    return "\n".join([f"choose one by its name, as in `--contract {path}:{example}`:", *lines])


def _abi(path: Path, chosen: Candidate) -> list[dict[str, Any]]:
    abi = chosen.abi
    if abi is None:
        raise CompileFailure(
            f"{path}: this is code alone; expected `abi`, got keys "
            f"{', '.join(sorted(map(str, chosen.entry)))}; {_ADVICE}"
        )
    if not isinstance(abi, list):
        raise CompileFailure(f"{path}: expected `abi` as a list of entries, but abi is {_kind(abi)}; {_ADVICE}")
    try:
        return whole_abi(abi)
    except ValueError as error:
        raise CompileFailure(f"{path}: abi is a list with an entry that cannot be used: {error}; {_ADVICE}") from error


def _initcode(path: Path, chosen: Candidate) -> str:
    code = chosen.creation
    if code is None and (problem := what_it_is(chosen.entry)):
        raise CompileFailure(f"{path}: {problem}")
    if code is None:
        keys = ", ".join(sorted(map(str, chosen.entry))) or "(none)"
        raise CompileFailure(
            f"{path}: no creation bytecode: expected it as one of {', '.join(CREATION)}, got keys {keys}; {_ADVICE}"
        )
    digits = _digits(code)
    if not digits:
        raise CompileFailure(f"{path}: the bytecode is empty, as for an interface or abstract contract; {_ADVICE}")
    if placeholder := _PLACEHOLDER.search(digits):
        libraries = ", ".join(chosen.libraries) or f"placeholder {placeholder.group()}"
        raise CompileFailure(
            f"{path}: the bytecode needs a library linked in ({libraries}); link it (for example by "
            "`forge build --libraries FILE:NAME:ADDRESS`), then give the linked artifact"
        )
    if _BLUEPRINT.match(digits.lower()):
        raise CompileFailure(
            f"{path}: this is a blueprint (EIP-5202) for contracts that others create, and cannot be called; give the "
            "contract's own creation code (`vyper -f abi,bytecode`)"
        )
    problem = f"{len(digits):,} digits are an odd number, so it is cut off" if len(digits) % 2 else ""
    if other := _NO_DIGIT.search(digits):
        problem = f"{other[0]!a} is its character {other.start() + 1:,}"
    if problem:
        raise CompileFailure(f"{path}: the bytecode is no hex string: {problem}; {_ADVICE}")
    return "0x" + digits.lower()


def _digits(code: str) -> str:
    return re.sub(r"^0[xX]", "", code.strip())


def _kind(value: object) -> str:
    return {type(None): "null", dict: "an object", list: "a list", str: "a string"}.get(type(value), "a bare value")
