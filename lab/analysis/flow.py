"""One walk through a function, own calls included: what has happened before each write, call and event.

The walk follows every branch and joins them again; a branch that ends in a return or a revert joins nothing. Loops are
walked twice, since what a round does comes before the next one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lab.analysis.program import Function, Program
from lab.analysis.syntax import Node, decorators, root

CREATES = {"create_minimal_proxy_to", "create_copy_of", "create_from_blueprint", "create_forwarder_to", "raw_create"}
ARRAY_CHANGES = {"append", "pop"}
TERMINATORS = {"Return", "Raise", "Break", "Continue"}


@dataclass(frozen=True, slots=True)
class State:
    """What is certain at a point: the sender was looked at. What may be: the first call to another contract."""

    guarded: bool = False
    call: Node | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """A change of storage, and the state before it."""

    node: Node
    variable: str
    by_sender: bool
    before: State


@dataclass(slots=True)
class Walk:
    """What a walk met, in order."""

    writes: list[Write] = field(default_factory=list)
    events: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Frame:
    """The function under way, and its names that hold the sender or what was derived from it."""

    function: Function
    senders: set[str]


class Walker:
    """Walks one entry point of a program."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._walk = Walk()

    def walk(self, function: Function) -> Walk:
        """From the function's first statement to its ends."""
        self._walk = Walk()
        self._body(function.node.list("body"), Frame(function, set()), State(), [])
        return self._walk

    def _body(self, statements: list[Node], frame: Frame, state: State, returned: list[State]) -> State | None:
        """The state behind the last statement, None where no path leads there."""
        for statement in statements:
            after = self._statement(statement, frame, state, returned)
            if after is None:
                return None
            state = after
        return state

    def _statement(self, node: Node, frame: Frame, state: State, returned: list[State]) -> State | None:
        if node.kind == "If":
            return self._branch(node, frame, state, returned)
        if node.kind == "For":
            return self._loop(node, frame, state, returned)
        for part in _evaluated(node):
            state = self._expression(part, frame, state)
        if node.kind == "Assert":
            test = node.get("test")
            return replace(state, guarded=state.guarded or (test is not None and self._of_sender(test, frame)))
        if node.kind in ("Assign", "AugAssign", "AnnAssign"):
            self._assign(node, frame, state)
        if node.kind == "Log":
            self._walk.events.append(node)
        if node.kind == "Return":
            returned.append(state)
        return None if node.kind in TERMINATORS else state

    def _branch(self, node: Node, frame: Frame, state: State, returned: list[State]) -> State | None:
        test = node.get("test")
        if test is not None:
            state = self._expression(test, frame, state)
            if self._of_sender(test, frame):
                state = replace(state, guarded=True)
        ends = [self._body(node.list(part), frame, state, returned) for part in ("body", "orelse")]
        return _joined([end for end in ends if end is not None])

    def _loop(self, node: Node, frame: Frame, state: State, returned: list[State]) -> State:
        iterated = node.get("iter")
        if iterated is not None:
            state = self._expression(iterated, frame, state)
        before = state
        for _ in range(2):
            state = _joined([before, self._body(node.list("body"), frame, state, returned) or state]) or state
        return state

    def _expression(self, node: Node, frame: Frame, state: State) -> State:
        for child in node.children():
            state = self._expression(child, frame, state)
        if node.kind != "Call":
            return state
        callee = node.get("func")
        own = self._program.called(frame.function.module, callee) if callee else None
        if own is not None:
            return self._own_call(node, own, frame, state)
        if _changes_array(node):
            self._write(callee, frame, state)
        if leaves_contract(node, frame.function.module.tree):
            return replace(state, call=state.call or node)
        return state

    def _own_call(self, node: Node, own: Function, frame: Frame, state: State) -> State:
        given = zip(own.parameters, node.list("args"), strict=False)
        senders = {name for name, value in given if self._of_sender(value, frame)}
        returned: list[State] = []
        end = self._body(own.node.list("body"), Frame(own, senders), state, returned)
        return _joined([*returned, *([end] if end else [])]) or state

    def _assign(self, node: Node, frame: Frame, state: State) -> None:
        value = node.get("value")
        target = node.get("target")
        for part in [] if target is None else (target.list("elements") or [target]):
            if part.kind == "Name":
                if value is not None and self._of_sender(value, frame):
                    frame.senders.add(part.text("id"))
            else:
                self._write(part, frame, state)

    def _write(self, target: Node | None, frame: Frame, state: State) -> None:
        base, variable, keys = root(target) if target is not None else ("", "", [])
        module = frame.function.module
        owner = module if base == "self" else self._program.modules.get(module.imports.get(base, ""))
        variable = _stored_name(target, owner.storage) if owner and target else variable
        if owner is not None and variable in owner.storage and target is not None:
            by_sender = any(self._of_sender(key, frame) for key in keys)
            self._walk.writes.append(Write(target, variable, by_sender, state))

    def _of_sender(self, node: Node, frame: Frame) -> bool:
        """Whether a value depends on who calls: directly, by a local name, or by an own function that looks."""
        return any(self._names_sender(part, frame) for part in node.walk())

    def _names_sender(self, node: Node, frame: Frame) -> bool:
        if node.is_attribute("msg", "sender") or (node.kind == "Name" and node.text("id") in frame.senders):
            return True
        callee = node.get("func") if node.kind == "Call" else None
        own = self._program.called(frame.function.module, callee) if callee else None
        return own is not None and any(self._names_sender(part, Frame(own, set())) for part in own.node.walk())


def leaves_contract(call: Node, module: Node) -> bool:
    """Whether a call hands control to other code that may change state, static calls and views left out."""
    callee = call.get("func")
    if callee is None:
        return False
    if callee.kind == "Name":
        static = call.keyword("is_static_call")
        quiet = static is not None and static.raw.get("value") is True
        return callee.text("id") in CREATES | {"send"} or (callee.text("id") == "raw_call" and not quiet)
    if _is_marked(call, module, "ExtCall"):
        return True
    return _is_old_style(callee) and not _is_marked(call, module, "StaticCall") and not _is_view(callee, module)


def _is_marked(call: Node, module: Node, mark: str) -> bool:
    """Newer releases write `extcall` or `staticcall` in front."""
    return any(node.kind == mark and (inner := node.get("value")) and inner.raw is call.raw for node in module.walk())


def _is_old_style(callee: Node) -> bool:
    """Before 0.4 a call of another contract looks like any call of an attribute."""
    base = callee.get("value")
    if callee.kind != "Attribute" or base is None or callee.text("attr") in ARRAY_CHANGES:
        return False
    return base.kind in ("Call", "Attribute", "Subscript")


def _is_view(callee: Node, module: Node) -> bool:
    """By the interface that the same file declares."""
    name = callee.text("attr")
    for interface in module.list("body"):
        for function in interface.list("body") if interface.kind == "InterfaceDef" else []:
            if function.text("name") == name:
                mutability = {node.text("id") for node in function.walk() if node.kind == "Name"}
                return bool(mutability & {"view", "pure"}) or bool(set(decorators(function)) & {"view", "pure"})
    return False


def _changes_array(call: Node) -> bool:
    callee = call.get("func")
    return callee is not None and callee.kind == "Attribute" and callee.text("attr") in ARRAY_CHANGES


def _stored_name(target: Node, storage: dict[str, Node]) -> str:
    """The attribute next to `self` or the module: that of the outermost chain which is in storage."""
    names = [node.text("attr") for node in target.walk() if node.kind == "Attribute"]
    return next((name for name in names if name in storage), "")


def _evaluated(node: Node) -> Iterator[Node]:
    """What a statement evaluates, the value before the target."""
    for name in ("test", "value", "msg", "exc", "target"):
        part = node.get(name)
        if part is not None:
            yield part


def _joined(states: list[State]) -> State | None:
    """What is certain on every path; what may be on one."""
    if not states:
        return None
    call = next((state.call for state in states if state.call is not None), None)
    return State(all(state.guarded for state in states), call)
