"""All mutants of a contract: every change that the operators find in its own modules, each a source with a diff."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.deploy.text import read_text
from lab.deploy.vyper.source import VyperSource, installed_version, project_root, read_source
from lab.errors import UsageError
from lab.explore.mutate import reads
from lab.explore.mutate.operators import OPERATORS, constants
from lab.explore.mutate.sites import Change, Module, parse


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed source. `key` names it for good: the change and its surroundings, not a line number."""

    key: str
    file: Path
    line: int
    function: str
    operator: str
    before: str
    after: str
    source: str

    def diff(self) -> str:
        lines = difflib.unified_diff(
            read_text(self.file).splitlines(),
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
    for file in own_modules(source):
        for mutant in _mutants_of(file):
            mutants.setdefault(mutant.key, mutant)
    return list(mutants.values())


def _mutants_of(file: Path) -> Iterator[Mutant]:
    module = parse(read_text(file))
    changes = [("(module)", change) for change in (*constants(module), *reads.truncated(module))]
    for function in module.functions():
        for operator in (*OPERATORS, *reads.OPERATORS):
            changes += [(function.name, change) for change in operator(module, function) if change is not None]
    counts: dict[str, int] = {}
    for name, change in sorted(changes, key=lambda change: change[1].start):
        mutant = _mutant(file, module, name, change, counts)
        if mutant is not None:
            yield mutant


def _mutant(file: Path, module: Module, function: str, change: Change, counts: dict[str, int]) -> Mutant | None:
    before = module.source[change.start : change.end]
    if before == change.text:
        return None
    # The same change in the same function is counted, so that a key survives edits elsewhere in the file.
    label = f"{file.name}/{function}/{change.operator}/{before}/{change.text}"
    counts[label] = counts.get(label, 0) + 1
    digest = hashlib.sha256(f"{label}/{counts[label]}".encode()).hexdigest()[:8]
    return Mutant(
        key=f"{file.stem}.{function}.{digest}",
        file=file,
        line=module.source.count("\n", 0, change.start) + 1,
        function=function,
        operator=change.operator,
        before=before,
        after=change.text,
        source=change.applied(module.source),
    )
