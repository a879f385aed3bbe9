"""All mutants of a contract: every change that the operators find in its own modules, each a source with a diff."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.deploy.text import read_text
from lab.deploy.vyper.compilers import ask_child
from lab.deploy.vyper.source import VyperSource, installed_version, project_root, read_source
from lab.errors import UsageError
from lab.explore.mutate.changes import CHANGES_MAX
from lab.explore.mutate.sites import Change


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a source. `key` names it for good: the change and its surroundings, not a line number.

    `original` is the whole text of the file, which all mutants of it share.
    """

    key: str
    file: Path
    line: int
    function: str
    change: Change
    original: str

    @property
    def operator(self) -> str:
        return self.change.operator

    @property
    def before(self) -> str:
        return self.original[self.change.start : self.change.end]

    @property
    def after(self) -> str:
        return self.change.text

    @property
    def source(self) -> str:
        return self.change.applied(self.original)

    def diff(self) -> str:
        lines = difflib.unified_diff(
            self.original.splitlines(),
            self.source.splitlines(),
            fromfile=self.file.name,
            tofile=f"{self.file.name} ({self.key})",
            lineterm="",
            n=2,
        )
        return "\n".join(lines)


def own_modules(source: VyperSource) -> list[Path]:
    """The contract and the modules of its project that it imports; installed packages are not under test."""
    root = project_root(source.path)
    own = [file for file in source.files if file.suffix == ".vy" and root in file.parents]
    return [file for file in own if "site-packages" not in file.parts]


def find_mutants(contract: Path) -> list[Mutant]:
    """In the order of files and lines. Raises UsageError for what is no source of the installed compiler."""
    if contract.suffix != ".vy":
        raise UsageError(f"{contract}: expected a Vyper source (.vy): an artifact has no source that could be mutated")
    source = read_source(contract)
    if source.compiler_version != installed_version():
        raise UsageError(
            f"{contract}: expected a source for vyper {installed_version()}, whose syntax tree is used; its "
            f"pragma asks for {source.compiler_version}"
        )
    mutants: dict[str, Mutant] = {}
    files = own_modules(source)
    for file, changes in zip(files, _changes(source, files), strict=True):
        for mutant in _mutants_of(file, changes):
            mutants.setdefault(mutant.key, mutant)
    return list(mutants.values())


def _changes(source: VyperSource, files: Sequence[Path]) -> list[list[tuple[str, Change]]]:
    """Of each file those that the operators find, with the names of their functions."""
    answer = ask_child(source, "lab.explore.mutate.changes", {"paths": [str(file) for file in files]})["output"]
    if answer["too_many"]:
        raise UsageError(
            f"{source.path}: expected a contract with at most {CHANGES_MAX} places to change, got more: test its "
            "modules one by one"
        )
    changes: list[list[tuple[str, Change]]] = [[] for _ in files]
    for number, function, operator, start, end, text, more in answer["changes"]:
        changes[number].append((function, Change(operator, start, end, text, tuple(map(tuple, more)))))
    return changes


def _mutants_of(file: Path, changes: Iterable[tuple[str, Change]]) -> Iterator[Mutant]:
    counts: dict[str, int] = {}
    text, line, place = read_text(file), 1, 0
    for function, change in sorted(changes, key=lambda change: change[1].start):
        line, place = line + text.count("\n", place, change.start), change.start
        before = text[change.start : change.end]
        if before == change.text:
            continue
        # The same change in the same function is counted, so that a key survives edits elsewhere in the file.
        label = hashlib.sha256(f"{file.name}/{function}/{change.operator}/{before}/{change.text}".encode())
        number = counts[label.hexdigest()] = counts.get(label.hexdigest(), 0) + 1
        label.update(f"/{number}".encode())
        yield Mutant(f"{file.stem}.{function}.{label.hexdigest()[:8]}", file, line, function, change, text)
