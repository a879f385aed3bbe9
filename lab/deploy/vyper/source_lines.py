"""From where an execution ended to the source line that ended it, by the compiler's own source map.

Best effort: an artifact has no source, and a line that cannot be determined is left out.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.bounded_files import parse_json
from lab.deploy.compiled import CompiledContract
from lab.deploy.text import read_text
from lab.deploy.vyper.installed_compiler import compile_installed
from lab.deploy.vyper.isolated_compiler import run_isolated
from lab.deploy.vyper.source import VyperSource, installed_version, read_source
from lab.errors import LabError


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
        positions, files = _source_map(source)
    except (LabError, OSError, ValueError, LookupError, AttributeError, TypeError):
        return None
    # Reverts without a reason share one block of code that belongs to no line: what led there does.
    last = next((counter for counter in reversed(counters) if counter in positions), None)
    if last is None:
        return None
    file, number = positions[last]
    where = files.get(file)
    if where is None:
        return None
    lines = read_text(where).splitlines()
    return SourceLine(where, number, lines[number - 1].rstrip() if 0 < number <= len(lines) else "")


Positions = dict[int, tuple[int, int]]


def _source_map(source: VyperSource) -> tuple[Positions, dict[int, Path]]:
    """(source id, line) by program counter, and the file of each source id."""
    if source.compiler_version != installed_version():
        return _isolated_map(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        formats = ["source_map_runtime", "annotated_ast_dict"]
        output: dict[str, Any] = compile_installed(source.path, source.search_paths, formats)
    tree = output["annotated_ast_dict"]
    modules = [tree["ast"], *tree.get("imports", ())]
    files = {
        int(module["source_id"]): Path(module["resolved_path"]) for module in modules if module.get("resolved_path")
    }
    return _positions(output["source_map_runtime"]), files


def _isolated_map(source: VyperSource) -> tuple[Positions, dict[int, Path]]:
    kind = "source_map_runtime" if source.compiler_version.startswith("0.4.") else "source_map"
    done = run_isolated(source, kind)
    # The main file alone: these compilers do not say which module a source id stands for.
    return _positions(parse_json(done.stdout, "the source map")), {0: source.path}


def _positions(source_map: Mapping[str, Any]) -> Positions:
    owners = {int(counter): int(node[0]) for counter, node in (source_map.get("pc_ast_map") or {}).items()}
    return {
        int(counter): (owners.get(int(counter), 0), int(place[0]))
        for counter, place in source_map["pc_pos_map"].items()
        if place
    }
