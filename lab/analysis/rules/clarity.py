"""Rules about what a reader, a caller or a block producer makes of it."""

from __future__ import annotations

from collections.abc import Iterator

from lab.analysis.finding import Finding, Severity, at
from lab.analysis.flow import TERMINATORS
from lab.analysis.program import Program
from lab.analysis.syntax import Node


def timestamp_equality(program: Program) -> Iterator[Finding]:
    """No block needs to come at that second, and who makes the blocks chooses."""
    for node in _everywhere(program):
        operator = node.get("op")
        if node.kind == "Compare" and operator is not None and operator.kind in ("Eq", "NotEq"):
            sides = [side for name in ("left", "right") if (side := node.get(name))]
            if any(side.is_attribute("block", "timestamp") for side in sides):
                text = "block.timestamp is compared for equality; use < or >="
                yield at(node, "timestamp-equality", Severity.MEDIUM, text)


def assert_without_reason(program: Program) -> Iterator[Finding]:
    """The caller learns that it failed, and not why."""
    for node in _everywhere(program):
        if (node.kind == "Assert" and node.raw.get("msg") is None) or (
            node.kind == "Raise" and node.raw.get("exc") is None
        ):
            yield at(node, "assert-without-reason", Severity.LOW, "this reverts without a reason")


def unreachable_code(program: Program) -> Iterator[Finding]:
    """What stands behind a return or a raise never runs; nor does a branch whose condition is written out."""
    for node in _everywhere(program):
        for part in ("body", "orelse"):
            statements = node.list(part)
            ends = [place for place, statement in enumerate(statements) if _ends(statement)]
            if ends and ends[0] + 1 < len(statements):
                text = f"no path leads behind line {statements[ends[0]].line}"
                yield at(statements[ends[0] + 1], "unreachable-code", Severity.MEDIUM, text)
        test = node.get("test") if node.kind == "If" else None
        if test is not None and test.kind == "NameConstant":
            yield at(test, "unreachable-code", Severity.MEDIUM, "this condition is always the same")


def _ends(statement: Node) -> bool:
    """Whether nothing comes after a statement."""
    if statement.kind == "Assert":
        test = statement.get("test")
        return test is not None and test.kind == "NameConstant" and test.raw.get("value") is False
    if statement.kind == "If":
        branches = (statement.list("body"), statement.list("orelse"))
        return all(branch and any(_ends(inner) for inner in branch) for branch in branches)
    return statement.kind in TERMINATORS


def _everywhere(program: Program) -> Iterator[Node]:
    for module in program.all_modules():
        for function in module.functions.values():
            yield from function.walk()
