"""Contracts with one bug each, made from a correct base and a patch that says which check must catch it.

A file `contracts/broken/<bug>.patch` holds everything that is known of a bug: the tests, the readiness report and the
documents read it from there. `python -m lab.broken` writes the contracts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.bounded_files import read_text, write_atomically
from lab.broken.patch import Hunk, apply_hunks, parse_hunks, split_lines
from lab.errors import InvalidFile, Problem, UsageError
from lab.paths import CONTRACTS
from lab.validation import suggestion

SMOKE_RUN, MODEL = "smoke run", "model"

_DOCSTRING = re.compile(r'^"""\n.*?^"""\n', re.M | re.S)
_FIELDS = {"Bug": True, "Base": True, "Caught-by": True, "In": True, "Finding": False, "Kind": False}


@dataclass(frozen=True, slots=True)
class Bug:
    """What a patch says of itself.

    Attributes:
        name: The patch's file name without its suffix, and the contract's.
        path: The patch.
        summary: What it breaks, in one sentence; its line breaks are those of the head.
        base: The correct contract that it is made from, as seen from `contracts`.
        caught_by: The id of the check that must catch it, or `SMOKE_RUN`, or `MODEL` for `lab.runner.model_based`.
        proof: The scenario or the test in which it is caught, as seen from the repository's root.
        finding: Words of the finding that distinguish this bug from others; None where the proof is a test.
        kind: The kind of sequences that shows it, where it is caught by `MODEL`.
        hunks: The change itself.
    """

    name: str
    path: Path
    summary: str
    base: str
    caught_by: str
    proof: str
    finding: str | None
    kind: str | None
    hunks: tuple[Hunk, ...]

    def source(self) -> str:
        """The broken contract. Raises InvalidFile where the patch does not fit its base, UsageError without one."""
        path = self.path.parents[1] / self.base
        if not path.is_file():
            raise UsageError(f"{self.path}: expected `Base:` to name a contract in {path.parents[1]}, got {self.base}")
        text = apply_hunks(str(self.path), self.hunks, str(path), read_text(path))
        return _DOCSTRING.sub(lambda _: self._docstring(), text, count=1)

    def _docstring(self) -> str:
        notice = self.summary.replace("\n", "\n" + " " * 8)
        return (
            f'"""\n@title {self.name}: a deliberately broken coordinator\n@license MIT\n@author Tesseract Lab\n'
            f"@notice Bug: {notice}\n"
            f'@dev Otherwise `contracts/{self.base}`. Never deploy it anywhere but in the lab.\n"""\n'
        )


def read_bugs(folder: Path = CONTRACTS / "broken") -> Mapping[str, Bug]:
    """Every bug by name, sorted. Raises InvalidFile for a malformed patch."""
    return {path.stem: read_bug(path) for path in sorted(folder.glob("*.patch"))}


def read_bug(path: Path) -> Bug:
    """One patch. Raises InvalidFile with everything that is wrong in its head, else with what is wrong behind it."""
    lines = split_lines(read_text(path))
    end = next((number for number, line in enumerate(lines) if line.startswith("--- ")), len(lines))
    head = _parse_head(str(path), lines[:end])
    if end + 1 >= len(lines) or not lines[end + 1].startswith("+++ "):
        raise InvalidFile([Problem(str(path), end + 1, 1, "", "expected `--- BASE` and `+++ CONTRACT` after the head")])
    hunks = parse_hunks(str(path), lines, end + 2)
    return Bug(
        path.stem,
        path,
        summary=head["Bug"],
        base=head["Base"],
        caught_by=head["Caught-by"],
        proof=head["In"],
        finding=head.get("Finding"),
        kind=head.get("Kind"),
        hunks=hunks,
    )


def _parse_head(file: str, lines: Sequence[str]) -> dict[str, str]:
    """`Field: value`, where an indented line goes on with the value."""
    head: dict[str, str] = {}
    problems: list[Problem] = []
    last = None
    for number, line in enumerate(lines, 1):
        field, colon, value = line.partition(":")
        if not line.strip():
            continue
        if line[0].isspace() and last is not None:
            head[last] += "\n" + line.strip()
        elif not colon or field not in _FIELDS or field in head:
            what = "it once" if field in head else f"`Field: value`{suggestion(field, _FIELDS)}"
            problems.append(Problem(file, number, 1, "", f"expected {what}, got {line.strip()!r}"))
        else:
            last, head[field] = field, value.strip()
    missing = [field for field, needed in _FIELDS.items() if needed and not head.get(field)]
    if missing:
        problems.append(Problem(file, 1, 1, "", f"expected a head with {', '.join(missing)}, got none of that"))
    if problems:
        raise InvalidFile(problems)
    return head


def write_contracts(bugs: Mapping[str, Bug], folder: Path) -> list[Path]:
    """Write `<bug>.vy` for every bug, each whole or not at all; what is up to date already stays untouched."""
    paths = []
    for name, bug in bugs.items():
        path, text = folder / f"{name}.vy", bug.source()
        if not path.is_file() or read_text(path) != text:
            write_atomically(path, text)
        paths.append(path)
    return paths
