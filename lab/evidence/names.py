"""What a run's folder is called, and what its manifest calls the scenario's file: never the same for two runs.

A folder's name is plain ASCII that no shell, URL or file system minds. A plain scenario has a readable one: `pays` for
pays.yaml and for scenarios/pays.yaml, `failures+vain@seed=1` for an item of scenarios/failures/vain.yaml. Every other
one ends with a digest of all that it is named from (`Pays~1f0c…`): capitals, any other script, reserved or long names.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from lab.bounded_files import sha256_file
from lab.errors import EnvironmentFailure, system_words
from lab.model.run_names import text_of
from lab.paths import DATA, SCENARIOS, real_path

LIBRARY = "scenarios"
READABLE_MAX = 100
_FOLDER = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_-])?")
_STEM = re.compile(r"[a-z0-9_][a-z0-9_-]*")
_VALUES = r"(?:\[(?P<values>[a-z0-9_.=+-]*[a-z0-9_=+-])\])?"
_TEST = r"(?P<test>(?:\.[a-z0-9_]+)+)"
# What may follow the file's stem in the name of an item: a matrix; a test's name, with the id of its parameters.
_REST = {suffix: re.compile(rest) for suffix, rest in ((".yaml", _VALUES), (".yml", _VALUES), (".py", _TEST + _VALUES))}
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
_TRIES_MAX = 10_000


def run_folder_name(item: str, file: Path, base: Path) -> str:
    """The folder of an item of `file`, named from the file's path below `base`: one name for one item, always the same.

    A leading folder `scenarios` goes without saying, unless the same path exists without it.
    """
    folders = _folders(file, base)
    if folders[:1] == [LIBRARY] and folders[1:2] != [LIBRARY] and not _exists(base.joinpath(*folders[1:], file.name)):
        folders = folders[1:]
    readable = _readable(item, file, folders)
    if readable is not None and len(readable) <= READABLE_MAX and readable.partition(".")[0] not in _DEVICES:
        return readable
    exact = "\0".join([*folders, file.name, item])
    tag = hashlib.sha256(exact.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    words = re.sub(r"[^A-Za-z0-9_.=+@-]+", "_", "+".join([*(name for name in folders if name != ".."), item]))
    return f"{words[:READABLE_MAX].strip('_.-+') or 'run'}~{tag}"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _folders(file: Path, base: Path) -> list[str]:
    """The folders between `base` and a file, which may lie elsewhere; links are followed only to get to `base`."""
    path = file.absolute()
    for start, parent in ((base, path.parent), (real_path(base), real_path(path.parent))):
        if parent.is_relative_to(start):
            return list(parent.relative_to(start).parts)
    try:
        return list(Path(os.path.relpath(path.parent, base)).parts)
    except ValueError:  # another drive
        return list(path.parent.parts)


def _readable(item: str, file: Path, folders: list[str]) -> str | None:
    """The plain name; None where it could be another item's as well, on some file system."""
    rest = _REST[file.suffix].fullmatch(item.removeprefix(file.stem)) if file.suffix in _REST else None
    plain = _STEM.fullmatch(file.stem) and all(_FOLDER.fullmatch(folder) for folder in folders)
    if rest is None or not plain or not item.startswith(file.stem):
        return None
    parts = rest.groupdict()
    name = file.stem + (".yml" if file.suffix == ".yml" else parts.get("test") or "")
    return "+".join([*folders, name]) + (f"@{parts['values']}" if parts["values"] is not None else "")


def own_folder(session: Path, name: str) -> Path:
    """Make the folder of one run: `name`, or with `~2` and so on for another try beside the first.

    It is made here and now, so that of two workers that ask at once each has its own. Raises EnvironmentFailure.
    """
    try:
        session.mkdir(parents=True, exist_ok=True)
        for number in range(1, _TRIES_MAX):
            folder = session / (name if number == 1 else f"{name}~{number}")
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot make the evidence folder {session / name}: {system_words(error)}. "
            "Name another place with --results, or make this one writable"
        ) from error
    raise EnvironmentFailure(f"{session}: expected fewer than {_TRIES_MAX} tries of {name}: name another --results")


def recorded_path(file: Path, root: Path) -> str:
    """The scenario's file as a manifest names it: as seen from `root`; elsewhere a digest stands for the way to it.

    So no user's home folder gets into evidence, and two files of one name remain two. A link is named, not its target.
    Rows name their proofs from the folder `scenarios` on: who works inside of it gets the same path.
    """
    path = file.absolute()
    for start, parent in ((root, path.parent), (real_path(root), real_path(path.parent))):
        start = next((folder.parent for folder in (start, start.parent) if folder.name == LIBRARY), start)
        if parent.is_relative_to(start):
            return text_of((parent.relative_to(start) / path.name).as_posix())
    way = hashlib.sha256(str(path.parent).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    folder = [path.parent.name] if path.parent.name and path.parent != _home() else []
    return text_of("/".join([f"elsewhere-{way}", *folder, path.name]))


def library_name(file: Path) -> str | None:
    """Which scenario of the library a file is, as its manifest names it, by content: a project may have a copy of it.

    Empty where it is another one under such a name, None where the library has none of that name. Raises OSError.
    """
    namesakes = [path for path in (SCENARIOS / file.parent.name).glob("*") if path.is_file() and path.stem == file.stem]
    if not namesakes:
        return None
    digest = sha256_file(file)
    same = (path for path in namesakes if sha256_file(path) == digest)
    return next((path.relative_to(DATA).as_posix() for path in same), "")


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None
