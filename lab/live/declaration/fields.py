"""Values of a deployment file that may hold no secret, or have a form of their own; an error does not repeat them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import AfterValidator

T = TypeVar("T")
URL = re.compile(r"https?://[^\s@?#]+")
VARIABLE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]{0,99}")


def _variable(text: str) -> str:
    if not VARIABLE.fullmatch(text):
        raise ValueError(
            "expected env:NAME, the name of an environment variable that holds it: addresses with keys and keys "
            "do not belong in a file"
        )
    return text


def _url(text: str) -> str:
    """The same. Raises ValueError, which does not repeat it, for what may hold a secret or is no URL."""
    if not URL.fullmatch(text):
        raise ValueError(
            "expected http(s)://HOST[:PORT][/PATH] without user info, query and fragment: no secret stands in this file"
        )
    return text


def _words(command: str) -> str:
    """The same. Raises ValueError for a command that cannot be taken apart into words, or has none."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ValueError(f"expected a command whose quotes are closed: {error}") from None
    if not words:
        raise ValueError("expected a command, got blanks")
    return command


def distinct(what: str) -> Callable[[tuple[T, ...]], tuple[T, ...]]:
    """A check that each of a list stands there once."""

    def checked(given: tuple[T, ...]) -> tuple[T, ...]:
        """The same. Raises ValueError for one that stands there twice."""
        if len(set(given)) < len(given):
            raise ValueError(f"expected each {what} once, got one twice")
        return given

    return checked


Variable = Annotated[str, AfterValidator(_variable)]
Url = Annotated[str, AfterValidator(_url)]
Command = Annotated[str, AfterValidator(_words)]
