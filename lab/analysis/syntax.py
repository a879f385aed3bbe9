"""The compiler's syntax tree, as every release from 0.3 on prints it: nested mappings that carry `ast_type`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One node: `kind` is the compiler's own name of it, line and column count from 1."""

    raw: dict[str, Any]
    file: Path

    @property
    def kind(self) -> str:
        return str(self.raw["ast_type"])

    @property
    def line(self) -> int:
        return int(self.raw.get("lineno") or 1)

    @property
    def column(self) -> int:
        return int(self.raw.get("col_offset") or 0) + 1

    def text(self, field: str) -> str:
        """A field that is a word, and nothing where it is none."""
        value = self.raw.get(field)
        return value if isinstance(value, str) else ""

    def get(self, field: str) -> Node | None:
        """The node in a field, if there is one."""
        value = self.raw.get(field)
        return Node(value, self.file) if isinstance(value, dict) and "ast_type" in value else None

    def list(self, field: str) -> list[Node]:
        """The nodes in a field."""
        value = self.raw.get(field)
        parts = value if isinstance(value, list) else [value]
        return [Node(part, self.file) for part in parts if isinstance(part, dict) and "ast_type" in part]

    def children(self) -> Iterator[Node]:
        """The nodes directly below, whatever the field."""
        for field in self.raw:
            if field != "type":
                yield from self.list(field)

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for child in self.children():
            yield from child.walk()

    def is_attribute(self, base: str, name: str) -> bool:
        """Whether this reads `base.name`."""
        value = self.get("value")
        return self.kind == "Attribute" and self.text("attr") == name and value is not None and value.text("id") == base

    def keyword(self, name: str) -> Node | None:
        """The value that a call gives to a keyword."""
        return next((word.get("value") for word in self.list("keywords") if word.text("arg") == name), None)


def decorators(function: Node) -> dict[str, Node]:
    """Decorators by name: those with arguments, too."""
    named: dict[str, Node] = {}
    for decorator in function.list("decorator_list"):
        callee = decorator.get("func") or decorator
        named[callee.text("id")] = decorator
    return named


def root(expression: Node) -> tuple[str, str, list[Node]]:
    """Where a chain of subscripts and attributes begins: `self` or a module, the variable, and the keys on the way.

    `self.book[a].state` is ("self", "book", [a]); a chain that begins elsewhere gives its first name and "".
    """
    keys: list[Node] = []
    name = ""
    node: Node | None = expression
    while node is not None:
        if node.kind == "Subscript":
            keys += node.list("slice")
        elif node.kind == "Attribute":
            name = node.text("attr")
        else:
            return node.text("id"), name, keys
        node = node.get("value")
    return "", name, keys
