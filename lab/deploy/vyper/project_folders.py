"""Where Foundry and moccasin keep sources, libraries and builds in a project that gave these folders other names."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.bounded_files import read_text
from lab.paths import real_path


@dataclass(frozen=True, slots=True)
class ProjectFolders:
    """Existing folders inside of the project; empty where its files name none."""

    sources: tuple[Path, ...] = ()
    libraries: tuple[Path, ...] = ()
    builds: tuple[Path, ...] = ()


def project_folders(root: Path) -> ProjectFolders:
    """What `foundry.toml` and `moccasin.toml` say. An unreadable file names nothing: its own tool reports why."""
    named: dict[str, list[Path]] = {"src": [], "libs": [], "out": []}
    for table in _tables(root):
        for key, folders in named.items():
            folders += _inside(root, table.get(key))
    return ProjectFolders(*(tuple(folders) for folders in named.values()))


def _tables(root: Path) -> Iterator[Mapping[str, Any]]:
    """The tables with folders: of each profile of Foundry's, and of moccasin's project."""
    foundry, moccasin = _read(root / "foundry.toml"), _read(root / "moccasin.toml")
    profiles = foundry.get("profile")
    for table in (*(profiles.values() if isinstance(profiles, dict) else ()), moccasin.get("project")):
        if isinstance(table, dict):
            yield table


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(path))
    except (OSError, ValueError, RecursionError):
        return {}


def _inside(root: Path, given: object) -> list[Path]:
    names = given if isinstance(given, list) else [given]
    folders = [root / name for name in names if isinstance(name, str) and name and "\0" not in name]
    return [folder for folder in folders if real_path(folder).is_relative_to(real_path(root)) and folder.is_dir()]
