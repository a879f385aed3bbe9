"""Reads the YAML that this project takes into plain values, and notes what it refuses, each with its place.

Belongs to `lab.yamlsource`. A sound file is read on libyaml's parser; where that finds anything wrong, PyYAML's own one
reads it again, for it says more clearly what.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from lab.errors import Problem
from lab.validation import problem_path

Route = tuple[str | int, ...]
Position = tuple[int, int]

MAX_DEPTH = 50
MAX_NUMBER_LENGTH = 80
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*(_[0-9]+)*)")
_FLOAT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?|[-+]?\.[0-9]+([eE][-+]?[0-9]+)?")
_BOOLEAN_LIKE = {"on", "off", "yes", "no", "true", "false"}
_TEXT_TAG = "tag:yaml.org,2002:str"
# What no file name, no environment and no UTF-8 text can hold, though an escape in quotes can spell it.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")

if TYPE_CHECKING:
    _Composer = yaml.SafeLoader
else:
    _Composer = Composer


class _TooDeep(Exception):
    pass


class Reader(_Composer):
    """PyYAML's composer, which notes what this project refuses and goes on, so that one pass finds it all."""

    def __init__(self, text: str, file: Path) -> None:
        self.problems: list[Problem] = []
        self.values: dict[Route, Position] = {}
        self.keys: dict[Route, Position] = {}
        self._file = str(file)
        self._text = text
        self._nesting = 0
        self._unreadable: yaml.reader.ReaderError | None = None
        try:
            self._begin(text)
        except yaml.reader.ReaderError as error:
            self._unreadable = error

    def _begin(self, text: str) -> None:
        raise NotImplementedError

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
            line, column = position_in(self._text[: error.position])
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
        if wrong := _NO_TEXT.search(node.value):
            self.report(node.start_mark, path, f"the text holds {_named(wrong[0])}: remove it")
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
        if wrong := _NO_TEXT.search(text):
            self.report(node.start_mark, path, f"the key holds {_named(wrong[0])}: remove it")
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


class _Thorough(Reader, yaml.SafeLoader):
    """On PyYAML's own parser."""

    def _begin(self, text: str) -> None:
        yaml.SafeLoader.__init__(self, text)


try:
    from yaml._yaml import CParser
except ImportError:  # a PyYAML without libyaml
    READERS: tuple[type[Reader], ...] = (_Thorough,)
else:

    class _Fast(Reader, CParser, SafeConstructor, Resolver):  # it has no types
        """On libyaml's parser: ten times as fast, and the same for a sound file."""

        def _begin(self, text: str) -> None:
            CParser.__init__(self, text)
            Composer.__init__(self)
            SafeConstructor.__init__(self)
            Resolver.__init__(self)

    READERS = (_Fast, _Thorough)


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


def _named(character: str) -> str:
    return "the character U+0000" if character == "\0" else "half a surrogate pair, which is no character"


def position_in(before: str) -> Position:
    """Line and column, from 1, behind a text."""
    lines = re.split(r"\r\n|[\n\r\x85\u2028\u2029]", before)
    return len(lines), len(lines[-1]) + 1
