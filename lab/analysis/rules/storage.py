"""Rules about what is stored."""

from __future__ import annotations

from collections.abc import Iterator

from lab.analysis.finding import Finding, Severity, at
from lab.analysis.flow import Walker
from lab.analysis.program import Module, Program
from lab.analysis.rules.access import CONSTRUCTORS
from lab.analysis.syntax import Node, decorators

# So many rounds of the cheapest cold read (2,100 gas, EIP-2929) take an eighth of a block of 30 million gas.
LONG = 1_800


def storage_loop(program: Program) -> Iterator[Finding]:
    """Whoever makes the list longer makes the loop dearer, until it fits in no block."""
    for module in program.all_modules():
        for function in module.functions.values():
            for loop in (node for node in function.walk() if node.kind == "For"):
                iterated = loop.get("iter")
                stored = _stored(iterated, module) if iterated is not None else ""
                if stored and _bound(iterated, module, stored) > LONG:
                    text = f"this loop is as long as {stored}, up to more than {LONG:,} rounds"
                    yield at(loop, "storage-loop", Severity.MEDIUM, text)


def _stored(iterated: Node, module: Module) -> str:
    """The storage variable that decides how often a loop runs."""
    for node in iterated.walk():
        base = node.get("value")
        of_self = node.kind == "Attribute" and base is not None and base.text("id") == "self"
        if of_self and node.text("attr") in module.storage:
            return node.text("attr")
    return ""


def _bound(iterated: Node | None, module: Module, stored: str) -> int:
    """The most rounds that the source allows: `bound=` of a range, or the length in the variable's type."""
    given = iterated.keyword("bound") if iterated is not None else None
    if given is not None:
        return _number(given, module)
    lengths = [node for node in module.storage[stored].walk() if node.kind == "Subscript"]
    sizes = [size for node in lengths for size in node.list("slice")]
    numbers = [part for size in sizes for part in (size.list("elements") or [size])]
    return max((_number(part, module) for part in numbers if part.kind in ("Int", "Index", "Name")), default=0)


def _number(node: Node, module: Module) -> int:
    """A literal, or a constant of the module; what cannot be known counts as long."""
    inner = node.get("value") if node.kind == "Index" else node
    if inner is not None and inner.kind == "Name":
        for declaration in module.tree.list("body"):
            target = declaration.get("target")
            if target is not None and target.text("id") == inner.text("id") and (value := declaration.get("value")):
                return _number(value, module)
        return 0 if inner.text("id") in ("address", "uint256", "bytes32") else LONG + 1
    value = inner.raw.get("value") if inner is not None else None
    return value if isinstance(value, int) else LONG + 1


def write_without_event(program: Program) -> Iterator[Finding]:
    """Nobody outside learns of the change."""
    for function in program.entry_points():
        if function.name in CONSTRUCTORS or "deploy" in decorators(function.node):
            continue
        walk = Walker(program).walk(function)
        if walk.writes and not walk.events:
            text = f"{function.name} writes {walk.writes[0].variable} and emits no event"
            yield at(function.node, "write-without-event", Severity.MEDIUM, text)


def shadowed_storage(program: Program) -> Iterator[Finding]:
    """`x` and `self.x` are two things; who forgets `self.` changes nothing, and nothing says so."""
    for module in program.all_modules():
        for function in module.functions.values():
            arguments = function.get("args")
            locals_ = [] if arguments is None else [(node, node.text("arg")) for node in arguments.list("args")]
            for node in function.walk():
                target = node.get("target") if node.kind == "AnnAssign" else None
                if target is not None and target.kind == "Name":
                    locals_.append((target, target.text("id")))
            for node, name in locals_:
                if name in module.storage and function.list("body"):
                    text = f"{name} in {function.text('name')} has the name of a storage variable"
                    yield at(node, "shadowed-storage", Severity.MEDIUM, text)
