"""Mistakes about what is read: of another key, of another time, of a part of a key; and updates lost on one path.

Some change several places at once: a mapping whose keys are cut is cut wherever it is used.
"""

from __future__ import annotations

from collections.abc import Iterator

from lab.explore.mutate.sites import Change, Module, Node, kind

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
ID = "tx_id"
# One id in sixteen takes another path.
RARE = f"convert({ID}, uint256) % 16 != 0"


def scope(module: Module, function: Node) -> dict[str, str]:
    """Names of parameters and annotated locals with their types."""
    names = {argument.arg: module.text(argument.annotation) for argument in function.args.args}
    for node in module.inside(function, "AnnAssign"):
        names[module.text(node.target)] = module.text(node.annotation)
    return names


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
    by_id = {name: value for name, (key, value) in mappings(module).items() if key == "bytes32"}
    structs = {node.name: node for node in module.tree.body if kind(node) == "StructDef"}
    links = [f"self.{name}[{{}}]" for name, value in by_id.items() if value == "bytes32"]
    for name, value in by_id.items():
        fields = structs[value].body if value in structs else ()
        links += [
            f"self.{name}[{{}}].{field.target.id}" for field in fields if module.text(field.annotation) == "bytes32"
        ]
    for node in module.inside(function, "Subscript"):
        if module.text(node.value).removeprefix("self.") in by_id:
            key = module.text(node.slice)
            yield from (module.replace("parent key", node.slice, link.format(key)) for link in links)


def frozen(module: Module, function: Node) -> Iterator[Change | None]:
    """A setting as it was when the transaction was buffered, in place of now."""
    first = next((node for node in module.tree.body if kind(node) == "VariableDecl" and not node.is_constant), None)
    writer = next((other for other in module.functions() if _buffers(module, other)), None)
    if first is None or writer is None or function is writer or ID not in scope(module, function):
        return
    known = scope(module, writer)
    variables = (node for node in module.tree.body if kind(node) == "VariableDecl" and not node.is_constant)
    numbers = {module.text(node.target) for node in variables if "uint256" in module.text(node.annotation)}
    for node in module.inside(function, "Attribute"):
        text, base = module.text(node), module.text(node.value)
        if (base == "self" and node.attr in numbers) or (base == "settings" and base in known):
            end = module.span(writer.body[-1])[1]
            declared = (module.span(first)[0],) * 2 + ("_frozen: HashMap[bytes32, uint256]\n",)
            stored = (end, end, f"\n    self._frozen[{ID}] = {text}")
            start, stop = module.span(node)
            yield Change("frozen", start, stop, f"self._frozen[{ID}]", (declared, stored))


def _buffers(module: Module, function: Node) -> bool:
    return "buffer" in function.name and not function.name.startswith("_") and ID in scope(module, function)


def rare(module: Module, function: Node) -> Iterator[Change | None]:
    """An update or an event left out for one id in sixteen."""
    if ID not in scope(module, function):
        return
    for node in module.inside(function, "Assign", "AugAssign", "Log", "Expr"):
        stored = kind(node) in ("Log", "Expr") or module.text(node.target).startswith("self.")
        if stored and (kind(node) != "Expr" or kind(node.value) == "Call"):
            yield module.replace("rarely lost", node, f"if {RARE}: {module.text(node)}")


def mappings(module: Module) -> dict[str, tuple[str, str]]:
    """Mappings of the module with the types of their keys and values."""
    types = {}
    for node in module.tree.body:
        if kind(node) == "VariableDecl" and (inside := module.text(node.annotation).partition("HashMap[")[2]):
            key, _, value = inside.partition(",")
            types[module.text(node.target)] = key.strip(), value.strip().rstrip(")").removesuffix("]")
    return types


def truncated(module: Module) -> Iterator[Change]:
    """A part of the keys of a mapping, wherever it is used."""
    for name, (key, _) in mappings(module).items():
        slices = [
            node.slice
            for function in module.functions()
            for node in module.inside(function, "Subscript")
            if module.text(node.value) == f"self.{name}"
        ]
        for cut in CUTS.get(key, ()) if slices else ():
            first, *others = [(*module.span(node), cut.format(module.text(node))) for node in slices]
            yield Change("truncated key", *first, tuple(others))


OPERATORS = (other_key, parent_key, frozen, rare)
