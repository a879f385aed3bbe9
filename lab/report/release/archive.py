"""The archive of a bundle: a gzipped tar file in exactly one form, so that every bit of it counts.

The gzip header's comment holds the sha256 of all bytes after it. The tar stream holds plain files only, each with the
same owner, mode and time, and nothing after the last one. Any tool unpacks it; `extract` takes no other form.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from lab.bounded_files import open_regular, replacing
from lab.errors import UsageError
from lab.html.text import clean

FILES_MAX, FILE_BYTES_MAX, TOTAL_BYTES_MAX = 50_000, 512 << 20, 2 << 30
ODD_MAX, HEADER_BYTES_MAX = 1_000, 64 << 10
# Deflate, a comment, no time, best compression, no system named.
_GZIP = b"\x1f\x8b\x08\x10\x00\x00\x00\x00\x02\xff"
_COMMENT = re.compile(rb"sha256 ([0-9a-f]{64})\x00")
_COMMENT_BYTES = len(b"sha256 ") + 64 + 1
_CHUNK, _PACKED_CHUNK = 1 << 20, 32 << 10
_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]{1,200}")


def write_archive(out: Path, files: Iterable[tuple[str, Path]]) -> None:
    """Write files under their names, in the order given. The same files make the same archive."""
    with replacing(out) as raw:
        raw.write(_GZIP + b"\0" * _COMMENT_BYTES)
        packed = _Deflating(raw)
        with tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]  # it only writes
            for name, path in files:
                with open_regular(path) as stream:
                    archive.addfile(_entry(name, path.stat().st_size), stream)
        packed.end()
        raw.seek(len(_GZIP))
        raw.write(f"sha256 {packed.digest.hexdigest()}\0".encode())


class _Deflating:
    """Compresses what is written to it, and digests what comes out."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw, self._deflate = raw, zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._crc, self._size, self.digest = 0, 0, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._crc, self._size = zlib.crc32(data, self._crc), self._size + len(data)
        self._put(self._deflate.compress(data))
        return len(data)

    def end(self) -> None:
        trailer = self._crc.to_bytes(4, "little") + (self._size % 2**32).to_bytes(4, "little")
        self._put(self._deflate.flush() + trailer)

    def _put(self, data: bytes) -> None:
        self.digest.update(data)
        self._raw.write(data)


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry


@dataclass(slots=True)
class Extracted:
    """The sha256 of each file by its name, and what is not in the form of a bundle."""

    digests: dict[str, str] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)


def extract(path: Path, folder: Path) -> Extracted:
    """Unpack the plain files of an archive into an empty folder. Raises UsageError for what is no archive at all."""
    extracted = Extracted()
    try:
        with open_regular(path) as raw:
            extracted.odd += _outer(raw)
            raw.seek(0)
            stream = _Inflating(raw)
            try:
                expected = _files(stream, folder, extracted)
                stream.drain()
            except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as error:
                if not extracted.digests:
                    raise
                extracted.odd.append(
                    f"the archive is broken after {len(extracted.digests)} files: {clean(str(error), 160)}"
                )
            else:
                if stream.digest.digest() != expected:
                    extracted.odd.append(
                        "the archive holds more than plain files with the mode, owner and time of a bundle"
                    )
    except FileNotFoundError:
        raise UsageError(f"{path}: expected a bundle, there is no such file") from None
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as error:
        raise UsageError(f"{path}: expected a bundle (.tar.gz), it is broken: {clean(str(error), 160)}") from None
    return extracted


def _outer(raw: BinaryIO) -> Iterator[str]:
    """Whether the file as a whole is as it was written."""
    head, comment = raw.read(len(_GZIP)) or b"", _COMMENT.fullmatch(raw.read(_COMMENT_BYTES) or b"")
    if head != _GZIP or comment is None:
        yield "the archive was not written by `lab bundle`, or by an older version"
    elif hashlib.file_digest(raw, "sha256").hexdigest().encode() != comment[1]:  # type: ignore[arg-type]  # it only reads
        yield "the archive was changed after it was written, or something was appended to it"


class _Inflating(io.RawIOBase):
    """The decompressed bytes of the first member, digested as they are read. Bounded in size."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw, self._inflate, self.digest = raw, zlib.decompressobj(16 + zlib.MAX_WBITS), hashlib.sha256()
        self._taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = b""
        while not data and not self._inflate.eof:
            rest = self._inflate.unconsumed_tail or self._raw.read(_PACKED_CHUNK)
            if not rest:
                raise EOFError("it ends too early")
            data = self._inflate.decompress(rest, len(buffer))
        self._taken += len(data)
        if self._taken > TOTAL_BYTES_MAX:
            raise ValueError(f"expected at most {TOTAL_BYTES_MAX} bytes in it, got more")
        self.digest.update(data)
        buffer[: len(data)] = data
        return len(data)

    def drain(self) -> None:
        """Read on to the end, so that all of it is in the digest."""
        while self.read(_CHUNK):
            pass


class _Entry(tarfile.TarInfo):
    """Of what comes before an entry (long names, extended headers) tarfile reads as much as that says it has."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.size > HEADER_BYTES_MAX and self.type not in tarfile.REGULAR_TYPES:
            raise ValueError(f"expected headers of at most {HEADER_BYTES_MAX} bytes, got more")
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]  # not in its types


def _files(stream: _Inflating, folder: Path, extracted: Extracted) -> bytes:
    """Write the files; the digest of the stream that holds them and nothing else."""
    expected, size = hashlib.sha256(), 0
    with tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK, tarinfo=_Entry) as archive:
        for entry in archive:
            # It keeps every entry, which nobody asks it for.
            archive.members = []  # type: ignore[attr-defined]  # not in its types
            wrong = _refusal(entry, extracted)
            if wrong:
                extracted.odd.append(f"{clean(entry.name, 200)}: {wrong}")
                if len(extracted.odd) > ODD_MAX:
                    raise ValueError(f"more than {ODD_MAX} entries are none of a bundle's")
                continue
            header = _entry(entry.name, entry.size).tobuf(tarfile.PAX_FORMAT)
            content = archive.extractfile(entry)
            assert content is not None  # it is a plain file
            padding = b"\0" * (-entry.size % tarfile.BLOCKSIZE)
            expected.update(header)
            digest = hashlib.sha256()
            for chunk in _copied(content, folder / entry.name):
                expected.update(chunk)
                digest.update(chunk)
            expected.update(padding)
            size += len(header) + entry.size + len(padding)
            extracted.digests[entry.name] = digest.hexdigest()
    end = 2 * tarfile.BLOCKSIZE
    expected.update(b"\0" * (end + -(size + end) % tarfile.RECORDSIZE))
    return expected.digest()


def _refusal(entry: tarfile.TarInfo, extracted: Extracted) -> str:
    parts = entry.name.split("/")
    if entry.type != tarfile.REGTYPE or entry.name in extracted.digests:
        return "expected one plain file of that name"
    if any(part in ("", ".", "..") or not _NAME.fullmatch(part) for part in parts):
        return "expected a path inside of the bundle"
    if entry.size > FILE_BYTES_MAX or len(extracted.digests) >= FILES_MAX:
        return f"expected at most {FILES_MAX} files of at most {FILE_BYTES_MAX} bytes"
    return ""


def _copied(content: Any, path: Path) -> Iterator[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as out:
        for chunk in iter(lambda: content.read(_CHUNK), b""):
            out.write(chunk)
            yield chunk
