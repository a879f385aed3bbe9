"""Style that matters is a test: imports go down only, registries have their counterparts, modules stay small."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import lab
from lab import faults
from lab.checks import CHECKS, DEFAULT_CHECKS
from lab.runner.steps import STEPS
from lab.scenario import faults as fault_models
from lab.scenario import steps as step_models

ROOT = Path(lab.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
LINES_MAX = 300

# A part may import parts of a lower layer, and itself. Parts of one layer do not know each other.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"", "errors", "model", "paths", "validation", "yamlsource"}),
    frozenset({"rpc", "coordinator", "networks", "html"}),
    frozenset({"chains", "scenario", "evidence"}),
    frozenset({"faults", "deploy", "relayer", "traffic", "checks", "metrics"}),
    frozenset({"session"}),
    frozenset({"runner", "load", "report"}),
    frozenset({"explore"}),
    frozenset({"cli", "commands", "plugin"}),
)

# Imports within a layer or upwards that are meant, each with its reason.
MEANT: dict[tuple[str, str], str] = {
    ("yamlsource", "errors"): "problems in a file are errors of the tree",
    ("yamlsource", "validation"): "shapes are checked in the file that states them",
    ("model", "yamlsource"): "dated prices are a file beside the nouns, which reports may see and network profiles not",
    ("coordinator", "rpc"): "reads of the contract go through the client",
    ("chains", "evidence"): "the observer writes what it sees into the recorder",
    ("cli", "commands"): "the command line is split by command",
    ("plugin", "commands"): "the summary of a session is written like the reports of a command",
}

# What a part may see of the lab, where that is less than its layer allows.
ONLY: dict[str, frozenset[str]] = {
    "checks": frozenset({"", "errors", "model", "evidence", "checks"}),
    "metrics": frozenset({"", "errors", "model", "evidence", "metrics"}),
    "report": frozenset({"", "errors", "model", "evidence", "html", "report", "yamlsource", "validation"}),
    "relayer": frozenset({"", "errors", "rpc", "coordinator", "model", "relayer"}),
}

# Packages that only some modules may import.
FOREIGN: dict[str, tuple[str, ...]] = {
    "docker": ("chains/docker.py", "chains/image.py", "chains/select.py", "chains/reaper.py"),
    "testcontainers": ("chains/docker.py", "chains/image.py", "chains/select.py", "chains/reaper.py"),
    "web3": ("rpc/", "coordinator/"),
    "pytest": ("plugin/",),
}


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, inside of functions too, with its line."""
    package = ["lab", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base, node.lineno
            if base == "lab":
                yield from ((f"lab.{alias.name}", node.lineno) for alias in node.names)


def part_of(path: Path) -> str:
    """The folder or module directly below `lab`; "" for lab itself."""
    first = path.relative_to(ROOT).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def layer(part: str) -> int:
    """Its layer from the bottom; every part has one."""
    return next((number for number, parts in enumerate(LAYERS) if part in parts), -1)


def test_every_part_has_a_layer() -> None:
    """A new folder is put into the table first."""
    assert {part for part in map(part_of, MODULES) if layer(part) < 0} == set()


def crossings() -> Iterator[tuple[str, str, str]]:
    """(from, to, file:line) of every import of one part of the lab by another."""
    for path in MODULES:
        here = part_of(path)
        for name, line in imports(path):
            pieces = name.split(".")
            there = pieces[1] if len(pieces) > 1 else ""
            if pieces[0] == "lab" and there != here and layer(there) >= 0:
                yield here, there, f"{path.relative_to(ROOT)}:{line}"


def test_imports_go_down_only() -> None:
    """Or are meant, for a reason that stands above."""
    wrong = [
        f"{where}: {here} imports {there}"
        for here, there, where in crossings()
        if layer(there) >= layer(here) and there != "" and (here, there) not in MEANT
    ]
    assert wrong == []


def test_every_meant_import_exists() -> None:
    """An exception that nobody needs any more goes."""
    found = {(here, there) for here, there, _ in crossings()}
    assert set(MEANT) - found == set()


@pytest.mark.parametrize("part", ONLY)
def test_guests_see_little(part: str) -> None:
    """Judges see evidence, the relayer sees what a stranger's would."""
    seen = {(there, where) for here, there, where in crossings() if here == part}
    assert {entry for entry in seen if entry[0] not in ONLY[part]} == set()


@pytest.mark.parametrize("package", FOREIGN)
def test_packages_stay_where_they_belong(package: str) -> None:
    """Importing them elsewhere ties the lab to them, or makes its start slow."""
    users = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in MODULES
        for name, line in imports(path)
        if name.split(".")[0] == package
    }
    assert {user for user in users if not user.startswith(FOREIGN[package])} == set()


# Modules that are one thing in spite of their length, each with its reason.
LONG: dict[str, str] = {}


def test_modules_are_small() -> None:
    """Look again above 150 lines; above 300 it is two modules, or an exception that is still needed."""
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > LINES_MAX and name not in LONG} == {}
    assert [name for name in LONG if lengths.get(name, 0) <= LINES_MAX] == []


def test_modules_say_what_they_are_for() -> None:
    """Every module with code opens with a docstring."""
    silent = [
        str(path.relative_to(ROOT))
        for path in MODULES
        if (tree := ast.parse(path.read_text(encoding="utf-8"))).body and ast.get_docstring(tree) is None
    ]
    assert silent == []


def test_registries_have_their_counterparts() -> None:
    """Whatever a file may say does something, and nothing can be done that no file can say."""
    assert list(fault_models.FAULTS) == list(faults.FAULTS)
    assert set(step_models.STEPS) == set(STEPS)
    assert all(check.id == name for name, check in CHECKS.items())
    assert set(DEFAULT_CHECKS) <= set(CHECKS)


@pytest.mark.parametrize("kind", list(faults.FAULTS))
def test_a_fault_has_one_file(kind: str) -> None:
    """Named after it, with a class of its own."""
    behaviour = faults.FAULTS[kind]
    assert getattr(behaviour, "__module__", "") == f"lab.faults.{kind}"
