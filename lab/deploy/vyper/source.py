"""What can be known of a Vyper source without compiling it: the compiler it wants and the files it imports."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib import metadata
from itertools import product
from pathlib import Path

from lab.bounded_files import read_bytes
from lab.deploy.compiled import hash_bytes
from lab.deploy.text import read_text
from lab.deploy.vyper.pragma import choose_version, code_only
from lab.deploy.vyper.search_paths import find_search_paths, project_root
from lab.paths import real_path

__all__ = ["VyperSource", "import_closure", "installed_version", "project_root", "read_source"]

_IMPORT = re.compile(r"^(?:from[ \t]+(?P<base>\.*[\w.]*)[ \t]+)?import[ \t]+(?P<names>\([^)]*\)|[^\n]+)", re.M)
_SUFFIXES = (".vy", ".vyi", ".json")


@dataclass(frozen=True, slots=True)
class VyperSource:
    """A source file with everything that decides its bytecode."""

    path: Path
    compiler_version: str
    files: tuple[Path, ...]
    sources: tuple[tuple[str, str], ...]
    search_paths: tuple[Path, ...]


def installed_version() -> str:
    """The version of the compiler in this environment."""
    return metadata.version("vyper")


def read_source(path: Path) -> VyperSource:
    """Raises CompileFailure for a pragma that no known release takes, InvalidFile for a file that is not UTF-8 text."""
    given, path = path.absolute(), real_path(path)
    search_paths = find_search_paths(path, given)
    files = import_closure(path, search_paths)
    modules = [read_text(file) for file in files[1:] if file.suffix != ".json"]
    version = choose_version(path, read_text(path), installed_version(), modules)
    sources = tuple((_name(file, path, search_paths), hash_bytes(read_bytes(file))) for file in files)
    return VyperSource(path, version, files, sources, search_paths)


def _name(file: Path, main: Path, search_paths: tuple[Path, ...]) -> str:
    """From the main file's folder; an installed package's as it is imported, so that no machine's folders show."""
    own = project_root(main) in file.parents
    parents = [folder for folder in search_paths if folder in file.parents]
    within = [folder for folder in parents if not own or folder.name == "site-packages"]
    if within:
        return file.relative_to(max(within, key=lambda folder: len(folder.parts))).as_posix()
    return Path(os.path.relpath(file, main.parent)).as_posix()


def import_closure(path: Path, search_paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The file and all that it may import, directly or not; the file first, the others sorted.

    Of one name it takes what the compilers would: in the strongest search path, in the project's root (before 0.4),
    beside the importing file. One too many costs a recompilation, one too few a stale result.
    """
    root = project_root(path)
    seen: set[Path] = set()
    queue = [path]
    while queue:
        current = queue.pop()
        if current in seen:
            continue
        seen.add(current)
        if current.suffix != ".json":
            queue.extend(_imported(current, search_paths, root))
    return (path, *sorted(seen - {path}))


def _imported(path: Path, search_paths: tuple[Path, ...], root: Path) -> list[Path]:
    imported: list[Path] = []
    for match in _IMPORT.finditer(code_only(read_text(path)).replace("\\\n", "  ")):
        base = match.group("base") or ""
        dots = len(base) - len(base.lstrip("."))
        places: tuple[tuple[Path, ...], ...] = (search_paths[::-1], (root,), (path.parent,))
        if dots:
            places = ((path.parents[min(dots, len(path.parents)) - 1],),)
        prefix = [part for part in base.split(".") if part]
        for name in match.group("names").strip("() \t").split(","):
            words = name.split()
            if not words:
                continue
            target = "/".join([*prefix, *words[0].split(".")])
            for folders, end in product(places, _SUFFIXES):
                files = ((folder / target).with_name(Path(target).name + end) for folder in folders)
                if (file := next(filter(Path.is_file, files), None)) is not None:
                    imported.append(real_path(file))
    return imported
