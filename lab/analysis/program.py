"""A contract as the rules see it: its modules, their storage and functions, and who is called by which name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import Version

from lab.analysis.syntax import Node, decorators
from lab.bounded_files import parse_json
from lab.deploy.vyper.compilers import installed_trees
from lab.deploy.vyper.failures import isolated_failure
from lab.deploy.vyper.isolated_compiler import run_isolated
from lab.deploy.vyper.source import VyperSource, installed_version
from lab.errors import CompileFailure

NOT_STORED = ("is_constant", "is_immutable", "is_transient")


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """One file: top-level declarations by name, and the modules that it imports by alias."""

    file: Path
    tree: Node
    functions: dict[str, Node]
    storage: dict[str, Node]
    imports: dict[str, str]

    @property
    def all_locked(self) -> bool:
        """`# pragma nonreentrancy on`: every external function is locked unless it says `@reentrant`."""
        settings = self.tree.raw.get("settings")
        return isinstance(settings, dict) and settings.get("nonreentrancy_by_default") is True


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function and the module that it stands in."""

    module: Module
    node: Node

    @property
    def name(self) -> str:
        return self.node.text("name")

    @property
    def locked(self) -> bool:
        """Whether it refuses to be entered again."""
        names = decorators(self.node)
        return "nonreentrant" in names or (self.module.all_locked and "reentrant" not in names)

    @property
    def parameters(self) -> list[str]:
        arguments = self.node.get("args")
        return [argument.text("arg") for argument in arguments.list("args")] if arguments else []


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """The main module first; `modules` by the stem of their files."""

    main: Module
    modules: dict[str, Module]

    def all_modules(self) -> Iterator[Module]:
        """Every module once, the main one first."""
        yield self.main
        yield from (module for module in self.modules.values() if module is not self.main)

    def entry_points(self) -> list[Function]:
        """What anybody may call: the main module's external functions and those that it exports."""
        own = [Function(self.main, node) for node in self.main.functions.values() if "external" in decorators(node)]
        return own + [function for item in self._exports() for function in self._exported(item)]

    def called(self, module: Module, callee: Node) -> Function | None:
        """The function of the contract's own code that `self.f` or `module.f` names."""
        if callee.kind != "Attribute":
            return None
        base = callee.get("value")
        alias = base.text("id") if base else ""
        owner = module if alias == "self" else self.modules.get(module.imports.get(alias, ""))
        node = owner.functions.get(callee.text("attr")) if owner else None
        return Function(owner, node) if owner and node else None

    def _exports(self) -> Iterator[Node]:
        for declaration in self.main.tree.list("body"):
            if declaration.kind == "ExportsDecl":
                yield from (node for node in declaration.walk() if node.kind == "Attribute")

    def _exported(self, item: Node) -> list[Function]:
        """One function by its name, or all external ones where an interface of the module is named."""
        if (named := self.called(self.main, item)) is not None:
            return [named]
        base = item.get("value")
        module = self.modules.get(self.main.imports.get(base.text("id") if base else "", ""))
        if module is None or item.text("attr") in module.storage:
            return []  # a getter, which writes nothing
        return [Function(module, node) for node in module.functions.values() if "external" in decorators(node)]


def read_program(source: VyperSource) -> Program:
    """The syntax trees of a source and its modules.

    Raises CompileFailure for a source that does not compile, EnvironmentFailure where its compiler cannot be run.
    """
    if Version(source.compiler_version) < Version("0.4.0"):
        modules = [_module(source.path, _isolated_tree(source))]
    else:
        # The first is the contract itself, whatever the file is called that a link leads to.
        files = [source.path, *(file for file in source.files[1:] if file.suffix == ".vy")]
        modules = [_module(file, tree) for file, tree in zip(files, _trees(source, files), strict=True)]
    return Program(modules[0], {module.file.stem: module for module in modules})


def _module(file: Path, raw: dict[str, Any]) -> Module:
    tree = Node(raw, file)
    functions: dict[str, Node] = {}
    storage: dict[str, Node] = {}
    imports: dict[str, str] = {}
    for node in tree.list("body"):
        if node.kind == "FunctionDef":
            functions[node.text("name")] = node
        elif node.kind in ("VariableDecl", "AnnAssign") and _is_stored(node):
            target = node.get("target")
            storage[target.text("id") if target else ""] = node
        elif node.kind in ("Import", "ImportFrom"):
            imports |= _imported(node)
    return Module(file, tree, functions, storage, imports)


def _imported(node: Node) -> dict[str, str]:
    """Alias -> the stem of the file; newer releases list several names in one statement."""
    names = node.list("names") or [node]
    return {
        (name.text("alias") or name.text("asname") or name.text("name").split(".")[-1]): name.text("name").split(".")[
            -1
        ]
        for name in names
    }


def _is_stored(node: Node) -> bool:
    if any(node.raw.get(flag) for flag in NOT_STORED):
        return False
    wrappers = {part.text("id") for part in node.walk() if part.kind == "Name"}
    return not wrappers & {"constant", "immutable", "transient"}


def _trees(source: VyperSource, files: list[Path]) -> list[dict[str, Any]]:
    try:
        return installed_trees(source, files)
    except CompileFailure:
        if source.compiler_version == installed_version():
            raise
        if len(files) == 1:
            return [_isolated_tree(source)]
        return [tree for file in files for tree in _trees(source, [file])]


def _isolated_tree(source: VyperSource) -> dict[str, Any]:
    run = run_isolated(source, "ast")
    if run.returncode != 0:
        raise isolated_failure(source, run)
    document = parse_json(run.stdout[run.stdout.index("{") :], f"{source.path}: its syntax tree")
    tree = document.get("ast", document)
    return dict(tree)
