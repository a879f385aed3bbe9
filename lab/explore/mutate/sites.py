"""Where a Vyper source can be changed: every operator walks the compiler's own syntax tree and names a replacement.

A replacement is a span of the source's text and what stands there instead, so that a mutant is a readable source with
a diff. Whether it compiles, and to other bytecode, is for the compiler to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

# The compiler ships no type information: nodes are untyped, and distinguished by the names of their classes.
Node = Any


@dataclass(frozen=True, slots=True)
class Change:
    """Text from `start` to `end` (offsets) replaced by `text`; `operator` says what kind of mistake it imitates.

    `more` are further places (start, end, text) that change with it.
    """

    operator: str
    start: int
    end: int
    text: str
    more: tuple[tuple[int, int, str], ...] = ()

    def applied(self, source: str) -> str:
        """The source with all of it changed."""
        for start, end, text in sorted([(self.start, self.end, self.text), *self.more], reverse=True):
            source = source[:start] + text + source[end:]
        return source


@dataclass(frozen=True, slots=True)
class Module:
    """One source with its syntax tree. `ids`: of functions that have it, the parameter that is a transaction's id."""

    source: str
    tree: Node
    ids: Mapping[str, str] = field(default_factory=dict)

    def span(self, node: Node) -> tuple[int, int]:
        """Where a node stands in the text."""
        start, length, _ = node.src.split(":")
        return int(start), int(start) + int(length)

    def text(self, node: Node) -> str:
        start, end = self.span(node)
        return self.source[start:end]

    def replace(self, operator: str, node: Node, text: str) -> Change:
        start, end = self.span(node)
        return Change(operator, start, end, text)

    def between(self, operator: str, left: Node, right: Node, token: str, text: str) -> Change | None:
        """A change of the token that stands between two nodes; None where it is not alone there."""
        start, end = self.span(left)[1], self.span(right)[0]
        gap = self.source[start:end]
        if gap.strip(" ()\n\\") != token:
            return None
        begin = start + gap.index(token)
        return Change(operator, begin, begin + len(token), text)

    def functions(self) -> Iterator[Node]:
        """Every function, in the order of the source."""
        yield from (node for node in self.tree.body if kind(node) == "FunctionDef")

    def inside(self, function: Node, *kinds: str) -> Iterator[Node]:
        """Nodes of some kinds in a function's statements; its signature and documentation are left out."""
        for statement in function.body:
            yield from (node for node in [statement, *statement.get_descendants()] if kind(node) in kinds)


def kind(node: Node) -> str:
    """A node's class."""
    return type(node).__name__


def parse(source: str) -> Module:
    """Raises what the compiler raises for a source that it cannot read."""
    from vyper.ast import parse_to_ast  # type: ignore[import-untyped]  # slow to import, and only needed here

    return Module(source, parse_to_ast(source))
