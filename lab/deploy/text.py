"""Text of files that people bring: UTF-8 with or without a byte order mark, any line ends; anything else is named."""

from __future__ import annotations

import codecs
from pathlib import Path

from lab.bounded_files import read_bytes
from lab.errors import InvalidFile, Problem

# UTF-32's little-endian mark begins with UTF-16's.
_OTHER_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def read_text(path: Path) -> str:
    """The text of a file as `decode` gives it. Raises OSError, InvalidFile."""
    return decode(path, read_bytes(path))


def decode(path: Path, data: bytes) -> str:
    """Text without its byte order mark and with a line feed for every line end.

    Raises InvalidFile, with line, column and byte, for other encodings, bytes that are no text, and NUL.
    """
    for mark, name in _OTHER_MARKS:
        if data.startswith(mark):
            what = f"expected UTF-8 text, got {name} (its byte order mark is the file's first {len(mark)} bytes)"
            raise InvalidFile([Problem(str(path), 1, 1, "", f"{what}; {_convert(path, name)}")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # With a mark positions count from behind it.
        start = error.start + (len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0)
        what = f"not UTF-8 text (byte 0x{data[start]:02x} at {start})"
        raise _problem(path, data, start, what, _convert(path, "ISO-8859-1")) from error
    nul = data.find(0)
    if nul >= 0:
        advice = "if it is UTF-16 without a mark: " + _convert(path, "UTF-16LE")
        raise _problem(path, data, nul, f"not text (NUL byte at {nul})", advice)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _convert(path: Path, encoding: str) -> str:
    return f"save it as UTF-8, for example by `iconv -f {encoding} -t UTF-8 {path.name}`"


def _problem(path: Path, data: bytes, at: int, what: str, advice: str) -> InvalidFile:
    before = data[:at].removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    return InvalidFile([Problem(str(path), before.count(b"\n") + 1, column, "", f"{what}; {advice}")])
