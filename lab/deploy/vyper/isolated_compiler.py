"""Runs a Vyper release other than the installed one, in an isolated tool environment of uv."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from packaging.version import Version

from lab.bounded_files import UnfitFile, read_bytes, write_atomically
from lab.deploy.text import read_text
from lab.deploy.vyper.isolated_tool import newest_minor, run_tool
from lab.deploy.vyper.limited import SMALLER, Ended
from lab.deploy.vyper.source import VyperSource, project_root
from lab.errors import CompileFailure, EnvironmentFailure
from lab.owner import temporary_directory

COMPILE_TIMEOUT_S = 300
BOM = b"\xef\xbb\xbf"


def run_isolated(source: VyperSource, formats: str, program: Sequence[str] = ("vyper",)) -> Ended:
    """Run a source's own compiler, as `program` of its environment calls it.

    Raises EnvironmentFailure where it cannot be started or does not end.
    """
    version = source.compiler_version
    with _laid_out(source) as (folder, main, searched):
        paths = [part for path in searched for part in ("-p", str(path))]
        words = [*program, "-f", formats, *paths, str(main)]
        try:
            return run_tool(
                f"vyper=={version}",
                words,
                vyper=version,
                beside=_beside(version),
                folder=folder,
                timeout_s=COMPILE_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired as error:
            problem = f"vyper {version} did not finish {source.path} within {COMPILE_TIMEOUT_S} s"
            raise EnvironmentFailure(f"{problem}; {ways_out(version)}") from error
        except UnfitFile as error:
            raise CompileFailure(f"{source.path}: what vyper {version} prints is too much: {SMALLER}") from error
        except OSError as error:
            problem = f"vyper {version} cannot be run for {source.path}: {error}"
            raise EnvironmentFailure(f"{problem}; {ways_out(version)}") from error


def was_refused(done: Ended) -> bool:
    """Whether the compiler ran and refused the source in words of its own."""
    return "vyper.exceptions." in done.stderr or "Error compiling" in done.stdout + done.stderr


def can_be_run(version: str, folder: Path) -> bool:
    """Whether a release can be had on this machine, and starts: then it was the source that it failed of."""
    try:
        return (
            run_tool(
                f"vyper=={version}",
                ["vyper", "--version"],
                vyper=version,
                beside=_beside(version),
                folder=folder,
                timeout_s=COMPILE_TIMEOUT_S,
            ).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def ways_out(version: str) -> str:
    """What to do where a release cannot be had."""
    return (
        f"Ways out: go online once so that uv can fetch vyper {version} (it is kept after that); install a Python "
        f"between 3.10 and 3.{newest_minor(version)} if the message says that no interpreter was found; or give the "
        "contract's artifact (JSON with abi and bytecode)."
    )


def _beside(version: str) -> list[str]:
    """Releases before 0.3.2 need pkg_resources, which newer setuptools leave out."""
    return ["setuptools<81"] if Version(version) < Version("0.3.2") else []


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
