"""The operators: kinds of mistakes that a programmer makes, each as all the changes that it means for one function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from lab.explore.mutate.sites import Change, Module, Node, kind

COMPARISONS: dict[str, tuple[tuple[str, str], ...]] = {
    "Eq": (("==", "!="),),
    "NotEq": (("!=", "=="),),
    "Lt": (("<", "<="), ("<", ">=")),
    "LtE": (("<=", "<"), ("<=", ">"), ("<=", "==")),
    "Gt": ((">", ">="), (">", "<=")),
    "GtE": ((">=", ">"), (">=", "<"), (">=", "==")),
    "In": (("in", "not in"),),
    "NotIn": (("not in", "in"),),
}
ARITHMETIC: dict[str, tuple[str, tuple[str, ...]]] = {
    "Add": ("+", ("-",)),
    "Sub": ("-", ("+",)),
    "Mult": ("*", ("//",)),
    "FloorDiv": ("//", ("*",)),
    "Mod": ("%", ("//",)),
    "LShift": ("<<", (">>",)),
    "RShift": (">>", ("<<",)),
    "BitAnd": ("&", ("|",)),
    "BitOr": ("|", ("&",)),
}
# Built-in functions whose first two arguments may change places: nobody can tell the difference.
COMMUTATIVE = frozenset(
    {"min", "max", "unsafe_add", "unsafe_mul", "uint256_addmod", "uint256_mulmod", "ecadd"}
    | {"bitwise_and", "bitwise_or", "bitwise_xor"}
)
# What a computation may call and leave all as it was.
PURE = COMMUTATIVE | {"convert", "len", "keccak256", "sha256", "empty", "abs", "extract32", "unsafe_sub", "unsafe_div"}
DOCUMENTED_STATES = ("BUFFERED", "READY", "EXECUTED", "EXPIRED")
OTHER_TEXT = '"something else"'


def comparison(module: Module, function: Node) -> Iterator[Change | None]:
    """Boundaries moved by one or alone met, comparisons turned round."""
    for node in module.inside(function, "Compare"):
        for token, other in COMPARISONS.get(kind(node.op), ()):
            yield module.between("comparison", node.left, node.right, token, other)


def arithmetic(module: Module, function: Node) -> Iterator[Change | None]:
    """The opposite operation."""
    for node in module.inside(function, "BinOp"):
        token, others = ARITHMETIC.get(kind(node.op), ("", ()))
        for other in others:
            yield module.between("arithmetic", node.left, node.right, token, other)
    for node in module.inside(function, "AugAssign"):
        token, others = ARITHMETIC.get(kind(node.op), ("", ()))
        for other in others:
            yield module.between("arithmetic", node.target, node.value, f"{token}=", f"{other}=")


def logic(module: Module, function: Node) -> Iterator[Change | None]:
    """`and` for `or`, one side of them left out, `not` forgotten."""
    for node in module.inside(function, "BoolOp"):
        word, other = ("and", "or") if kind(node.op) == "And" else ("or", "and")
        for left, right in pairwise(node.values):
            yield module.between("logic", left, right, word, other)
        for value in node.values:
            neutral = "True" if word == "and" else "False"
            yield module.replace("logic", value, neutral)
    for node in module.inside(function, "UnaryOp"):
        if kind(node.op) in ("Not", "Invert"):
            yield module.replace("logic", node, module.text(node.operand))


def condition(module: Module, function: Node) -> Iterator[Change | None]:
    """A branch that is always taken, or never."""
    for node in module.inside(function, "If"):
        yield from (module.replace("condition", node.test, word) for word in ("True", "False"))


def number(module: Module, function: Node) -> Iterator[Change | None]:
    """Off by one."""
    for node in module.inside(function, "Int"):
        yield from _off_by_one(module, node)


def _off_by_one(module: Module, node: Node) -> Iterator[Change]:
    text = module.text(node)
    if text.isdigit():
        yield from (module.replace("number", node, str(int(text) + step)) for step in (1, -1) if int(text) + step >= 0)


def truth(module: Module, function: Node) -> Iterator[Change | None]:
    """True for False."""
    for node in module.inside(function, "NameConstant"):
        text = module.text(node)
        if text in ("True", "False"):
            yield module.replace("truth", node, "False" if text == "True" else "True")


def omission(module: Module, function: Node) -> Iterator[Change | None]:
    """A statement forgotten: a check, an event, an assignment, a call, the end of a loop."""
    for node in module.inside(function, "Assert", "Log", "Assign", "AugAssign", "Expr", "Break"):
        if kind(node) == "Expr" and kind(node.value) != "Call":
            continue
        yield module.replace(f"omitted {kind(node).lower()}", node, "pass")


def result(module: Module, function: Node) -> Iterator[Change | None]:
    """The opposite of what a function that answers yes or no finds."""
    if function.returns is not None and module.text(function.returns) == "bool":
        for node in module.inside(function, "Return"):
            if kind(node.value) != "NameConstant":
                yield module.replace("result", node.value, f"not ({module.text(node.value)})")


def sender(module: Module, function: Node) -> Iterator[Change | None]:
    """The origin of the call chain taken for the caller."""
    for node in module.inside(function, "Attribute"):
        if module.text(node) == "msg.sender":
            yield module.replace("sender", node, "tx.origin")


def state(module: Module, function: Node) -> Iterator[Change | None]:
    """Another member of a flag, as states are; or another of the constants that stand for them."""
    flags = _flags(module)
    for node in module.inside(function, "Attribute"):
        owner = module.text(node.value)
        for member in flags.get(owner.split(".")[-1], ()):
            if member != node.attr:
                yield module.replace("state", node, f"{owner}.{member}")
    names = _state_constants(module)
    for node in module.inside(function, "Name"):
        for other, annotation in names.items():
            if other != node.id and names.get(node.id) == annotation:
                yield module.replace("state", node, other)


def _flags(module: Module) -> dict[str, tuple[str, ...]]:
    """The flags by their names; a flag `State` of another module has the documented members."""
    own = (node for node in module.tree.body if kind(node) == "FlagDef")
    return {
        "State": DOCUMENTED_STATES,
        **{node.name: tuple(module.text(member.value) for member in node.body) for node in own},
    }


def _state_constants(module: Module) -> dict[str, str]:
    """The constants, with their types, that a member of a record is compared with or set to."""
    constant = {
        node.target.id: module.text(node.annotation).removeprefix("constant(").removesuffix(")")
        for node in module.tree.body
        if kind(node) == "VariableDecl" and node.is_constant
    }
    met: set[str] = set()
    for function in module.functions():
        for node in module.inside(function, "Compare", "Assign"):
            left, right = (node.left, node.right) if kind(node) == "Compare" else (node.target, node.value)
            if kind(left) == "Attribute" and kind(left.value) == "Subscript" and kind(right) == "Name":
                met.add(right.id)
    return {name: annotation for name, annotation in constant.items() if name in met}


def arguments(module: Module, function: Node) -> Iterator[Change | None]:
    """Two neighbouring arguments exchanged; where their types differ the compiler refuses it."""
    for node in module.inside(function, "Call"):
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        for left, right in pairwise(values[1:] if _commutes(module, node) else values):
            (start, left_end), (right_start, end) = module.span(left), module.span(right)
            if module.text(left) != module.text(right):
                middle = module.source[left_end:right_start]
                yield Change("arguments", start, end, module.text(right) + middle + module.text(left))


def _commutes(module: Module, call: Node) -> bool:
    """Whether the first two arguments may change places: none of them calls what could do more than compute."""
    inside = [node for value in call.args[:2] for node in (value, *value.get_descendants())]
    called = [module.text(node.func) for node in inside if kind(node) == "Call"]
    return module.text(call.func) in COMMUTATIVE and PURE.issuperset(called)


def wording(module: Module, function: Node) -> Iterator[Change | None]:
    """Another text: reasons are part of the interface."""
    for node in module.inside(function, "Str"):
        yield module.replace("wording", node, OTHER_TEXT)


def field(module: Module, function: Node) -> Iterator[Change | None]:
    """The neighbouring field of a settings record; where its type differs the compiler refuses it."""
    for node in module.inside(function, "Attribute"):
        if module.text(node.value) == "settings":
            fields = _settings_fields(module)
            others = [fields[(fields.index(node.attr) + 1) % len(fields)]] if node.attr in fields else []
            yield from (module.replace("field", node, f"settings.{other}") for other in others)


def _settings_fields(module: Module) -> list[str]:
    for node in module.tree.body:
        if kind(node) == "StructDef" and node.name == "Settings":
            return [member.target.id for member in node.body]
    return []


def helper(module: Module, function: Node) -> Iterator[Change | None]:
    """Another internal function of the same shape: such as one that does not look whether the coordinator is paused."""
    shapes = {
        other.name: (len(other.args.args), other.returns is None or module.text(other.returns))
        for other in module.functions()
    }
    for node in module.inside(function, "Call"):
        if kind(node.func) != "Attribute":
            continue
        name, owner = node.func.attr, module.text(node.func.value)
        if owner != "self":
            yield from _foreign_helper(module, node, owner, name)
            continue
        for other, shape in shapes.items():
            if other.startswith("_") and other != name and other != function.name and shape == shapes.get(name):
                yield module.replace("helper", node.func, f"self.{other}")


def _foreign_helper(module: Module, node: Node, owner: str, name: str) -> Iterator[Change]:
    if name == "_require_not_paused":
        yield module.replace("helper", node.func, f"{owner}._load")


OPERATORS: tuple[Callable[[Module, Node], Iterator[Change | None]], ...] = (
    *(comparison, arithmetic, logic, condition, number, truth, omission, result, sender, state),
    *(arguments, wording, field, helper),
)


def constants(module: Module) -> Iterator[Change]:
    """Constants of the module, off by one."""
    for node in module.tree.body:
        if kind(node) == "VariableDecl" and node.is_constant:
            value = node.value
            if kind(value) == "Int":
                yield from _off_by_one(module, value)
            else:
                yield from (module.replace("number", value, f"({module.text(value)}) {sign} 1") for sign in "+-")
