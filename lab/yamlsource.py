"""The one YAML reader: plain values in which every key and value still knows its line and column.

Accepts the part of YAML that a person needs (mappings, lists, text, numbers, true/false, null) and refuses the rest
with a position: tags, anchors, aliases, merge keys, several documents, duplicate keys, keys that are not text. Values
resolve as in YAML 1.2 (`on`, `0x10` and `010` are text), so that nothing turns into something else unseen.
What a file must contain is the business of a pydantic model: `validate` reports all of its complaints at once.
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Never, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lab.bounded_files import UnfitFile, read_bytes
from lab.errors import InvalidFile, Problem
from lab.file_version import version_of
from lab.validation import ValidationIssue, describe, once_each, problem_path
from lab.yaml_reader import READERS, Position, position_in
from lab.yaml_reader import Route as Route

M = TypeVar("M", bound=BaseModel)

# Nobody reads more, and to look for what was meant takes time for each.
COMPLAINTS_MAX = 1_000
_PLAIN = re.compile(r"[\w./-]+(:[\w./-]+)?")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: its value as plain Python and where each part of it stands (lines and columns from 1)."""

    file: Path
    value: Any
    values: Mapping[Route, Position] = field(repr=False)
    keys: Mapping[Route, Position] = field(repr=False)

    def position(self, path: Route) -> Position:
        """Where the value at `path` starts; for a path that is not in the file, its nearest parent that is."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, (1, 1))

    def key_position(self, path: Route) -> Position:
        """Where the key that leads to `path` starts; for a list entry or an absent key, as `position`."""
        return self.keys.get(path) or self.position(path)

    def problem(self, path: Route, message: str, *, at_key: bool = False) -> Problem:
        """A problem at a place in this file."""
        line, column = self.key_position(path) if at_key else self.position(path)
        return Problem(str(self.file), line, column, problem_path(path), message)


def load_yaml(path: Path, *, max_bytes: int = 256 * 1024) -> Source:
    """Read one file. Raises InvalidFile with every problem that could be found."""
    try:
        data = read_bytes(path, max_bytes=max_bytes)
    except FileNotFoundError:
        _refuse(path, "no such file")
    except UnfitFile as unfit:
        advice = ": split the file" if unfit.errno == errno.EFBIG else ""
        _refuse(path, f"{str(unfit.strerror).replace('a file', 'a YAML file', 1)}{advice}")
    except OSError as error:
        _refuse(path, f"cannot be read: {error.strerror or error}")
    return parse_yaml(data, path)


def parse_yaml(data: bytes, file: Path) -> Source:
    """Read a file's content; `file` only names it in messages. Raises InvalidFile."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Undecodable bytes cannot count columns, so everything before the bad one is decoded alone.
        before = data[: error.start].decode("utf-8", errors="replace")
        _refuse(file, f"expected UTF-8 text, got the byte 0x{data[error.start]:02x}", position_in(before))
    for reader_class in READERS:
        reader = reader_class(text, file)
        node = reader.read()
        if node is not None:
            value = reader.build(node, ())
            if value is None:
                reader.report(node.start_mark, (), "the file is empty: expected a mapping (lines of `key: value`)")
            if not reader.problems:
                break
        # What the fast parser cannot read, the thorough one says more clearly.
    if reader.problems:
        raise InvalidFile(in_order(reader.problems))
    if node is None:
        _refuse(file, "the file is empty: expected a mapping (lines of `key: value`)")
    return Source(file, value, reader.values, reader.keys)


def validate(source: Source, model: type[M]) -> M:
    """The file's value as `model`. Raises InvalidFile with one problem for each complaint, in order of the lines.

    Validation is strict (text is no number, a number no text), and a validator may move a problem to a key or value
    below the place it judges: raise PydanticCustomError with `at` (a tuple, relative to that place) in its context.
    """
    result = attempt(source, model)
    if isinstance(result, model):
        return result
    assert isinstance(result, list)
    raise InvalidFile(in_order(source.problem(issue.path, issue.message, at_key=issue.at_key) for issue in result))


def attempt(source: Source, model: type[M]) -> M | list[ValidationIssue]:
    """As `validate`, for a caller that goes on after faults: it gets them as paths into the value."""
    try:
        return model.model_validate_json(json.dumps(source.value), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False)[:COMPLAINTS_MAX]
        version = version_of(model)
    if version is not None and (trouble := version.trouble(source.value)):
        # Whatever else does not fit may be right in that version.
        here = (version.field,) if isinstance(source.value, dict) and version.field in source.value else ()
        return [ValidationIssue(here, False, trouble)]
    return once_each(
        [describe(detail, source.value, model) for detail in details if not _counts_only_sound_entries(detail)]
    )


def _counts_only_sound_entries(detail: ErrorDetails) -> bool:
    """Pydantic calls a list too short whose misshapen entries it left out; those have problems of their own."""
    got = detail["input"]
    return detail["type"] == "too_short" and isinstance(got, list) and len(got) >= detail["ctx"]["min_length"]


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """By line and column, each once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line, problem.column))


def _refuse(file: Path, message: str, position: Position = (0, 0)) -> Never:
    raise InvalidFile([Problem(str(file), *position, "", message)])


def quoted(text: str) -> str:
    """A JSON string is a YAML string, too; characters that YAML does not take as they are get escaped."""
    letters = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in letters)


def scalar(text: str) -> str:
    """A path as it can be written into a YAML file: as it is where that is plain, else in quotes."""
    return text if _PLAIN.fullmatch(text) else quoted(text)
