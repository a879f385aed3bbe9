"""An expectation that is not met shows what differs: never "expected X; got X"."""

from __future__ import annotations

from typing import Any

SAME = "which is what was expected of it: something else that was compared differs"


def distinct(expected: str, actual: str) -> str:
    """`actual` of an expectation that was not met; where it reads like `expected`, it says so.

    It does if `expected` is the same text, or ends with the value that `actual` begins with.
    """
    value = actual.partition(",")[0].strip()
    same = actual == expected or (bool(value) and f" {expected}".endswith(f" {value}"))
    return f"{actual}, {SAME}" if same else actual


def unequal(actual: Any, expected: Any) -> tuple[str, str]:
    """Two values that are not equal, as texts that are not either: with their types where nothing else differs."""
    shown, asked = str(actual), str(expected)
    if shown != asked:
        return shown, asked
    shown, asked = repr(actual), repr(expected)
    if shown != asked:
        return shown, asked
    return f"{shown} ({type(actual).__name__})", f"{asked} ({type(expected).__name__})"
