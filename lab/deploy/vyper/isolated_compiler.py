"""Runs a Vyper release other than the installed one, in an isolated tool environment of uv."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from packaging.version import Version

from lab.bounded_files import read_bytes, write_atomically
from lab.deploy.text import read_text
from lab.deploy.vyper.source import VyperSource, project_root
from lab.errors import EnvironmentFailure
from lab.owner import temporary_directory

COMPILE_TIMEOUT_S = 300
BOM = b"\xef\xbb\xbf"
# Tried with every release: the oldest and the newest Python that all of them run on.
NEWEST_MINOR = 13


def run_isolated(source: VyperSource, formats: str) -> subprocess.CompletedProcess[str]:
    """Run a source's own compiler. Raises EnvironmentFailure where it cannot be started or does not end."""
    version = source.compiler_version
    with _laid_out(source) as (folder, main, searched):
        paths = [part for path in searched for part in ("-p", str(path))]
        # Releases before 0.3.2 need pkg_resources, which newer setuptools leave out.
        old = ["--with", "setuptools<81"] if Version(version) < Version("0.3.2") else []
        tool = [find_uv(), "tool", "run", "--python", interpreter_for(), "--no-python-downloads", *old]
        command = [*tool, "--from", f"vyper=={version}", "vyper", "-f", formats, *paths, str(main)]
        try:
            return subprocess.run(
                command,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                cwd=folder,
                # Behind a proxy that opens TLS only the machine's own certificates help. And these compilers read
                # sources in the encoding of the locale.
                env={"UV_SYSTEM_CERTS": "1"} | os.environ | {"PYTHONUTF8": "1"},
                timeout=COMPILE_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            problem = f"vyper {version} did not finish {source.path} within {COMPILE_TIMEOUT_S} s"
            raise EnvironmentFailure(f"{problem}; {ways_out(version)}") from error
        except OSError as error:
            problem = f"vyper {version} cannot be run for {source.path}: {error}"
            raise EnvironmentFailure(f"{problem}; {ways_out(version)}") from error


def interpreter_for() -> str:
    """The running interpreter where all releases run on it, else a range for uv to look for on the machine."""
    return sys.executable if sys.version_info[:2] <= (3, NEWEST_MINOR) else f">=3.10,<3.{NEWEST_MINOR + 1}"


def ways_out(version: str) -> str:
    """What to do where a release cannot be had."""
    return (
        f"Ways out: go online once so that uv can fetch vyper {version} (it is kept after that); install a Python "
        f"between 3.10 and 3.{NEWEST_MINOR} if the message says that no interpreter was found; or give the "
        "contract's artifact (JSON with abi and bytecode)."
    )


@contextmanager
def _laid_out(source: VyperSource) -> Iterator[tuple[Path, Path, tuple[Path, ...]]]:
    """Working folder, main file and search paths, as the release can deal with them.

    Before 0.4 there is one root for imports, and no release minds a byte order mark. So where it matters a copy is
    compiled: every file at the place from its project's root, and at that from each search path, the strongest first.
    """
    root = project_root(source.path)
    one_root = Version(source.compiler_version).release < (0, 4)
    if not (one_root and len(source.files) > 1) and not any(_has_mark(file) for file in source.files):
        yield root, source.path, () if one_root else source.search_paths
        return
    with temporary_directory("compile") as made:
        folder = made.resolve()
        for base in (root, *reversed(source.search_paths)):
            for file in source.files:
                if base in file.parents and not (place := folder / file.relative_to(base)).exists():
                    write_atomically(place, read_text(file))
        yield folder, folder / source.path.relative_to(root), () if one_root else (folder,)


def _has_mark(file: Path) -> bool:
    return read_bytes(file).startswith(BOM)


def find_uv() -> str:
    """The program of uv. Raises EnvironmentFailure where it is missing."""
    from uv import find_uv_bin

    try:
        return find_uv_bin()
    except FileNotFoundError as error:
        raise EnvironmentFailure("uv's program is missing from this environment: install the package `uv`") from error
