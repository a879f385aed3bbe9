"""Mistakes about what is read: of another key, of another time, of a part of a key; and updates lost on one path.

Some change several places at once: a mapping whose keys are cut is cut wherever it is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lab.explore.mutate.sites import Change, Module, Node, kind
from lab.explore.mutate.storage import WORD, keyed, mappings, scope, structs, type_of, variables

# What a careless conversion leaves of a key of 32 bytes, and of an address.
CUTS = {
    "bytes32": (
        "convert(convert({}, uint256) % 2**128, bytes32)",
        "convert(convert({}, uint256) // 256 * 256, bytes32)",
    ),
    "address": (
        "convert(convert({}, uint160) % 2**80, address)",
        "convert(convert({}, uint160) // 256 * 256, address)",
    ),
}
# Id, origin, target, dependency and timestamp.
BUFFERED_MIN = 5
# One id in sixteen takes another path.
RARE = "convert({}, uint256) % 16 != 0"


def other_key(module: Module, function: Node) -> Iterator[Change | None]:
    """Another value of the same type: as the key of a mapping, and as an argument."""
    names = scope(module, function)
    keys = [node.slice for node in module.inside(function, "Subscript")]
    for call in module.inside(function, "Call"):
        keys += [*call.args, *(keyword.value for keyword in call.keywords)]
    for node in keys:
        text = module.text(node)
        for other, annotation in names.items():
            if other != text and names.get(text) == annotation and annotation in CUTS:
                yield module.replace("other key", node, other)


def parent_key(module: Module, function: Node) -> Iterator[Change | None]:
    """What is stored under a key taken for the key: a step too far along a chain of dependencies."""
    stored = mappings(module)
    by_id = {name for name, of in stored.items() if of.keys[0] == WORD and not of.of_roles}
    values = {name: stored[name].value for name in stored if stored[name].keys == (WORD,)}
    links = [f"self.{name}[{{}}]" for name, value in values.items() if value == WORD]
    for name, value in values.items():
        fields = structs(module).get(value, {})
        links += [f"self.{name}[{{}}].{field}" for field, annotation in fields.items() if annotation == WORD]
    for node in module.inside(function, "Subscript"):
        if module.text(node.value).removeprefix("self.") in by_id:
            key = module.text(node.slice)
            yield from (module.replace("parent key", node.slice, link.format(key)) for link in links)


def frozen(module: Module, function: Node) -> Iterator[Change | None]:
    """A setting as it was when the transaction was buffered, in place of now."""
    first, writer, key = next(variables(module), None), _writer(module), module.ids.get(function.name)
    if first is None or writer is None or function is writer or key is None:
        return
    for node in module.inside(function, "Attribute", "Call"):
        annotation = _setting(module, function, writer, node)
        if annotation is not None:
            text, end = module.text(node), module.span(writer.body[-1])[1]
            declared = (module.span(first)[0],) * 2 + (f"_frozen: HashMap[bytes32, {annotation}]\n",)
            stored = (end, end, f"\n    self._frozen[{module.ids[writer.name]}] = {text}")
            start, stop = module.span(node)
            yield Change("frozen", start, stop, f"self._frozen[{key}]", (declared, stored))


def _writer(module: Module) -> Node | None:
    """The function that buffers: of those with an id the one that is told the most."""
    writers = [
        node
        for node in module.functions()
        if node.name in module.ids and "external" in _decorators(module, node) and len(node.args.args) >= BUFFERED_MIN
    ]
    return max(writers, key=lambda node: len(node.args.args), default=None)


def _decorators(module: Module, function: Node) -> set[str]:
    return {module.text(node) for node in function.decorator_list}


def _setting(module: Module, function: Node, writer: Node, node: Node) -> str | None:
    """The type of a number that is a setting, and that the buffering function can read by the same words."""
    if kind(node) == "Call":
        called = {other.name: other for other in module.functions()}.get(module.text(node.func).removeprefix("self."))
        if called is None or node.args or called.returns is None or not {"view", "pure"} & _decorators(module, called):
            return None
        return _number(module.text(called.returns))
    base = module.text(node.value)
    if base == "self":
        return _number(type_of(module, node.attr))
    here, there = scope(module, function), scope(module, writer)
    record = type_of(module, base.removeprefix("self.")) if base.startswith("self.") else here.get(base, "")
    if not base.startswith("self.") and there.get(base) != record:
        return None
    if record in structs(module):
        kept = {stored.value for stored in mappings(module).values()}
        return None if record in kept else _number(structs(module)[record].get(node.attr, ""))
    # A struct of another module: whatever is no number the compiler refuses.
    return "uint256" if record and "." in record else None


def _number(annotation: str) -> str | None:
    return annotation if re.fullmatch(r"uint\d+", annotation) else None


def rare(module: Module, function: Node) -> Iterator[Change | None]:
    """An update or an event left out for one id in sixteen."""
    key = module.ids.get(function.name)
    if key is None:
        return
    for node in module.inside(function, "Assign", "AugAssign", "Log", "Expr"):
        stored = kind(node) in ("Log", "Expr") or module.text(node.target).startswith("self.")
        if stored and (kind(node) != "Expr" or kind(node.value) == "Call"):
            yield module.replace("rarely lost", node, f"if {RARE.format(key)}: {module.text(node)}")


def truncated(module: Module) -> Iterator[Change]:
    """A part of the keys of a mapping, wherever it is used."""
    for name, stored in mappings(module).items():
        for depth, key in enumerate(stored.keys):
            slices = [
                node.slice
                for function in module.functions()
                for node in module.inside(function, "Subscript")
                if keyed(module, node) == (f"self.{name}", depth)
            ]
            # The few names of roles have nothing in common, whatever part of them is left.
            cuts = CUTS.get(key, ()) if slices and not (stored.of_roles and depth == 0) else ()
            for cut in cuts:
                first, *others = [(*module.span(node), cut.format(module.text(node))) for node in slices]
                yield Change("truncated key", *first, tuple(others))


OPERATORS = (other_key, parent_key, frozen, rare)
