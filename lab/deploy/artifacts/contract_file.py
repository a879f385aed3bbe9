"""What kind of file somebody gave as the contract under test, and what to give in place of one that cannot be taken."""

from __future__ import annotations

from pathlib import Path

from lab.bounded_files import JSON_BYTES_MAX, read_bytes
from lab.deploy.artifacts.artifact import looks_like_artifact
from lab.deploy.text import decode
from lab.errors import InvalidFile, UsageError
from lab.validation import nearest

ARCHIVE = b"PK\x03\x04"
SHOWN_MAX = 8
_SKIPPED = {"node_modules", "site-packages", "cache", ".git"}
_EXPECTED = "expected a contract (.vy source or artifact .json)"


def split_name(path: Path) -> tuple[Path, str | None]:
    """`build.json:Mine` as file and contract's name; a path that exists, or has no file in front, is only a file.

    Raises UsageError where there is no such file.
    """
    if path.exists():
        return path, None
    text = str(path)
    for index, char in enumerate(text):
        if char == ":" and Path(text[:index]).is_file():
            return Path(text[:index]), text[index + 1 :] or None
    siblings = [sibling.name for sibling in path.parent.glob("*")] if path.parent.is_dir() else []
    close = nearest(path.name, siblings)
    hint = f" (did you mean {path.parent / close}?)" if close else ""
    raise UsageError(f"{path}: {_EXPECTED}, got: no such file{hint}")


def artifact_data(path: Path) -> bytes:
    """The bytes to read as an artifact. Raises UsageError for a file that cannot be one, and says what to give."""
    if path.is_dir():
        raise UsageError(f"{path}: {_EXPECTED}, got: it is a folder{_inside(path)}")
    if path.suffix in (".bin", ".abi"):
        return _pair(path)
    data = read_bytes(path, max_bytes=JSON_BYTES_MAX)
    if path.suffix == ".json":
        return data
    expected = f"{path}: expected a contract as .vy source or artifact .json, got {path.suffix or 'no suffix'!r}"
    if path.suffix == ".vyi":
        raise UsageError(f"{expected}: an interface has no code; give the .vy source that implements it")
    if path.suffix in (".sol", ".yul"):
        raise UsageError(
            f"{expected}: the lab compiles Vyper only; compile it with your own tools (`forge build`, "
            f"`npx hardhat compile`, `solc --combined-json abi,bin`) and give the artifact that they "
            f"wrote, for example out/{path.name}/{path.stem}.json"
        )
    if data.startswith(ARCHIVE):
        raise UsageError(f"{expected}: this is an archive of sources; unpack it and give the .vy source")
    if not _is_artifact(path, data):
        raise UsageError(f"{expected}; for another language give the artifact that its compiler wrote")
    return data


def _is_artifact(path: Path, data: bytes) -> bool:
    """Whether a file of no known suffix is text that may be one: databases and pickles of other tools are none."""
    try:
        return looks_like_artifact(decode(path, data))
    except InvalidFile:
        # Text in another encoding is told so by whoever reads it.
        if b"\0" not in data and data.lstrip()[:1] in (b"{", b"["):
            raise
        return False


def _pair(path: Path) -> bytes:
    """`solc --abi --bin` and `vyper -f bytecode` write code and ABI to two files: read as one."""
    code, abi = path.with_suffix(".bin"), path.with_suffix(".abi")
    if not (code.is_file() and abi.is_file()):
        has, lacks = ("code", abi) if path.suffix == ".bin" else ("an ABI", code)
        raise UsageError(
            f"{path}: this is {has} alone; expected the other half beside it as {lacks.name}, or both in "
            "one artifact (JSON with abi and bytecode)"
        )
    return b"\n".join(decode(half, read_bytes(half)).strip().encode() for half in (abi, code))


def _inside(folder: Path) -> str:
    files = sorted(
        file for pattern in ("*.vy", "*.json") for file in folder.rglob(pattern) if not _SKIPPED & set(file.parts)
    )
    ranked = sorted(files, key=lambda file: file.suffix != ".vy")
    more = f" and {len(ranked) - SHOWN_MAX} more" if len(ranked) > SHOWN_MAX else ""
    return (
        "; give one file of it: " + ", ".join(map(str, ranked[:SHOWN_MAX])) + more if ranked else " without contracts"
    )
