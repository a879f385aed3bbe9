"""One entry of a proposed `lab.yaml`: what it says, why, and whether that is sure; and how it is written down."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.yamlsource import quoted

# `on`, `yes` and the like are words of YAML for some readers, so they are quoted.
_WORD = re.compile(r"(?!(?:on|off|yes|no|y|n|true|false|null)$)[A-Za-z_][\w-]*", re.IGNORECASE)
_HASHED = re.compile(r"keccak256\(\w+\)")
SECTIONS = ("constructor", "proxy", "set_up", "functions", "events", "roles", "reverts", "states", "defaults")
# One value, and no entries.
WHOLE = ("constructor", "proxy")


@dataclass(frozen=True, slots=True)
class Line:
    """`key` in `section` is `value`. What is not `sure` is written as a comment, for the user to choose."""

    section: str
    key: str
    value: Any
    why: str
    sure: bool = True

    @property
    def place(self) -> tuple[str, str]:
        """What it decides."""
        return self.section, self.key


def flow(value: Any) -> str:
    """A value on one line of YAML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) or _HASHED.fullmatch(value) else quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(flow, value)) + "]"
    return str(value)


def written(lines: Iterable[Line]) -> list[str]:
    """The text of all sections; of one that has no sure entry the head is a comment, too."""
    text: list[str] = []
    given = list(lines)
    for section in SECTIONS:
        inside = [line for line in given if line.section == section]
        if not inside:
            continue
        head = "" if any(line.sure for line in inside) else "# "
        if section in WHOLE:
            text += [f"{'' if line.sure else '# '}{section}: {flow(line.value)}  # {_said(line)}" for line in inside]
            continue
        text.append(f"{head}{section}:")
        for line in inside:
            item = f"- {flow(line.value)}" if section == "set_up" else f"{_key(line.key)}: {flow(line.value)}"
            text.append(f"  {'' if line.sure else '# '}{item}  # {_said(line)}")
    return text


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z][\w -]*", key) else quoted(key)


def _said(line: Line) -> str:
    return " ".join((line.why if line.sure else f"uncertain: {line.why}").split())
