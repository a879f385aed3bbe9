"""Text of files: UTF-8 with or without a mark and any line ends; what else there may be is named with its place."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from lab.deploy.text import decode, read_text
from lab.errors import InvalidFile

PATH = Path("Mine.vy")


@pytest.mark.parametrize(
    "data",
    [b"a\nb\xc3\xa4\n", b"a\r\nb\xc3\xa4\r\n", b"a\rb\xc3\xa4\r", codecs.BOM_UTF8 + b"a\r\nb\xc3\xa4\n"],
    ids=["unix", "windows", "old mac", "mark"],
)
def test_line_ends_and_mark_do_not_matter(data: bytes, tmp_path: Path) -> None:
    """The same text each time."""
    (tmp_path / "a").write_bytes(data)
    assert read_text(tmp_path / "a") == "a\nb\u00e4\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("é".encode("utf-16"), r"Mine\.vy:1:1: expected UTF-8 text, got UTF-16"),
        (codecs.BOM_UTF16_BE + b"\0a", r"got UTF-16 \(its byte order mark is the file's first 2 bytes\)"),
        ("é".encode("utf-32"), "got UTF-32"),
        ("a".encode("utf-16-le"), r"Mine\.vy:1:2: not text \(NUL byte at 1\)"),
        (b"a\r\nb\xc3\xa4\xe4\n", r"Mine\.vy:2:3: not UTF-8 text \(byte 0xe4 at 6\)"),
        (codecs.BOM_UTF8 + b"ab\xff", r"Mine\.vy:1:3: not UTF-8 text \(byte 0xff at 5\)"),
        (b"ok\n\0", r"Mine\.vy:2:1: not text \(NUL byte at 3\)"),
    ],
)
def test_other_bytes_are_named_with_their_place(data: bytes, words: str) -> None:
    """Line, column, byte, and how to save it anew."""
    with pytest.raises(InvalidFile, match=words) as caught:
        decode(PATH, data)
    assert "iconv -f" in str(caught.value)
