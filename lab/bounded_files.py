"""Every file that the lab reads or replaces goes through here, so that none can hang it, fill its memory or mislead it.

Reading: regular files only (no pipe, device or folder), up to a size, UTF-8, and JSON only so deep and so large.
Writing: whole or not at all, under a temporary name of its own, and never through a link that somebody planted.
What a file must contain is the business of its caller, usually of a pydantic model.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from lab.errors import DISK_IS_FULL, UsageError, shortened
from lab.file_version import SCHEMA, FileVersion, version_of
from lab.json_values import Values, json_values

M = TypeVar("M", bound=BaseModel)

# What people write by hand; the largest file of the library has 15 KB.
TEXT_BYTES_MAX = 1 << 20
# What programs write. With the bound on values below, the parsed value stays under 150 MB.
JSON_BYTES_MAX = 16 << 20
# Each can take up to 200 bytes in memory, and as little as two in the file.
JSON_VALUES_MAX = 800_000
LINE_BYTES_MAX = 1 << 20
# Of a value that becomes a model: an entry that does not fit, or a small model, takes 500 bytes.
MODEL_VALUES_MAX = 200_000
# Of one value that does not fit its model.
FAULTS_MAX = 10_000
_CHUNK_BYTES = 1 << 20


class UnfitFile(UsageError, OSError, ValueError):
    """A file that is not what can be read or written here: says what was expected of it and what came.

    It is an OSError and a ValueError, too, since callers that have words of their own for a bad file catch those.
    """

    def __init__(self, path: Path | str, message: str, *, code: int = errno.EINVAL) -> None:
        OSError.__init__(self, code, shortened(message), str(path))

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading. Raises OSError where there is none, UnfitFile for a folder, pipe or device."""
    try:
        mode = path.stat().st_mode
    except ValueError as error:  # a NUL byte, or a name that the file system's encoding does not have
        why = "embedded null byte" if "\0" in str(path) else str(error)
        raise UnfitFile(ascii(str(path)), f"expected the name of a file: {why}", code=errno.ENOENT) from error
    _require_regular(path, mode)  # before opening: to open a device can have effects
    return _regular(path, os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")


def _regular(path: Path, handle: int, mode: Literal["rb", "ab"]) -> BinaryIO:
    try:
        _require_regular(path, os.fstat(handle).st_mode)
        return os.fdopen(handle, mode)
    except BaseException:
        os.close(handle)
        raise


def _require_regular(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise UnfitFile(path, "expected a file, got a folder", code=errno.EISDIR)
    if not stat.S_ISREG(mode):
        raise UnfitFile(path, "expected a file, got a device or a pipe")


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """An error of the device below says which file it was."""
    try:
        yield
    except UnfitFile:
        raise
    except OSError as error:
        message = f"expected a file that can be read: {error.strerror or error}"
        raise UnfitFile(path, message, code=error.errno or errno.EIO) from error


def read_bytes(path: Path, *, max_bytes: int = TEXT_BYTES_MAX) -> bytes:
    """A file's content. Raises OSError, or UnfitFile for one that is larger or no regular file."""
    with open_regular(path) as stream, _reading(path):
        data: bytes | None = stream.read(max_bytes + 1)
    if data is None:  # as files of the kernel are that others write to
        raise UnfitFile(path, "expected a file, got nothing to read at the moment", code=errno.EAGAIN)
    if len(data) > max_bytes:
        raise UnfitFile(path, f"expected at most {max_bytes} bytes, got more", code=errno.EFBIG)
    return data


def read_text(path: Path, *, max_bytes: int = TEXT_BYTES_MAX) -> str:
    """A UTF-8 file's text, every line end as a line feed. Raises as `read_bytes`, and UnfitFile for other encodings."""
    return re.sub("\r\n?", "\n", decode(read_bytes(path, max_bytes=max_bytes), path))


def decode(data: bytes, path: Path | str) -> str:
    """The text of UTF-8 bytes; `path` only names them in the message. Raises UnfitFile."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = f"0x{data[error.start]:02x}"
        raise UnfitFile(f"{path}:{line}", f"expected UTF-8 text, got the byte {byte}", code=errno.EILSEQ) from error


def read_lines(
    path: Path,
    *,
    max_bytes: int,
    max_lines: int,
    max_line_bytes: int = LINE_BYTES_MAX,
    max_values: int | Values | None = None,
) -> Iterator[str]:
    """A UTF-8 file's lines without their line feeds, one at a time; only a line feed ends a line.

    `max_values` are the values of a file with JSON on each line, or of several, for whoever keeps them all. Raises as
    `read_text`, and UnfitFile for more bytes, lines or values, or a longer line.
    """
    taken = 0
    values = Values(max_values) if isinstance(max_values, int) else max_values
    with open_regular(path) as stream, _reading(path):
        for number, line in enumerate(iter(lambda: stream.readline(max_line_bytes + 1), b""), start=1):
            taken += len(line)
            if len(line) > max_line_bytes:
                raise UnfitFile(f"{path}:{number}", f"expected a line of at most {max_line_bytes} bytes, got more")
            if taken > max_bytes or number > max_lines:
                message = f"expected at most {max_bytes} bytes and {max_lines} lines, got more"
                raise UnfitFile(path, message, code=errno.EFBIG)
            if values is not None and not values.take(line):
                raise UnfitFile(path, f"expected at most {values.most} values, got more", code=errno.EFBIG)
            yield decode(line.removesuffix(b"\n"), f"{path}:{number}")


def tail(path: Path, *, lines: int, max_bytes: int = 64 << 10) -> list[str]:
    """The last lines of a log, of which at most `max_bytes` are read; empty where there is none to read."""
    try:
        with open_regular(path) as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - max_bytes))
            return stream.read(max_bytes).decode("utf-8", errors="replace").splitlines()[-lines:]
    except OSError:
        return []


def parse_json(data: bytes | str, source: Path | str) -> Any:
    """A JSON value that others wrote. Raises UnfitFile, never RecursionError; `source` names it in the message.

    json.loads is not safe for it: web3's dependencies raise Python's recursion limit, so that deep nesting ends the
    process.
    """
    data = bounded_json(data, source)
    try:
        return from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise UnfitFile(source, f"expected JSON: {error}") from error


def bounded_json(data: bytes | str, source: Path | str, *, max_values: int = JSON_VALUES_MAX) -> bytes:
    """The same JSON text, known to hold no more values than memory bears. Raises UnfitFile."""
    if isinstance(data, str):
        data = data.encode("utf-8", errors="surrogatepass")
    if len(data) > JSON_BYTES_MAX or json_values(data) > max_values:
        message = f"expected JSON of at most {JSON_BYTES_MAX} bytes and {max_values} values, got more"
        raise UnfitFile(source, message, code=errno.EFBIG)
    return data


def read_json(path: Path, *, max_bytes: int = JSON_BYTES_MAX) -> Any:
    """A JSON file's value. Raises OSError or UnfitFile."""
    return parse_json(read_bytes(path, max_bytes=max_bytes), path)


def read_object(path: Path, *, max_bytes: int = JSON_BYTES_MAX) -> dict[str, Any]:
    """As `read_json`, for a file that must hold an object."""
    value = read_json(path, max_bytes=max_bytes)
    if not isinstance(value, dict):
        raise UnfitFile(path, f"expected a JSON object, got {type(value).__name__}")
    return value


def read_model(path: Path, model: type[M], *, max_bytes: int = JSON_BYTES_MAX) -> M:
    """A JSON file as a model. Raises OSError, or UnfitFile with the first thing that does not fit."""
    return parse_model(read_bytes(path, max_bytes=max_bytes), model, path)


def parse_model(data: bytes | str, model: type[M], source: Path | str) -> M:
    """JSON text as a model. Raises UnfitFile with the first thing that does not fit: a version before all else."""
    data, version = bounded_json(data, source, max_values=MODEL_VALUES_MAX), version_of(model)
    try:
        value = model.model_validate_json(data)
    except ValidationError as error:
        if version is not None and (trouble := version.trouble(_object_of(data))):
            raise UnfitFile(source, trouble) from error
        raise UnfitFile(source, f"expected a {model.__name__}: {first_fault(error)}") from error
    if version is not None and version.field not in value.model_fields_set:
        raise UnfitFile(source, version.trouble({}))
    return value


def first_fault(error: ValidationError) -> str:
    """The first thing that does not fit, after its place; of very many their number, for a list takes much memory."""
    if error.error_count() > FAULTS_MAX:
        return f"{error.error_count()} things in it do not fit"
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return shortened(": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"]))))


def _object_of(data: bytes) -> object:
    with contextlib.suppress(ValueError):
        return from_json(data)
    return None


def require_version(value: dict[str, Any], path: Path, version: FileVersion = SCHEMA) -> dict[str, Any]:
    """The same object, known to state a version that can be read. Raises UnfitFile."""
    if trouble := version.trouble(value):
        raise UnfitFile(path, trouble)
    return value


def sha256_file(path: Path, *, max_bytes: int = 1 << 30) -> str:
    """The sha256 of a file's bytes. Raises as `read_bytes`."""
    digest, taken = hashlib.sha256(), 0
    with open_regular(path) as stream:
        for chunk in iter(lambda: stream.read(_CHUNK_BYTES), b""):
            taken += len(chunk)
            if taken > max_bytes:
                raise UnfitFile(path, f"expected at most {max_bytes} bytes, got more", code=errno.EFBIG)
            digest.update(chunk)
    return digest.hexdigest()


def write_atomically(path: Path, content: str | bytes, *, mode: int = 0o666, durable: bool = False) -> None:
    """Write a file whole or not at all, and make its folder. `durable`: also through a loss of power."""
    with replacing(path, mode=mode, durable=durable) as stream:
        stream.write(content.encode("utf-8") if isinstance(content, str) else content)


@contextlib.contextmanager
def replacing(path: Path, *, mode: int = 0o666, durable: bool = False) -> Iterator[BinaryIO]:
    """A stream whose content takes the file's place once the block ends; after an error the old file still stands.

    Several processes may write one path: each has a temporary file of its own, made with O_EXCL, so that a link that
    somebody planted is never followed. A link at the path itself is replaced. `mode` is subject to the umask.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    stem = os.fsencode(path.name)[:64].decode("utf-8", errors="ignore")
    temporary = path.with_name(f".{stem}.{secrets.token_hex(8)}.tmp")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except OSError as error:
        error.filename = str(path)  # The temporary file's name says nothing to anybody.
        raise
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            if durable:
                os.fsync(handle)
        temporary.replace(path)
        if durable:
            _sync_folder(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.errno in DISK_IS_FULL and error.filename is None:
            error.filename = str(path)
        raise


def _sync_folder(folder: Path) -> None:
    """Let a new name in a folder last; some file systems cannot, and then nothing more can be done."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def open_append(path: Path, *, mode: int = 0o666) -> BinaryIO:
    """Open a regular file for appending, made if need be. Raises OSError, also for a link, UnfitFile for a pipe."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return _regular(path, os.open(path, flags, mode), "ab")
