"""What may lie in the place of a file: other kinds of things, other kinds of names, and files of any size."""

from __future__ import annotations

import json
import os
import socket
import tarfile
from collections.abc import Callable
from pathlib import Path

SPARSE_BYTES = 2 << 30
MANY_LINES = 10_000_000
LAUGHS = "a: &a [1]\n" + "".join(
    f"{name}: &{name} [{f'*{below},' * 9}]\n" for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the address of a socket has room for a short path only
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _large(start: bytes, end: bytes = b"") -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with path.open("wb") as stream:
            stream.write(start)
            stream.truncate(SPARSE_BYTES)
            if end:
                stream.seek(0, os.SEEK_END)
                stream.write(end)

    return make


def _text(*parts: str) -> Callable[[Path], None]:
    return lambda path: _write(path, "".join(parts).encode())


def _many(line: str, count: int, before: str = "", after: str = "") -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with path.open("w") as stream:
            stream.write(before)
            block = line * 10_000
            for _ in range(count // 10_000):
                stream.write(block)
            stream.write(after)

    return make


def _link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def _bomb(path: Path) -> None:
    """A small archive of a large file."""
    sparse = path.with_name(path.name + ".sparse")
    _large(b"{")(sparse)
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name in ("MANIFEST.json", "readiness/readiness.json"):
            entry = tarfile.TarInfo(name)
            entry.size = 256 << 20
            with sparse.open("rb") as stream:
                archive.addfile(entry, stream)
    sparse.unlink()


# A record of a run, as often as there is room; a values-rich file just below every bound on values and bytes.
_RECORD = '{"seq":1,"t_ms":1,"type":"note","kind":"x","text":"x"}\n'
THINGS: dict[str, Callable[[Path], None]] = {
    "a folder": Path.mkdir,
    "a pipe": _fifo,
    "a socket": _socket,
    "a link to itself": _loop,
    "a link to nothing": _link("nothing-here"),
    "a link to /dev/zero": _link("/dev/zero"),
    "a link to /dev/full": _link("/dev/full"),
    "a link to a process's memory": _link("/proc/self/mem"),
    "a link to a kernel's text": _link("/proc/kallsyms"),
    "an empty file": _text(),
    "every byte": lambda path: _write(path, bytes(range(256)) * 64),
    "a NUL": _text("\0"),
    "a byte order mark": _text("\ufeff{}"),
    "a list": _text("[]"),
    "an object": _text("{}"),
    "nothing but null": _text("null"),
    "NaN": _text('{"a": NaN, "b": 1e999}'),
    "half a surrogate": _text('{"a": "\\ud800"}'),
    "2 GB of nothing": _large(b""),
    "2 GB of a text": _large(b'{"schema_version": 1, "a": "'),
    "2 GB and an end": _large(b"name: ", b"\n"),
    "JSON nested deep": _text("[" * 500_000, "]" * 500_000),
    "objects nested deep": _text('{"a":' * 300_000, "1", "}" * 300_000),
    "YAML nested deep": _text("- " * 100_000),
    "a billion laughs": _text(LAUGHS),
    "a line of 64 MB": _many("a", 64 << 20, '{"a": "', '"}'),
    "ten million lines": _many("a: 1\n", MANY_LINES),
    "ten million records": _many(_RECORD, MANY_LINES // 4),
    "many values": _many("[],", 790_000, "[", "1]"),
    "many texts": _many('"0123456789abcd",', 790_000, "[", "1]"),
    "many objects": _many('{"a":"b"},', 390_000, '{"rows":[', "{}]}"),
    "many keys": lambda path: _write(path, json.dumps({f"k{n}": n for n in range(600_000)}).encode()),
    "YAML of many values": _many("- a\n", 60_000),
    "YAML of many keys": lambda path: _write(path, "".join(f"k{n}: v\n" for n in range(25_000)).encode()),
    "a bomb": _bomb,
}
# What a file may be called; a slash and a NUL alone are impossible.
NAMES = (
    b"\xff\xfe.yaml", b"a\nb.yaml", b"\x1b[31mred.yaml", "\u202egnp.yaml".encode(), b"%s%n{0}.yaml", b"a[1].yaml",
    b"-rf.yaml", b"a::b.yaml", b"a b'\"`$(x).yaml", b"x" * 250 + b".yaml", "é日本.yaml".encode(), b".yaml", b"con.yaml",
    b"a@b#c?d&e.yaml", b"[bold]x.yaml", b"..yaml", b"a\tb.yaml", b"a\rb.yaml", "a\u2028b.yaml".encode(), b"\x7f.yaml",
)  # fmt: skip


class Things:
    """One of each kind, made once in a folder, since some are large; elsewhere links stand for them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, kind: str) -> Path:
        """Where the thing of a kind lies."""
        place = self._folder / str(list(THINGS).index(kind))
        if not place.is_symlink() and not place.exists():
            THINGS[kind](place)
        return place

    def put(self, kind: str, path: Path) -> None:
        """Let a path lead to the thing. What belongs there must be out of the way."""
        path.symlink_to(self.path(kind))
