"""What a module stores and under which keys, and which of the things that a function is given is a transaction's id.

An id is what a mapping of transactions is asked for, whatever it is called, and what is handed on to a function that
asks for it, in this module or in one that it imports. A batch goes through ids in a loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lab.explore.mutate.sites import Module, Node, kind

DOCUMENTED_ID = "tx_id"
WORD = "bytes32"


@dataclass(frozen=True, slots=True)
class Stored:
    """A mapping: the types of its keys from the outside to the inside, and of its values."""

    keys: tuple[str, ...]
    value: str

    @property
    def of_roles(self) -> bool:
        """Whether it says who has which role: those are a few names, and none of them is a transaction's id."""
        return self.keys[:2] == (WORD, "address")


def mappings(module: Module) -> dict[str, Stored]:
    """The mappings of a module by their names."""
    types = {}
    for node in variables(module):
        keys, rest = list[str](), _bare(module.text(node.annotation))
        while rest.startswith("HashMap["):
            key, _, rest = rest.removeprefix("HashMap[").removesuffix("]").partition(",")
            keys, rest = [*keys, key.strip()], rest.strip()
        if keys:
            types[module.text(node.target)] = Stored(tuple(keys), rest)
    return types


def variables(module: Module) -> Iterator[Node]:
    """The module's storage, in order."""
    yield from (node for node in module.tree.body if kind(node) == "VariableDecl" and not node.is_constant)


def type_of(module: Module, name: str) -> str:
    """The type of a variable in storage; nothing where there is no such one."""
    texts = (module.text(node.annotation) for node in variables(module) if module.text(node.target) == name)
    return _bare(next(texts, ""))


def _bare(text: str) -> str:
    text = " ".join(text.split())
    while text.startswith(("public(", "transient(", "reentrant(")) and text.endswith(")"):
        text = text.partition("(")[2].removesuffix(")").strip()
    return text


def structs(module: Module) -> dict[str, dict[str, str]]:
    """The structs of a module: their fields with the types."""
    return {
        node.name: {field.target.id: module.text(field.annotation) for field in node.body}
        for node in module.tree.body
        if kind(node) == "StructDef"
    }


def scope(module: Module, function: Node) -> dict[str, str]:
    """Names of parameters and annotated locals with their types."""
    names = {argument.arg: module.text(argument.annotation) for argument in function.args.args}
    for node in module.inside(function, "AnnAssign"):
        names[module.text(node.target)] = module.text(node.annotation)
    return names


def keyed(module: Module, node: Node) -> tuple[str, int]:
    """The variable that a subscript is of, and at which depth: 1 for `account` in `self.roles[role][account]`."""
    depth, base = 0, node.value
    while kind(base) == "Subscript":
        depth, base = depth + 1, base.value
    return module.text(base), depth


def with_ids(modules: Mapping[str, Module]) -> dict[str, Module]:
    """Modules by their files, each with the ids of its functions."""
    ids: dict[tuple[str, str], set[str]] = {}
    functions = {(name, node.name): node for name, module in modules.items() for node in module.functions()}
    files = {Path(file).stem: file for file in modules}
    aliases = {
        name: {alias: files.get(own, "") for alias, own in _imports(module).items()} for name, module in modules.items()
    }
    for (name, function), node in functions.items():
        module, known = modules[name], scope(modules[name], node)
        asked = {DOCUMENTED_ID}
        for subscript in module.inside(node, "Subscript"):
            base, depth = keyed(module, subscript)
            owner, _, variable = base.rpartition(".")
            other = modules.get(name if owner == "self" else aliases[name].get(owner, ""))
            stored = mappings(other).get(variable) if other is not None else None
            if stored is not None and not stored.of_roles and depth == 0 and stored.keys[0] == WORD:
                asked.add(module.text(subscript.slice))
        ids[name, function] = {key for key in asked if known.get(key) == WORD and key in _given(module, node)}
    while _handed_on(modules, functions, aliases, ids):
        pass
    named = {name: dict[str, str]() for name in modules}
    for (name, function), node in functions.items():
        given = [key for key in _given(modules[name], node) if key in ids[name, function]]
        if given:
            named[name][function] = given[0]
    return {name: replace(module, ids=named[name]) for name, module in modules.items()}


def _given(module: Module, function: Node) -> list[str]:
    """What a function gets from outside: its parameters, then what it goes through in loops."""
    loops = [module.text(node.target.target) for node in module.inside(function, "For")]
    return [*(argument.arg for argument in function.args.args), *loops]


def _handed_on(
    modules: Mapping[str, Module],
    functions: Mapping[tuple[str, str], Node],
    aliases: Mapping[str, Mapping[str, str]],
    ids: dict[tuple[str, str], set[str]],
) -> bool:
    """Whether a function turned out to hand an id on."""
    new = False
    for (name, function), node in functions.items():
        module, parameters = modules[name], _given(modules[name], node)
        for call in module.inside(node, "Call"):
            owner, _, called = module.text(call.func).rpartition(".")
            target = (name if owner == "self" else aliases[name].get(owner, ""), called)
            wanted: Sequence[str] = (
                [argument.arg for argument in functions[target].args.args] if target in functions else []
            )
            for given, parameter in zip(call.args, wanted, strict=False):
                text = module.text(given)
                if parameter in ids[target] and text in parameters and text not in ids[name, function]:
                    ids[name, function].add(text)
                    new = True
    return new


def _imports(module: Module) -> dict[str, str]:
    """The names under which other modules are used, with the modules' own."""
    names = {}
    for node in module.tree.body:
        if kind(node) in ("Import", "ImportFrom"):
            own = node.name.rpartition(".")[2]
            names[getattr(node, "alias", None) or own] = own
    return names
