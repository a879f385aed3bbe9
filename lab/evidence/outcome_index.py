"""Where in a `verdicts.jsonl` the lines of each folder stand, so that a command reads the file once for all its runs.

Such a file is added to for years. What is kept of a line is four bytes, of a group of folders 256, and of
a folder its name where a line decided something against it.
"""

from __future__ import annotations

import zlib
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from lab.bounded_files import UnfitFile, open_regular

# Of one file; what lies behind is not read.
BYTES_MAX, LINE_BYTES_MAX = 256 << 20, 1 << 20
# Folders of one file against which something was decided: more are no results of anybody's.
AGAINST_MAX = 3_000
# Over all files that are kept in mind.
_FILES_MAX, _KEPT_BYTES_MAX = 64, 32 << 20
# Of a group with its first line, and of a name.
_GROUP_BYTES = 256
_GROUPS = 1 << 16
_Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """What a line is about: the folder, empty where it names none, and whether it decided against the run or a row."""

    folder: str = ""
    against: bool = False


@dataclass(slots=True, eq=False)
class OutcomeIndex:
    """Of one version of a file. Names are grouped by a digest: a group's lines may be of others, too."""

    version: _Version
    against: set[str] = field(default_factory=set)
    lines: int = 0
    _places: dict[int, array[int]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """About so many bytes of memory."""
        return 4 * self.lines + _GROUP_BYTES * (len(self._places) + len(self.against))

    @classmethod
    def of(cls, path: Path, version: _Version, look: Callable[[bytes], Line]) -> OutcomeIndex:
        """Raises UnfitFile for too many folders against which something was decided."""
        index, place = cls(version), 0
        for text in all_lines(path):
            line = look(text)
            if line.folder:
                index._places.setdefault(_group(line.folder), array("I")).append(place)
                index.lines += 1
            if line.against:
                index.against.add(line.folder)
                if len(index.against) > AGAINST_MAX:
                    raise UnfitFile(path, f"expected failures of at most {AGAINST_MAX} runs, got more")
            place += len(text)
        return index

    def of_group(self, path: Path, folder: str) -> Iterator[bytes]:
        """The lines that may be a folder's, in their order; none where the file cannot be read any more."""
        places = self._places.get(_group(folder))
        if not places:
            return
        try:
            with open_regular(path) as stream:
                for place in places:
                    stream.seek(place)
                    yield stream.readline(LINE_BYTES_MAX)
        except OSError:
            return


def all_lines(path: Path) -> Iterator[bytes]:
    """One at a time; of one that is too long, parts, which say nothing. None of a file that cannot be read."""
    left = BYTES_MAX
    try:
        with open_regular(path) as stream:
            while left > 0 and (line := stream.readline(LINE_BYTES_MAX)):
                left -= len(line)
                yield line
    except OSError:
        return


_KEPT: OrderedDict[Path, OutcomeIndex] = OrderedDict()
_LOCK = Lock()


def index_of(path: Path, look: Callable[[bytes], Line]) -> OutcomeIndex:
    """Of the file as it is now, which is read if it was not, or has changed since. Raises as `OutcomeIndex.of`."""
    with _LOCK:
        version = _version(path)
        index = _KEPT.pop(path, None)
        if index is not None and index.version == version:
            _KEPT[path] = index
            return index
        index = _KEPT[path] = OutcomeIndex.of(path, version, look)
        while len(_KEPT) > _FILES_MAX or (len(_KEPT) > 1 and sum(one.size for one in _KEPT.values()) > _KEPT_BYTES_MAX):
            _KEPT.popitem(last=False)
        return index


def _version(path: Path) -> _Version:
    try:
        facts = path.stat()
    except (OSError, ValueError):
        return ()
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def _group(folder: str) -> int:
    return zlib.crc32(folder.encode("utf-8", errors="surrogatepass")) % _GROUPS
