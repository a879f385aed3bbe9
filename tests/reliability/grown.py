"""A sound file, of which one part has grown until the file is as large as its reader lets it be.

What is grown is told from the file alone: each list gets more entries, each mapping more keys, each text more
characters, and in place of each value stand many small ones or deep ones. A kind that is added later is covered, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.bounded_files import JSON_BYTES_MAX, JSON_VALUES_MAX, LINE_BYTES_MAX, MODEL_VALUES_MAX

# A bit less than the bounds of the loaders.
VALUES, BYTES, LINE = JSON_VALUES_MAX * 95 // 100, JSON_BYTES_MAX * 95 // 100, LINE_BYTES_MAX * 9 // 10
# By suffix, in bytes: what its loaders take, the largest first. Each has bounds of its own below these.
SIZES: Mapping[str, tuple[int, ...]] = {
    ".json": (BYTES, BYTES // 4),
    ".jsonl": (240 << 20, 60 << 20, 30 << 20, BYTES),
    ".yaml": (250 << 10, 1000 << 10),
}
OTHERS = (60 << 20, BYTES, 1000 << 10, 60 << 10)
DEPTH = 100_000
_MARK = "\ue000grown\ue000"
Route = tuple[str | int, ...]


@dataclass(frozen=True)
class Grown:
    """One file. `write` puts it at a path."""

    title: str
    write: Callable[[Path], None]


def grown(name: str, content: bytes) -> list[Grown]:
    """Every way in which a file of this name grows."""
    suffix = Path(name).suffix
    sizes = SIZES.get(suffix, OTHERS)
    if suffix == ".json":
        bounds = zip(sizes, (VALUES, MODEL_VALUES_MAX * 95 // 100), strict=True)
        return [one for size, values in bounds for one in _document(json.loads(content), size, values, name)]
    if suffix in (".yaml", ".yml"):
        # JSON is YAML, and written a hundred times as fast.
        import yaml

        return [one for size in sizes for one in _document(yaml.safe_load(content), size, VALUES, name)]
    if suffix == ".jsonl":
        return [one for size in sizes for one in _lines(content, size, name)]
    return [one for size in sizes for one in _bytes(content, size, name)]


def _document(value: Any, size: int, values: int, name: str) -> Iterator[Grown]:
    for route, part in places(value):
        head, tail = _around(value, route)
        for shape, pieces in shapes(part, size, values):
            yield Grown(f"{name} {dotted(route)} {shape} {size >> 10} KiB", _writer(head, pieces, tail))


def _lines(content: bytes, size: int, name: str) -> Iterator[Grown]:
    lines = content.splitlines(keepends=True)
    for number, line in enumerate(lines):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        before, after = b"".join(lines[:number]), b"".join(lines[number:])
        if number or len(lines) == 1:
            for shape, pieces in _entries(value, size, 1 << 60, "\n"):
                yield Grown(f"{name} line {number} {shape} {size >> 20} MiB", _writer_of_lines(before, pieces, after))
        for route, part in places(value):
            head, tail = _around(value, route)
            for shape, pieces in shapes(part, LINE, VALUES):
                title = f"{name} line {number} {dotted(route)} {shape} {size >> 20} MiB of such lines"
                whole = _wrapped(head, pieces, tail + b"\n")
                yield Grown(title, _writer(before, _again(whole, size if number else 0), after))


def _again(pieces: Pieces, size: int) -> Pieces:
    """The same line until it is so large; once at least."""

    def all_of() -> Iterator[bytes]:
        line = b"".join(pieces())
        for _ in range(max(1, size // len(line))):
            yield line

    return all_of


def _bytes(content: bytes, size: int, name: str) -> Iterator[Grown]:
    lines = content.splitlines(keepends=True) or [b"x\n"]
    longest = max(lines, key=len).rstrip(b"\r\n") or b"x"
    word = longest.split()[-1] if longest.split() else b"x"
    last = b"".join(lines[-max(1, len(lines) // 4) :])
    parts = {
        "whole, again and again": (b"", content),
        "its end, again and again": (content, last),
        "its longest line, again and again": (content, longest + b"\n"),
        "one long line": (content, longest + b" "),
        "one long word": (content + b"\n", word),
        "empty lines": (content, b"\n"),
        "brackets": (content + b"\n", b"("),
    }
    if name.endswith(".xml"):
        parts |= {"elements": (content.rpartition(b"</")[0], b"<a/>"), "deep": (content.rpartition(b"</")[0], b"<a>")}
    for title, (head, again) in parts.items():
        count = (size - len(head)) // len(again)
        tail = content[len(content.rpartition(b"</")[0]) :] if title == "elements" else b""
        yield Grown(f"{name} {title} {size >> 10} KiB", _repeating(head, again, count, tail))


def places(value: Any, here: Route = ()) -> Iterator[tuple[Route, Any]]:
    """Every part of a document; of lists the first entry of each form."""
    yield here, value
    if isinstance(value, dict):
        for key, below in value.items():
            yield from places(below, (*here, key))
    elif isinstance(value, list):
        seen = set[str]()
        for number, below in enumerate(value):
            form = str(sorted(below)) if isinstance(below, dict) else type(below).__name__
            if form not in seen:
                seen.add(form)
                yield from places(below, (*here, number))


def dotted(route: Route) -> str:
    return ".".join(map(str, route)) or "all"


Pieces = Callable[[], Iterator[bytes]]


def shapes(part: Any, size: int, values: int) -> Iterator[tuple[str, Pieces]]:
    """What stands in the place of a part, as text of JSON in pieces."""
    if isinstance(part, list) and part:
        for shape, pieces in _entries(part[0], size, values, ","):
            yield shape, _wrapped(b"[", pieces, b"]")
    elif isinstance(part, dict) and part:
        key, below = next(iter(part.items()))
        for shape, pieces in _entries(below, size, values, ",", str(key)):
            yield shape, _wrapped(b"{", pieces, b"}")
    else:
        text = part if isinstance(part, str) else ""
        yield "a long text", _wrapped(b'"', lambda: iter([text.encode(), b"x" * (size - len(text) - 2)]), b'"')
        for shape, pieces in _entries(part, size, values, ","):
            yield f"a list of {shape}", _wrapped(b"[", pieces, b"]")
    yield "many keys", _wrapped(b"{", _numbered(f'"{_MARK}":0', min(size // 12, values), ","), b"}")
    yield "many values", _wrapped(b"[", _numbered("[]", min(size // 3, values // 2), ","), b"]")
    yield "deep", lambda: iter([b"[" * min(DEPTH, size // 2), b"]" * min(DEPTH, size // 2)])


def _entries(entry: Any, size: int, values: int, between: str, key: str | None = None) -> Iterator[tuple[str, Pieces]]:
    text = json.dumps(entry, separators=(",", ":"), ensure_ascii=False)
    cost = sum(text.count(sign) for sign in "[{,") + 1
    lead = "" if key is None else f'{json.dumps(key, ensure_ascii=False)[:-1]}{_MARK}":'
    each = len(text.encode()) + len(lead) + 8
    count = max(1, min(size // each, values // cost))
    yield "many alike", _numbered(lead + text, count, between)
    if (told := _told_apart(entry)) is not None:
        yield "many distinct", _numbered(lead + told, count, between)


def _told_apart(entry: Any) -> str | None:
    """The text of an entry in which every text and number is another one each time: the pattern of it."""
    found = False

    def marked(value: Any) -> Any:
        nonlocal found
        if isinstance(value, dict):
            return {key: marked(below) for key, below in value.items()}
        if isinstance(value, list):
            return [marked(below) for below in value]
        if isinstance(value, str) and value:
            found = True
            return (value[:-7] if len(value) > 30 else value) + _MARK
        return value

    text = json.dumps(marked(entry), separators=(",", ":"), ensure_ascii=False)
    return text if found else None


def _numbered(pattern: str, count: int, between: str) -> Pieces:
    """So many of a pattern, each with its own number in place of the marks."""

    def pieces() -> Iterator[bytes]:
        for start in range(0, count, 10_000):
            numbers = range(start, min(count, start + 10_000))
            block = between.join(pattern.replace(_MARK, f"{number:07d}") for number in numbers)
            yield ((between if start else "") + block).encode()

    return pieces


def _wrapped(head: bytes, pieces: Pieces, tail: bytes) -> Pieces:
    def all_of() -> Iterator[bytes]:
        yield head
        yield from pieces()
        yield tail

    return all_of


def _around(value: Any, route: Route) -> tuple[bytes, bytes]:
    """The text of a document before and after one of its parts."""
    head, _, tail = json.dumps(_replaced(value, route), ensure_ascii=False).partition(f'"{_MARK}"')
    return head.encode(), tail.encode()


def _replaced(value: Any, route: Route) -> Any:
    if not route:
        return _MARK
    step, *rest = route
    if isinstance(value, dict):
        return {key: _replaced(below, tuple(rest)) if key == step else below for key, below in value.items()}
    return [_replaced(below, tuple(rest)) if number == step else below for number, below in enumerate(value)]


def _writer(head: bytes, pieces: Pieces, tail: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with path.open("wb") as stream:
            stream.write(head)
            for piece in pieces():
                stream.write(piece)
            stream.write(tail)

    return write


def _writer_of_lines(before: bytes, pieces: Pieces, after: bytes) -> Callable[[Path], None]:
    return _writer(before, pieces, b"\n" + after)


def _repeating(head: bytes, again: bytes, count: int, tail: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with path.open("wb") as stream:
            stream.write(head)
            block = again * max(1, min(count, (1 << 20) // len(again)))
            left = count * len(again)
            while left > 0:
                stream.write(block[:left])
                left -= len(block)
            stream.write(tail)

    return write
