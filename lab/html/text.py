"""Text that came from outside (names, revert reasons, RPC errors), made harmless and short before anybody sees it.

Escaping for HTML or Markdown is the business of whoever writes that format.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

# Cc: control characters, so ANSI sequences too. Cf: bidi overrides. Cs: half surrogates, which no encoder takes.
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def clean(text: str, limit: int = 400) -> str:
    """One line of at most about `limit` visible characters; what was cut is counted."""
    start = text[:limit]
    # Printable text needs no look at each character; most text is.
    shown = start if start.isprintable() else "".join(_visible(character) for character in start)
    return shown if len(text) <= limit else f"{shown}… ({len(text):,} characters)"


def _visible(character: str) -> str:
    if character in "\n\r\t":
        return " "
    if unicodedata.category(character) in _INVISIBLE:
        return f"\\u{ord(character):04x}" if ord(character) > 0xFF else f"\\x{ord(character):02x}"
    return character


def seconds(t_ms: int) -> str:
    """`36.250 s`: the run's clock since its genesis."""
    return f"{t_ms / 1000:.3f} s"


def times(count: int) -> str:
    """`once`, `3 times`."""
    return "once" if count == 1 else f"{count} times"


def some(words: Sequence[str], most: int) -> str:
    """`a, b and 3 more`: at most `most` of them by name."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def sentence(text: str) -> str:
    """With a capital at its start; names in it stay as they are."""
    return text[:1].upper() + text[1:]


def plural(count: int, noun: str) -> str:
    """`1 row`, `1,200 rows`: a number with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def short(value: str) -> str:
    """A hash or address that can still be told apart."""
    value = clean(value, 80)
    return f"{value[:8]}…{value[-4:]}" if value.startswith("0x") and len(value) > 16 else value


def relative_link(target: Path, start: Path) -> str:
    """A relative URL from a folder to a file. Starts with a dot, so that no name can pose as a scheme."""
    path = Path(os.path.relpath(target, start)).as_posix()
    encoded = quote(path.encode("utf-8", errors="surrogateescape"), safe="/")
    return encoded if encoded == ".." or encoded.startswith("../") else f"./{encoded}"
