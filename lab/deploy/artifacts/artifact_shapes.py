"""The shapes in which tools write compiled contracts down: one of them or many, and where each keeps which part.

Nothing is judged here: a candidate may lack its ABI or its code. What looks like a tool's file but holds no compiled
contract is named, with the way to one that does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from lab.bounded_files import parse_json

UNKNOWN = "unknown (artifact)"
# Keys under which creation and runtime code stand, and those inside them.
CREATION = ("bytecode", "deploymentBytecode", "bin", "evm.bytecode", "data.bytecode", "creationBytecode")
RUNTIME = (
    "deployedBytecode",
    "runtimeBytecode",
    "bytecode_runtime",
    "runtime_bytecode",
    "bin-runtime",
    "evm.deployedBytecode",
    "data.deployedBytecode",
)
# What Sourcify compiled itself has no constructor arguments behind it.
INNER = ("object", "bytecode", "recompiledBytecode", "onchainBytecode")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One contract of a file, as it is written there. `source` is its file as the compiler knew it."""

    name: str | None
    source: str | None
    entry: Mapping[str, Any]
    compiler: str

    @property
    def short(self) -> str:
        """Its name, or its file's."""
        return self.name or PurePosixPath(self.source or "").stem

    @property
    def label(self) -> str:
        """Name and file, where both are known."""
        return f"{self.source}:{self.short}" if self.source else self.short

    def answers_to(self, requested: str) -> bool:
        """Whether this is what somebody calls so: by its name, its source, or both."""
        names = {self.label, self.short, self.source}
        if self.source:
            names.add(PurePosixPath(self.source).name)
        return requested in names

    @property
    def abi(self) -> Any:
        """A list where it is written down as one, or as JSON text."""
        return _unpacked(self.entry.get("abi"))

    @property
    def creation(self) -> str | None:
        """Creation code as it is written; None without."""
        return _code(self.entry, CREATION)

    @property
    def runtime(self) -> str | None:
        """Runtime code as it is written; None without."""
        return _code(self.entry, RUNTIME)

    @property
    def libraries(self) -> list[str]:
        """The libraries that the code wants linked in, where the artifact names them."""
        for place in (self.entry, *(_at(self.entry, key) for key in CREATION)):
            links = place.get("linkReferences") if isinstance(place, Mapping) else None
            if isinstance(links, Mapping) and links:
                return [
                    f"{file}:{name}" for file, names in links.items() if isinstance(names, Mapping) for name in names
                ]
        return []


def candidates(document: Any) -> list[Candidate]:
    """Every contract in a document, in the document's order."""
    return list(_candidates(document, UNKNOWN))


def _candidates(document: Any, compiler: str) -> Iterator[Candidate]:
    if isinstance(document, list):
        for item in document:
            if isinstance(item, Mapping) and "abi" in item:
                yield from _candidates(item, compiler)
        return
    if not isinstance(document, Mapping):
        return
    if _is_contract(document):
        yield _candidate(document, None, None, compiler)
        return
    types, output, contracts = (document.get(key) for key in ("contractTypes", "output", "contracts"))
    if isinstance(types, Mapping):
        yield from (
            _candidate(entry, name, None, _ape_compiler(document, name))
            for name, entry in types.items()
            if isinstance(entry, Mapping)
        )
    elif isinstance(output, Mapping) and isinstance(output.get("contracts"), Mapping):
        long = document.get("solcLongVersion") or document.get("solcVersion")
        yield from _candidates(output, f"solc {long}" if isinstance(long, str) else compiler)
    elif isinstance(contracts, Mapping):
        said = document.get("compiler") or document.get("version")
        yield from _by_file(contracts, said if isinstance(said, str) else compiler)
    else:
        version = document.get("version")
        said = f"vyper {version}" if isinstance(version, str) else compiler
        yield from (
            _candidate(entry, None, source, said)
            for source, entry in document.items()
            if PurePosixPath(source).suffix and isinstance(entry, Mapping) and _is_contract(entry)
        )


def _by_file(contracts: Mapping[str, Any], compiler: str) -> Iterator[Candidate]:
    """`file: {name: contract}` as in standard JSON, or `file:name: contract` as in solc's combined JSON."""
    for key, value in contracts.items():
        if isinstance(value, Mapping) and _is_contract(value):
            source, _, name = key.rpartition(":")
            yield _candidate(value, name or None, source or None, compiler)
        elif isinstance(value, Mapping):
            yield from (
                _candidate(entry, name, key, compiler)
                for name, entry in value.items()
                if isinstance(entry, Mapping) and _is_contract(entry)
            )


def _is_contract(entry: Mapping[str, Any]) -> bool:
    return "abi" in entry or any(_code(entry, (key,)) is not None for key in CREATION)


def _candidate(entry: Mapping[str, Any], name: str | None, source: str | None, compiler: str) -> Candidate:
    named = name or next(
        (
            entry[key]
            for key in ("contractName", "contract_name", "name")
            if isinstance(entry.get(key), str) and entry[key]
        ),
        None,
    )
    for key in ("sourceName", "sourceId", "sourcePath"):
        source = source or (entry[key] if isinstance(entry.get(key), str) else None)
    return Candidate(named, source, entry, _own_compiler(entry) or compiler)


def _own_compiler(entry: Mapping[str, Any]) -> str | None:
    """What an artifact says compiled it; Foundry and solc keep that in the metadata, which may be JSON text."""
    metadata = _unpacked(entry.get("metadata"))
    metadata = metadata if isinstance(metadata, Mapping) else {}
    compiler = entry.get("compiler") or metadata.get("compiler")
    if isinstance(compiler, str):
        return compiler
    if not isinstance(compiler, Mapping) or not isinstance(compiler.get("version"), str):
        return None
    name = compiler.get("name") or entry.get("language") or metadata.get("language")
    return f"{name.lower()} {compiler['version']}" if isinstance(name, str) else str(compiler["version"])


def _ape_compiler(document: Mapping[str, Any], name: str) -> str:
    for entry in document.get("compilers") or ():
        if isinstance(entry, Mapping) and name in (entry.get("contractTypes") or ()):
            return f"{entry.get('name')} {entry.get('version')}"
    return UNKNOWN


def _unpacked(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value, "JSON text")
    except ValueError:
        return value


def _at(entry: Mapping[str, Any], dotted: str) -> Any:
    value: Any = entry
    for part in dotted.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _code(entry: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    """The hex string at the first of these keys that has one, bare or in one of the inner keys."""
    for key in keys:
        value = _at(entry, key)
        if isinstance(value, Mapping):
            value = next((value[inner] for inner in INNER if isinstance(value.get(inner), str)), None)
        if isinstance(value, str):
            return value
    return None


def _keys(items: list[Any]) -> set[str]:
    """The keys of the objects in a list."""
    return {key for item in items if isinstance(item, Mapping) for key in item}


def what_it_is(document: Any) -> str | None:
    """What a document is that holds no compiled contract, and what to give in its place; None for the unknown."""
    if not isinstance(document, Mapping):
        return None
    if "buildInfo" in document:
        return "this is Hardhat's pointer to a build-info file; give the .json of the same name without `.dbg`"
    if "tx_dict" in document or ("source_code" in document and "contract_address" in document):
        return (
            "this is titanoboa's record of a deployment; give the contract's .vy source, or write "
            '`{"abi": deployer.abi, "bytecode": deployer.compiler_data.bytecode.hex()}`'
        )
    if isinstance(document.get("transactions"), list) and "receipts" in document:
        return "this is Foundry's record of a broadcast; give the artifact `out/NAME.vy/NAME.json`"
    if isinstance(document.get("result"), list) and "SourceCode" in _keys(document["result"]):
        return (
            "this is what an explorer answers to getsourcecode, which has no bytecode; save its SourceCode as a .vy "
            "file, and give that"
        )
    if "language" in document and "sources" in document:
        return (
            "this is a compiler's input (standard JSON), not its output; give the .vy source, or the output of "
            "`vyper-json FILE` or `solc --standard-json FILE`, saved as another file"
        )
    failed = [
        error.get("formattedMessage") or error.get("message")
        for error in document.get("errors") or ()
        if isinstance(error, Mapping) and error.get("severity") == "error"
    ]
    if failed:
        return f"this is the output of a compilation that failed, so there is no contract in it: {failed[0]}"
    if "output" in document and "compiler" in document:
        return "this is a contract's metadata, which has no bytecode; give the artifact beside it"
    if "contracts" in document or "contractTypes" in document or "output" in document:
        return "this build has no contract with an ABI in it; compile the project again, with ABI and bytecode selected"
    return None
