"""Rules about who may do what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lab.analysis.finding import Finding, Severity, at
from lab.analysis.flow import Walker
from lab.analysis.program import Program
from lab.analysis.syntax import decorators

CONSTRUCTORS = {"__init__", "__default__"}


def unguarded_write(program: Program) -> Iterator[Finding]:
    """Anybody can change what is stored. What is kept under the sender's own key is the sender's to change."""
    for function in program.entry_points():
        if function.name in CONSTRUCTORS or set(decorators(function.node)) & {"view", "pure", "deploy"}:
            continue
        writes = Walker(program).walk(function).writes
        first = next((write for write in writes if not write.before.guarded and not write.by_sender), None)
        if first is not None:
            text = (
                f"{function.name} writes {first.variable} in line {first.node.line} and never checks msg.sender before"
            )
            yield replace(at(function.node, "unguarded-write", Severity.HIGH, text), function=function.name)


def tx_origin(program: Program) -> Iterator[Finding]:
    """A contract between the account and this one acts in the account's name."""
    for module in program.all_modules():
        for node in module.tree.walk():
            if node.is_attribute("tx", "origin"):
                yield at(node, "tx-origin", Severity.HIGH, "tx.origin names whoever signed, not who calls")
