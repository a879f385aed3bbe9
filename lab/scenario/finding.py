"""Where YAML files lie below a folder, and how one begins. Loaded by every pytest session, whatever it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

SUFFIXES = (".yaml", ".yml")
SKIPPED = (".*", "node_modules", "__pycache__")


def read_start(path: Path, size: int) -> bytes:
    """A file's first `size` bytes at most; none of one that has nothing to read at the moment. Raises OSError."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
        data: bytes | None = stream.read(size)
    return data or b""


def files_below(
    folder: Path,
    suffixes: tuple[str, ...] = SUFFIXES,
    *,
    skipped: tuple[str, ...] = (),
    entries_max: int | None = None,
) -> Iterator[Path]:
    """The YAML files below a folder (or those with other suffixes), those nearest to it first.

    Passes over hidden folders, node_modules, virtual environments and folders whose name matches `skipped`, as pytest
    does; goes round no circle of links; looks at `entries_max` entries at most. What cannot be listed is passed over.
    """
    pending, seen, left = [folder], set[tuple[int, int]](), entries_max
    while pending:
        here = pending.pop(0)
        try:
            facts = here.stat()
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError:
            continue
        if (facts.st_dev, facts.st_ino) in seen:
            continue
        seen.add((facts.st_dev, facts.st_ino))
        if left is not None:
            left -= len(entries)
            if left < 0:
                return
        if here != folder and any(entry.name in ("pyvenv.cfg", "conda-meta") for entry in entries):
            continue
        for entry in entries:
            with suppress(OSError):
                if entry.name.endswith(suffixes) and entry.is_file():
                    yield here / entry.name
                elif entry.is_dir() and not any(fnmatch(entry.name, name) for name in (*SKIPPED, *skipped)):
                    pending.append(here / entry.name)
