"""What the wheel brings runs on what the wheel depends on."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
# Beside their own file, or what an optional extra brings.
OWN = {"lab", "lab_first", "weasyprint", "distributed"}


def normal(name: str) -> str:
    return name.lower().replace("_", "-")


def brought() -> set[str]:
    """The distributions that an installation brings: what is declared, and what that asks for without an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    waiting, known = [Requirement(line) for line in project["dependencies"]], set[str]()
    while waiting:
        requirement = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        if (name := normal(requirement.name)) not in known:
            known.add(name)
            waiting += map(Requirement, requires(name) or ())
    return known


@pytest.mark.parametrize("folder", ["lab", "scenarios", "loadtests"])
def test_every_import_is_a_runtime_dependency(folder: str) -> None:
    """Developers have more installed than users: what only they have breaks the library in an empty environment."""
    known, distributions = brought(), packages_distributions()
    foreign: dict[str, str] = {}
    for file in (ROOT / folder).rglob("*.py"):
        if "__pycache__" in file.parts or "_data" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in {name.partition(".")[0] for name in names} - OWN - sys.stdlib_module_names:
                if not {normal(distribution) for distribution in distributions.get(name, [name])} & known:
                    foreign[name] = file.relative_to(ROOT).as_posix()
    assert foreign == {}
