"""Where a Vyper source's absolute imports are looked for: the layouts of the tools that people keep contracts with."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from lab.bounded_files import read_bytes
from lab.deploy.vyper.project_folders import project_folders
from lab.paths import real_path

_MARKERS = (
    ".git",
    ".hg",
    "lab.yaml",
    "pyproject.toml",
    "setup.py",
    "ape-config.yaml",
    "moccasin.toml",
    "brownie-config.yaml",
    "foundry.toml",
    "hardhat.config.js",
    "hardhat.config.ts",
    "hardhat.config.cjs",
    "truffle-config.js",
)
# Below a project's root, weakest first: libraries of moccasin and Foundry, npm's packages, sources.
_LIBRARIES = (
    "node_modules",
    "lib",
    "lib/*/src",
    "lib/pypi",
    "lib/github",
    "lib/github/*/*/src",
    "interfaces",
    "src",
    "contracts",
)


def project_root(path: Path) -> Path:
    """The nearest folder above the source that looks like a project's root, else the source's own folder."""
    return next((folder for folder in path.parents if _is_root(folder)), path.parent)


def _is_root(folder: Path) -> bool:
    return any((folder / marker).exists() for marker in _MARKERS)


def find_search_paths(path: Path, given: Path | None = None) -> tuple[Path, ...]:
    """Existing folders for absolute imports, strongest last, as the compiler takes them.

    Installed packages come first, then the working folder, projects above the source's own, that project's libraries,
    and every folder from its root down to the file. `given` is the file's name before links were followed: its project
    counts, too, but less.
    """
    folders = [*_installed(), *_environments(project_root(path)), Path.cwd()]
    for place in (given, path) if given is not None and given != path else (path,):
        folders += _of_project(place)
    # The strongest place of each counts.
    return tuple(reversed(dict.fromkeys(reversed(folders))))


def _of_project(path: Path) -> list[Path]:
    root = project_root(path)
    above = []
    for folder in root.parents if not (root / ".git").exists() else ():
        if _is_root(folder):
            above.append(folder)
        if (folder / ".git").exists():
            break
    usual = [folder for pattern in _LIBRARIES for folder in sorted(root.glob(pattern)) if folder.is_dir()]
    named = project_folders(root)
    libraries = [*usual, *named.libraries, *named.sources]
    within = [folder for folder in path.parents if folder == root or root in folder.parents]
    return [*reversed(above), *libraries, *reversed(within)]


def _installed() -> list[Path]:
    """This environment's packages and what PYTHONPATH adds, weakest first; paths in .pth files included."""
    named = {os.path.realpath(part) for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part}
    packages = ("site-packages", "dist-packages")
    sites = [
        Path(part) for part in reversed(sys.path) if Path(part).name in packages or os.path.realpath(part) in named
    ]
    return [folder for site in sites for folder in (*_linked(site), site)]


def _environments(root: Path) -> Iterable[Path]:
    """The packages of an environment of the project's own, or of the one that is active."""
    active = [Path(os.environ["VIRTUAL_ENV"])] if os.environ.get("VIRTUAL_ENV") else []
    for folder in (*active, root / "venv", root / ".venv"):
        yield from sorted((*folder.glob("lib/python3*/site-packages"), *folder.glob("Lib/site-packages")))


def _linked(site: Path) -> Iterable[Path]:
    """The folders that editable installations add by .pth files."""
    for file in sorted(site.glob("*.pth")):
        with suppress(OSError):
            for line in read_bytes(file).decode("utf-8", errors="replace").splitlines():
                if line.startswith(("/", ".")) and (folder := site / line.strip()).is_dir():
                    yield real_path(folder)
