"""How the lab's contracts are written: order of declarations, names and NatSpec, after snekmate's guidelines.

The contracts in `contracts/plain` are left out: each is as small as a contract can be and documented by the interface.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from lab.explore.mutate.sites import kind, parse
from lab.paths import CONTRACTS

WRITTEN = sorted(path for path in CONTRACTS.rglob("*.vy*") if path.parent.name not in ("plain", "broken"))
ORDER = ("imports", "interfaces", "claims", "public constants", "constants", "types", "state", "events",
         "constructor", "fallback", "external functions", "internal functions")  # fmt: skip


def decorators(node: Any) -> set[str]:
    """A function's decorators."""
    return {decorator.id for decorator in node.decorator_list}


def place(node: Any) -> str:
    """Where a declaration belongs."""
    match kind(node):
        case "Import" | "ImportFrom":
            return "imports"
        case "InterfaceDef":
            return "interfaces"
        case "ImplementsDecl" | "InitializesDecl" | "UsesDecl" | "ExportsDecl":
            return "claims"
        case "VariableDecl":
            # The order of state variables is the storage layout, so it is nobody's to choose for the looks.
            return "public " * node.is_public + "constants" if node.is_constant else "state"
        case "FlagDef" | "StructDef":
            return "types"
        case "EventDef":
            return "events"
        case "FunctionDef" if node.name in ("__init__", "__default__"):
            return "constructor" if node.name == "__init__" else "fallback"
        case "FunctionDef":
            return "internal functions" if "internal" in decorators(node) else "external functions"
    raise AssertionError(f"expected a declaration, got {kind(node)}")


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_declarations_stand_in_order(path: Path) -> None:
    """Whoever knows one contract finds everything in the next."""
    for before, after in pairwise(parse(path.read_text()).tree.body):
        first, second = place(before), place(after)
        where = f"{path.name}:{after.lineno}"
        assert ORDER.index(first) <= ORDER.index(second), f"{where}: expected {second} before {first}"


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_what_is_internal_begins_with_an_underscore(path: Path) -> None:
    """And nothing else does."""
    names = {}
    for node in parse(path.read_text()).tree.body:
        if kind(node) == "VariableDecl":
            names[node.target.id] = not node.is_public
        elif kind(node) == "FunctionDef" and not node.name.startswith("__"):
            names[node.name] = "internal" in decorators(node)
    assert {name for name, internal in names.items() if internal != name.startswith("_")} == set()


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_every_function_has_its_natspec_in_full(path: Path) -> None:
    """A notice, each parameter in order and by its name, and the result if there is one."""
    for node in parse(path.read_text()).tree.body:
        if kind(node) != "FunctionDef":
            continue
        told = node.doc_string.value if node.doc_string else ""
        where = f"{path.name}:{node.lineno} {node.name}"
        assert "@notice " in told, where
        assert re.findall(r"@param (\w+) ", told) == [argument.arg for argument in node.args.args], where
        assert ("@return " in told) == (node.returns is not None), where
