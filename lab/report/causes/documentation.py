"""What is said of a function: by the documentation, in the interface that the lab brings, or by its capability."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache

from lab.bounded_files import read_text
from lab.model.contract.batches import BATCHES
from lab.model.contract.capabilities import CAPABILITIES, Capability
from lab.paths import CONTRACTS
from lab.report.records.cause import Layer

_FUNCTION = re.compile(r'^def (\w+)\(.*?"""(.*?)"""', re.M | re.S)
_QUOTED, _WORD = re.compile(r'"([^"]+)"'), re.compile(r"\b(?:[a-z]+(?:_[a-z]+)+\b|[a-z]+(?=\(|: expected | by [a-z]))")
_OF_ROLE = re.compile(r"\b((?:add|remove)_\w+): expected ")
_TAG = re.compile(r"@(notice|dev|param|return)\b")


def documented(function: str) -> str:
    """One paragraph; empty for a function that is neither documented nor of a capability."""
    return _said().get(function, "")


def layer(function: str) -> Layer:
    """Of which layer of expectation it is: the interface's, or that of the checklist's capabilities."""
    return "documented" if function in _interface() else "demanded"


def reasons_of(function: str) -> list[str]:
    """The reasons with which it should revert."""
    return _QUOTED.findall(documented(function).partition("Reverts: ")[2])


def function_in(text: str) -> str:
    """The first such function that a text names, else the one that gives or takes a second role; empty without."""
    role = (match[1] for match in _OF_ROLE.finditer(text))
    return next((word for word in _WORD.findall(text) if word in _said()), next(role, ""))


@cache
def _said() -> Mapping[str, str]:
    """By function."""
    said = {name: _of_capability(capability) for capability, name in _optional()}
    for batch, single in BATCHES.items():
        said[batch] += _reverts(_QUOTED.findall(_interface().get(single, "")))
    return {**said, **_interface()}


def _optional() -> Iterator[tuple[Capability, str]]:
    for capability in CAPABILITIES.values():
        for function in (*capability.functions, *capability.optional):
            yield capability, function.partition("(")[0]


def _of_capability(capability: Capability) -> str:
    return f"{capability.title}: {capability.rules}{_reverts(capability.reverts)}"


def _reverts(reasons: Iterable[str]) -> str:
    quoted = ", ".join(f'"{reason}"' for reason in reasons)
    return f" Reverts: {quoted}." if quoted else ""


@cache
def _interface() -> Mapping[str, str]:
    with suppress(OSError, ValueError):
        text = read_text(CONTRACTS / "interfaces" / "ITesseractCoordinator.vyi")
        return {name: _paragraph(body) for name, body in _FUNCTION.findall(text)}
    return {}


def _paragraph(body: str) -> str:
    """Notice and revert reasons, without the tags and what is said of parameters."""
    parts = _TAG.split(body)
    said = [text for tag, text in zip(parts[1::2], parts[2::2], strict=True) if tag in ("notice", "dev")]
    return " ".join(" ".join(said).split())
