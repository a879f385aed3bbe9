"""What can be known of a Vyper source without compiling it: the compiler it wants and the files it imports."""

from __future__ import annotations

import os
import re
import sysconfig
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from lab.deploy.compiled import hash_bytes
from lab.errors import CompileFailure

KNOWN_RELEASES = ("0.3.7", "0.3.8", "0.3.9", "0.3.10", "0.4.0", "0.4.1", "0.4.2", "0.4.3")

_PRAGMA = re.compile(r"^[ \t]*#[ \t]*(?:@version|pragma[ \t]+version)[ \t]+(?P<spec>[^#\n]+?)[ \t]*(?:#.*)?$", re.M)
_IMPORT = re.compile(r"^(?:from[ \t]+(?P<base>\.*[\w.]*)[ \t]+)?import[ \t]+(?P<names>\([^)]*\)|[^\n#]+)", re.M)
_PROJECT_MARKERS = (".git", "pyproject.toml", "ape-config.yaml", "foundry.toml", "moccasin.toml", "hardhat.config.js")
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


def read_source(path: Path, text: str) -> VyperSource:
    """Raises CompileFailure for a pragma that is malformed or admits no known release."""
    path = path.resolve()
    search_paths = find_search_paths(path)
    files = import_closure(path, search_paths)
    sources = tuple(
        (Path(os.path.relpath(file, path.parent)).as_posix(), hash_bytes(file.read_bytes())) for file in files
    )
    return VyperSource(path, choose_version(path, text), files, sources, search_paths)


def choose_version(path: Path, text: str) -> str:
    """The installed compiler where the pragma admits it (or there is none), else the newest known release it admits."""
    installed = installed_version()
    match = _PRAGMA.search(text)
    if match is None:
        return installed
    line = text.count("\n", 0, match.start()) + 1
    where = f"{path}:{line}"
    quoted = text.splitlines()[line - 1].strip()
    try:
        wanted = _specifiers(match.group("spec"))
    except InvalidSpecifier as error:
        raise CompileFailure(
            f"{where}: the version pragma is malformed: {quoted}\n  expected for example `# pragma version 0.3.10`"
        ) from error
    if wanted.contains(installed, prereleases=True):
        return installed
    for release in reversed(KNOWN_RELEASES):
        if wanted.contains(release):
            return release
    raise CompileFailure(
        f"{where}: no known compiler fits the version pragma: {quoted}\n  known: {', '.join(KNOWN_RELEASES)}; "
        "compile the contract yourself and give its artifact (JSON with abi and bytecode)"
    )


def _specifiers(spec: str) -> SpecifierSet:
    """Vyper accepts PEP 440 and npm forms: `0.3.10`, `v0.3.10`, `^0.3.7`, `~=0.4.0`, `>=0.3.7 <0.4.0`."""
    parts = re.sub(r"([<>=~^!]+)\s+", r"\1", spec.strip().strip("\"'")).replace(",", " ").split()
    clauses = []
    for part in parts:
        clause = re.sub(r"^(?:\^|~(?!=))", "~=", part)
        clause = re.sub(r"^=(?=\d)", "==", clause)
        clauses.append(clause if clause[0] in "<>=~!" else f"=={clause}")
    return SpecifierSet(",".join(clauses))


def project_root(path: Path) -> Path:
    """The nearest folder above the source that looks like a project's root, else the source's own folder."""
    for folder in path.parents:
        if any((folder / marker).exists() for marker in _PROJECT_MARKERS):
            return folder
    return path.parent


def find_search_paths(path: Path) -> tuple[Path, ...]:
    """Where absolute imports are looked for, strongest last: installed packages, project root, down to the file."""
    root = project_root(path)
    folders = [folder for folder in path.parents if folder == root or root in folder.parents]
    return (Path(sysconfig.get_path("purelib")), *reversed(folders))


def import_closure(path: Path, search_paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The file and all that it may import, directly or not; the file first, the others sorted.

    It takes every candidate that exists: one too many costs a recompilation, one too few a stale result.
    """
    seen: set[Path] = set()
    queue = [path]
    while queue:
        current = queue.pop()
        if current in seen:
            continue
        seen.add(current)
        if current.suffix != ".json":
            queue.extend(_imported(current, search_paths))
    return (path, *sorted(seen - {path}))


def _imported(path: Path, search_paths: tuple[Path, ...]) -> list[Path]:
    found: list[Path] = []
    for match in _IMPORT.finditer(path.read_text(encoding="utf-8")):
        base = match.group("base") or ""
        dots = len(base) - len(base.lstrip("."))
        folders = (*search_paths, path.parent) if dots == 0 else (path.parents[min(dots, len(path.parents)) - 1],)
        prefix = [part for part in base.split(".") if part]
        for name in match.group("names").strip("()").split(","):
            words = name.split("#")[0].split()
            if not words:
                continue
            target = "/".join([*prefix, *words[0].split(".")])
            candidates = ((folder / target).with_name(Path(target).name + suffix)
                          for folder in folders for suffix in _SUFFIXES)  # fmt: skip
            found.extend(candidate.resolve() for candidate in candidates if candidate.is_file())
    return found
