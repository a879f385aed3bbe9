"""From where an execution ended to the source line that ended it, by the compiler's own source map.

Best effort: an artifact has no source, and a line that cannot be determined is left out. A compiler takes seconds for
the map of a source, so it is kept beside the compiled contracts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.bounded_files import parse_json, read_object, write_atomically
from lab.deploy.compiled import CompiledContract, hash_bytes
from lab.deploy.text import read_text
from lab.deploy.vyper.compiler_child import MODULES
from lab.deploy.vyper.compilers import ask_installed
from lab.deploy.vyper.isolated_compiler import run_isolated
from lab.deploy.vyper.source import VyperSource, installed_version, read_source
from lab.environment import cache_folder
from lab.errors import LabError
from lab.paths import real_path


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of a contract's source."""

    path: Path
    number: int
    text: str

    @property
    def place(self) -> str:
        """`file:line`, without folders: what evidence may hold."""
        return f"{self.path.name}:{self.number}"

    @property
    def where(self) -> str:
        """`path:line`, as it reads from the working directory."""
        path = self.path.relative_to(Path.cwd()) if self.path.is_relative_to(Path.cwd()) else self.path
        return f"{path}:{self.number}"


def revert_line(contract: CompiledContract, counters: Sequence[int]) -> SourceLine | None:
    """The source line of the last step, given the program counters of an execution; None where nobody knows."""
    path = contract.source_path
    if path.suffix != ".vy":
        return None
    try:
        source = read_source(path)
        positions = _kept_map(source)
    except (LabError, OSError, ValueError, LookupError, AttributeError, TypeError):
        return None
    # Reverts without a reason share one block of code that belongs to no line: what led there does.
    last = next((counter for counter in reversed(counters) if counter in positions), None)
    if last is None:
        return None
    file, number = positions[last]
    if not 0 <= file < len(source.files):
        return None
    where = source.files[file]
    lines = read_text(where).splitlines()
    return SourceLine(where, number, lines[number - 1].rstrip() if 0 < number <= len(lines) else "")


# Place of the file among a source's files, or UNKNOWN, and line, by program counter.
Positions = dict[int, tuple[int, int]]
UNKNOWN = -1
# Raise it when the shape of a kept file changes.
_FORMAT = 1


def _kept_map(source: VyperSource) -> Positions:
    key = hash_bytes(json.dumps([_FORMAT, source.compiler_version, source.sources]).encode())
    kept = cache_folder() / "compiled" / f"{key}.lines.json"
    try:
        rows = read_object(kept)
        return {int(counter): (int(file), int(number)) for counter, (file, number) in rows.items()}
    except (OSError, ValueError, TypeError, LabError):
        positions = _source_map(source)
    with suppress(OSError):
        write_atomically(kept, json.dumps(positions))
    return positions


def _source_map(source: VyperSource) -> Positions:
    if source.compiler_version != installed_version():
        kind = "source_map_runtime" if source.compiler_version.startswith("0.4.") else "source_map"
        done = run_isolated(source, kind)
        # The main file alone: these compilers do not say which module a source id stands for.
        return _positions(parse_json(done.stdout, "the source map"), {0: 0})
    output, _ = ask_installed(source, ["source_map_runtime", MODULES])
    places = {file: place for place, file in enumerate(source.files)}
    files = {
        int(number): places.get(real_path(Path(resolved)), UNKNOWN) for number, resolved in output[MODULES] if resolved
    }
    return _positions(output["source_map_runtime"], files)


def _positions(source_map: Mapping[str, Any], files: Mapping[int, int]) -> Positions:
    """`files`: place by source id."""
    owners = {int(counter): int(node[0]) for counter, node in (source_map.get("pc_ast_map") or {}).items()}
    return {
        int(counter): (files.get(owners.get(int(counter), 0), UNKNOWN), int(place[0]))
        for counter, place in source_map["pc_pos_map"].items()
        if place
    }
