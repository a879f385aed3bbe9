"""Rules about calls of other contracts."""

from __future__ import annotations

from collections.abc import Iterator

from lab.analysis.finding import Finding, Severity, at
from lab.analysis.flow import Walker
from lab.analysis.program import Program
from lab.analysis.syntax import Node


def state_after_call(program: Program) -> Iterator[Finding]:
    """A callee that calls back finds the state of before; a lock keeps it from entering the functions that have one."""
    for function in program.entry_points():
        late = [write for write in Walker(program).walk(function).writes if write.before.call is not None]
        for write in {(write_site.node.file, write_site.node.line): write_site for write_site in late}.values():
            call = write.before.call
            severity = Severity.LOW if function.locked else Severity.HIGH
            lock = "; the lock leaves other functions and views open" if function.locked else ""
            text = f"{function.name} writes {write.variable} after the call in line {call.line if call else 0}{lock}"
            yield at(write.node, "state-after-call", severity, text)


def unchecked_raw_call(program: Program) -> Iterator[Finding]:
    """`revert_on_failure=False` gives success as a value, and nobody reads it."""
    for module in program.all_modules():
        for function in module.functions.values():
            for node in function.walk():
                if node.kind == "Expr" and (call := node.get("value")) and _may_fail(call):
                    yield at(call, "unchecked-raw-call", Severity.HIGH, "the success of this raw_call is thrown away")
                elif node.kind in ("Assign", "AnnAssign") and (call := node.get("value")) and _may_fail(call):
                    yield from _unread(function, node, call)


def _may_fail(call: Node) -> bool:
    callee = call.get("func")
    reverts = call.keyword("revert_on_failure")
    return (
        call.kind == "Call"
        and callee is not None
        and callee.text("id") == "raw_call"
        and reverts is not None
        and reverts.raw.get("value") is False
    )


def _unread(function: Node, assignment: Node, call: Node) -> Iterator[Finding]:
    assigned = assignment.get("target")
    first = None if assigned is None else (assigned.list("elements") or [assigned])[0]
    if first is None or first.kind != "Name":
        return  # kept in storage, where anybody may read it
    reads = [node for node in function.walk() if node.kind == "Name" and node.text("id") == first.text("id")]
    written = {id(part.raw) for node in function.walk() if (target := node.get("target")) for part in target.walk()}
    if not any(id(node.raw) not in written for node in reads):
        text = f"the success of this raw_call, {first.text('id')}, is never read"
        yield at(call, "unchecked-raw-call", Severity.HIGH, text)
