"""The API reference, from the ABI and NatSpec of the contract's sources: `python -m lab.documents.reference PAGE`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_utils.abi import collapse_if_tuple

from lab.deploy.compile import compile_contract
from lab.deploy.compiled import CompiledContract
from lab.deploy.vyper.source import read_source
from lab.paths import REFERENCE_CONTRACT
from lab.session.suite import cache_folder

_FUNCTION = re.compile(
    r'^@external\n(?:@\w+\n)*def (\w+)\([^)]*\)(?: -> [^\n]*)?:\n    """(.*?)"""', re.DOTALL | re.MULTILINE
)
_VARIABLE = re.compile(r"((?:^#.*\n)+)^(\w+): public\(", re.MULTILINE)
_TAG = re.compile(r"@(notice|dev|param|return)\s+")
_REASON = re.compile(r'^\s*(?:assert\b.*,|raise)\s*"([^"]+)"', re.MULTILINE)
_FAILURE = re.compile(r'(?:self\._fail\([^"\n]*|TransactionFailed\([^"\n]*reason=)"([^"\n]+)"')
_LOG = re.compile(r"\blog (?:\w+\.)?(\w+)\(")
_DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)

# The compiler takes no NatSpec for events.
EVENTS: dict[str, str] = {
    "TransactionBuffered": "A transaction was buffered.",
    "TransactionReady": "A transaction became READY.",
    "TransactionFailed": "A resolve changed nothing, or a transaction ended as EXPIRED; `reason` says which.",
    "OperatorAdded": "An account may call the operator functions.",
    "OperatorRemoved": "An account may no longer call the operator functions.",
    "OwnershipProposed": "The owner proposed another owner; the zero address withdraws the proposal.",
    "OwnershipTransferred": "The contract has another owner.",
    "EmergencyStop": "Every operator function reverts from now on. `caller`: the owner, or who tripped the breaker.",
    "EmergencyStopLifted": "Operator functions work again, and failures are counted from zero.",
    "CoordinationWindowSet": "How long after its timestamp a transaction can become READY, in seconds.",
    "ExecutionWindowSet": "How long after that window a READY transaction can be executed, in seconds; 0 for no end.",
    "BreakerThresholdSet": "How many failures within an hour stop the coordinator; 0 for never.",
}


@dataclass
class NatSpec:
    """What one docstring says. `params` by name."""

    notice: str = ""
    dev: str = ""
    returns: str = ""
    params: dict[str, str] = field(default_factory=dict)


def parse(docstring: str) -> NatSpec:
    """The tags of a docstring."""
    spec, parts = NatSpec(), _TAG.split(docstring)
    for tag, text in zip(parts[1::2], parts[2::2], strict=True):
        words = " ".join(text.split())
        if tag == "param":
            name, _, meaning = words.partition(" ")
            spec.params[name] = meaning
        else:
            setattr(spec, "returns" if tag == "return" else tag, words)
    return spec


@dataclass(frozen=True)
class Documented:
    """A contract's ABI beside what its sources say of it."""

    contract: CompiledContract
    natspec: Mapping[str, NatSpec]
    reverts: tuple[str, ...]
    quoted: frozenset[str]
    failures: tuple[str, ...]
    logged: frozenset[str]

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """The ABI's functions or events, by name."""
        return sorted((one for one in self.contract.abi if one["type"] == kind), key=lambda one: str(one["name"]))

    def gaps(self) -> list[str]:
        """What is in the contract and not documented, and the other way round. Empty where both agree."""
        functions = {str(one["name"]): one for one in self.entries("function")}
        events = {str(one["name"]) for one in self.entries("event")}
        differing = [
            f"function {name}: no @notice" for name in functions if not self.natspec.get(name, NatSpec()).notice
        ]
        for name, spec in self.natspec.items():
            if name not in functions:
                differing.append(f"function {name}: documented, not in the ABI")
                continue
            own = {str(one["name"]) for one in functions[name]["inputs"]} - {"", "arg0"}
            differing += [f"{name}: parameter {one} has no @param" for one in sorted(own - set(spec.params))]
            differing += [f"{name}: @param {one} is no parameter" for one in sorted(set(spec.params) - own)]
        differing += [f"event {name}: not described" for name in sorted(events - set(EVENTS))]
        differing += [f"event {name}: described, not in the ABI" for name in sorted(set(EVENTS) - events)]
        differing += [f"event {name}: in the ABI, never emitted" for name in sorted(events - self.logged)]
        return differing + [f'revert "{text}": no @dev says it' for text in self.reverts if text not in self.quoted]


def read_documented(path: Path = REFERENCE_CONTRACT) -> Documented:
    """The contract of a Vyper source and of the modules that it imports. Raises what compiling it raises."""
    contract = compile_contract(path, cache_dir=cache_folder() / "compiled")
    texts = [file.read_text(encoding="utf-8") for file in read_source(path).files if file.suffix == ".vy"]
    natspec: dict[str, NatSpec] = {}
    for text in texts:
        natspec |= {name: parse(docstring) for name, docstring in _FUNCTION.findall(text)}
        natspec |= {name: parse(comment.replace("#", " ")) for comment, name in _VARIABLE.findall(text)}
    code = [_DOCSTRING.sub("", text) for text in texts]
    comments = " ".join(" ".join(one.split()) for text in texts for one in _DOCSTRING.findall(text))
    return Documented(
        contract,
        natspec,
        tuple(dict.fromkeys(reason for text in code for reason in _REASON.findall(text))),
        frozenset(re.findall(r'"([^"]+)"', comments)),
        tuple(dict.fromkeys(reason for text in code for reason in _FAILURE.findall(text))),
        frozenset(name for text in code for name in _LOG.findall(text)),
    )


def page(documented: Documented) -> str:
    """The reference in Markdown."""
    return "\n".join(_page(documented)) + "\n"


def _page(documented: Documented) -> Iterator[str]:
    contract = documented.contract
    yield "# API reference of the coordinator\n"
    yield "Generated by `make docs` from the ABI and the NatSpec of the sources; a test compares both ways.\n"
    yield f"Contract `{contract.name}`, {contract.compiler}, bytecode sha256 `{contract.bytecode_sha256}`.\n"
    yield "States: EMPTY 1, BUFFERED 2, READY 4, EXECUTED 8, EXPIRED 16. Times are Unix seconds, windows seconds.\n"
    yield "## Functions\n"
    for entry in documented.entries("function"):
        yield from _function(entry, documented.natspec.get(str(entry["name"]), NatSpec()))
    yield "## Events\n"
    for entry in documented.entries("event"):
        arguments = ", ".join(
            f"{one['type']}{' indexed' if one['indexed'] else ''} {one['name']}" for one in entry["inputs"]
        )
        yield f"### `{entry['name']}`\n\n`{entry['name']}({arguments})`\n\n{EVENTS.get(entry['name'], '')}\n"
    yield "## Reverts\n"
    yield "What each means, and what to do: [troubleshooting](troubleshooting.md#reverts).\n"
    yield from (f"- `{text}`" for text in documented.reverts)
    yield "\n## Failure reasons\n"
    yield "Reasons of `TransactionFailed`, in a transaction of status 1.\n"
    yield from (f"- `{text}`" for text in documented.failures)


def _function(entry: Mapping[str, Any], spec: NatSpec) -> Iterator[str]:
    yield f"### `{entry['name']}`\n"
    view = ", view" if entry.get("stateMutability") in ("view", "pure") else ""
    inputs = [
        parameter if parameter["name"] not in ("", "arg0") else {**parameter, "name": ""}
        for parameter in entry["inputs"]
    ]
    named = ", ".join(f"{collapse_if_tuple(parameter)} {parameter['name']}".strip() for parameter in inputs)
    yield f"`{entry['name']}({named})`{view}\n"
    yield f"{spec.notice}\n"
    lines = [f"- `{name}`: {meaning}" for name, meaning in spec.params.items()]
    lines += [f"- returns: {spec.returns}"] if spec.returns else []
    if lines:
        yield "\n".join(lines) + "\n"
    if spec.dev:
        yield f"{spec.dev}\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(read_documented()), encoding="utf-8")
