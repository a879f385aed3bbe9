"""The one YAML reader: plain values in which every key and value still knows its line and column.

Accepts the part of YAML that a person needs (mappings, lists, text, numbers, true/false, null) and refuses the rest
with a position: tags, anchors, aliases, merge keys, several documents, duplicate keys, keys that are not text. Values
resolve as in YAML 1.2 (`on`, `0x10` and `010` are text), so that nothing turns into something else unseen.
What a file must contain is the business of a pydantic model: `validate` reports all of its complaints at once.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Never, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lab.errors import InvalidFile, Problem
from lab.validation import Fault, describe, problem_path

M = TypeVar("M", bound=BaseModel)
Route = tuple[str | int, ...]
Position = tuple[int, int]

MAX_DEPTH = 50
MAX_NUMBER_LENGTH = 80
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*(_[0-9]+)*)")
_FLOAT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?|[-+]?\.[0-9]+([eE][-+]?[0-9]+)?")
_BOOLEAN_LIKE = {"on", "off", "yes", "no", "true", "false"}
_TEXT_TAG = "tag:yaml.org,2002:str"
_SURROGATE = re.compile("[\ud800-\udfff]")


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
        if path.is_dir():
            _refuse(path, "expected a YAML file, got a directory")
        if path.exists() and not path.is_file():
            _refuse(path, "expected a YAML file, got a device or a pipe")
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except FileNotFoundError:
        _refuse(path, "no such file")
    except (OSError, ValueError) as error:
        _refuse(path, f"cannot be read: {getattr(error, 'strerror', None) or error}")
    if len(data) > max_bytes:
        _refuse(path, f"expected at most {max_bytes} bytes, got more: split the file")
    return parse_yaml(data, path)


def parse_yaml(data: bytes, file: Path) -> Source:
    """Read a file's content; `file` only names it in messages. Raises InvalidFile."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Undecodable bytes cannot count columns, so everything before the bad one is decoded alone.
        before = data[: error.start].decode("utf-8", errors="replace")
        _refuse(file, f"expected UTF-8 text, got the byte 0x{data[error.start]:02x}", _position_in(before))
    reader = _Reader(text, file)
    node = reader.read()
    if node is not None:
        value = reader.build(node, ())
        if value is None:
            reader.report(node.start_mark, (), "the file is empty: expected a mapping (lines of `key: value`)")
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
    found = attempt(source, model)
    if isinstance(found, model):
        return found
    assert isinstance(found, list)
    raise InvalidFile(in_order(source.problem(fault.path, fault.message, at_key=fault.at_key) for fault in found))


def attempt(source: Source, model: type[M]) -> M | list[Fault]:
    """As `validate`, for a caller that goes on after faults: it gets them as paths into the value."""
    try:
        return model.model_validate_json(json.dumps(source.value), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False)
    return [describe(detail, source.value, model) for detail in details if not _counts_only_sound_entries(detail)]


def _counts_only_sound_entries(detail: ErrorDetails) -> bool:
    """Pydantic calls a list too short whose misshapen entries it left out; those have problems of their own."""
    got = detail["input"]
    return detail["type"] == "too_short" and isinstance(got, list) and len(got) >= detail["ctx"]["min_length"]


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """By line and column, each once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line, problem.column))


class _TooDeep(Exception):
    pass


class _Reader(yaml.SafeLoader):
    """PyYAML's safe composer, which notes what this project refuses and goes on, so that one pass finds it all."""

    def __init__(self, text: str, file: Path) -> None:
        self.problems: list[Problem] = []
        self.values: dict[Route, Position] = {}
        self.keys: dict[Route, Position] = {}
        self._file = str(file)
        self._text = text
        self._nesting = 0
        self._unreadable: yaml.reader.ReaderError | None = None
        try:
            super().__init__(text)
        except yaml.reader.ReaderError as error:
            self._unreadable = error

    def report(self, mark: Any, path: Route, message: str) -> None:
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        self.problems.append(Problem(self._file, line, column, problem_path(path), message))

    def read(self) -> yaml.Node | None:
        """The root node, or None for an empty file or one whose syntax is broken (then a problem says where)."""
        try:
            if self._unreadable is not None:
                raise self._unreadable
            node: yaml.Node | None = self.get_single_node()
            return node
        except _TooDeep:
            return None
        except yaml.reader.ReaderError as error:
            line, column = _position_in(self._text[: error.position])
            character = error.character if isinstance(error.character, int) else ord(error.character[:1] or "\0")
            message = f"the character U+{character:04X} is not allowed in YAML: remove it"
            self.problems.append(Problem(self._file, line, column, "", message))
        except yaml.MarkedYAMLError as error:
            what = " ".join(part for part in (error.context, error.problem) if part)
            self.report(error.problem_mark or error.context_mark, (), f"not valid YAML: {what}")
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # PyYAML lets a plain ValueError through for escapes such as "\UFFFFFFFF".
            self.report(self.get_mark(), (), f"not valid YAML: {error}")
        return None

    def get_single_node(self) -> yaml.Node | None:
        self.get_event()  # type: ignore[no-untyped-call]  # the types of PyYAML leave its parser out
        node = None if self.check_event(yaml.StreamEndEvent) else self.compose_document()
        if not self.check_event(yaml.StreamEndEvent):
            event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
            self.report(event.start_mark, (), "expected one document, got a second: remove the `---` or split the file")
        return node

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            self.get_event()  # type: ignore[no-untyped-call]
            self.report(event.start_mark, (), f"aliases are not supported: write out what *{event.anchor} stands for")
            mark: Any = event.start_mark
            return yaml.ScalarNode(_TEXT_TAG, f"*{event.anchor}", mark, mark, style="'")
        if event.anchor is not None:
            self.report(event.start_mark, (), f"anchors are not supported: remove &{event.anchor}")
            event.anchor = None
        if event.tag is not None:
            name = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.report(event.start_mark, (), f"tags are not supported: remove {name} (quotes make a text)")
            event.tag = None
            event.implicit = (True, False) if isinstance(event, yaml.ScalarEvent) else True
        self._nesting += 1
        if self._nesting > MAX_DEPTH:
            self.report(event.start_mark, (), f"nested more than {MAX_DEPTH} levels deep: flatten the file")
            raise _TooDeep
        node = super().compose_node(parent, index)
        self._nesting -= 1
        if node is None:
            raise yaml.YAMLError("expected a value")
        return node

    def build(self, node: yaml.Node, path: Route) -> Any:
        """The plain value of a node; notes positions on the way."""
        self.values[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, index)) for index, child in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if _SURROGATE.search(node.value):
            self.report(node.start_mark, path, "the text holds half a surrogate pair, which is no character: remove it")
        return node.value if getattr(node, "style", None) else _plain(node.value)

    def _mapping(self, node: yaml.MappingNode, path: Route) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            below = (*path, key)
            if key in result:
                line = self.keys[below][0]
                self.report(key_node.start_mark, below, f"the key '{key}' is already used in line {line}: remove one")
                continue
            self.keys[below] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            result[key] = self.build(value_node, below)
        return result

    def _key(self, node: yaml.Node, path: Route) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self.report(node.start_mark, path, "expected a text as key, got a list or a mapping")
            return None
        text: str = node.value
        if _SURROGATE.search(text):
            self.report(node.start_mark, path, "the key holds half a surrogate pair, which is no character: remove it")
            return None
        if node.style:
            return text
        if text == "<<":
            self.report(node.start_mark, path, "merge keys are not supported: write the keys out")
        elif text.lower() in _BOOLEAN_LIKE:
            message = f"the key {text} is a boolean to many YAML readers (YAML 1.1): quote it or rename it"
            self.report(node.start_mark, path, message)
        elif not isinstance(_plain(text), str):
            message = f"expected a text as key, got {text or 'nothing'}: quote it if it is meant as a name"
            self.report(node.start_mark, path, message)
        else:
            return text
        return None


def _plain(text: str) -> Any:
    """An unquoted scalar, by the rules of YAML 1.2's core schema without octal, hexadecimal, infinity and NaN."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if len(text) > MAX_NUMBER_LENGTH:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not re.fullmatch(r"[-+]?0[0-9]+", text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def _position_in(before: str) -> Position:
    lines = re.split(r"\r\n|[\n\r\x85\u2028\u2029]", before)
    return len(lines), len(lines[-1]) + 1


def _refuse(file: Path, message: str, position: Position = (0, 0)) -> Never:
    raise InvalidFile([Problem(str(file), *position, "", message)])
