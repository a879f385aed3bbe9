"""What the documentation says of a function, from the interface that the lab brings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache

from lab.bounded_files import read_text
from lab.paths import CONTRACTS

_FUNCTION = re.compile(r'^def (\w+)\(.*?"""(.*?)"""', re.M | re.S)
_QUOTED, _WORD = re.compile(r'"([^"]+)"'), re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
_TAG = re.compile(r"@(notice|dev|param|return)\b")


def documented(function: str) -> str:
    """One paragraph; empty for a function that is not documented."""
    return _interface().get(function, "")


def reasons_of(function: str) -> list[str]:
    """The reasons with which the documentation says that it reverts."""
    return _QUOTED.findall(documented(function).partition("Reverts: ")[2])


def function_in(text: str) -> str:
    """The first documented function that a text names; empty where it names none."""
    return next((word for word in _WORD.findall(text) if word in _interface()), "")


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
