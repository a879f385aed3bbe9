"""What the wheel brings runs on what the wheel depends on."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
# Beside their own file, or what an optional extra brings.
OWN = {"lab", "lab_first", "weasyprint"}
# Ruff allows one package to a line (E401).
LOOKS_LIKE_AN_IMPORT = re.compile(r"^[ \t]*(?:from|import)[ \t]+(\w+)", re.MULTILINE)


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
        # Prose may look like an import, and parsing is what takes long.
        text = file.read_text("utf-8")
        looks = set(LOOKS_LIKE_AN_IMPORT.findall(text)) - OWN - sys.stdlib_module_names
        looks = {name for name in looks if not {normal(each) for each in distributions.get(name, [name])} & known}
        foreign |= dict.fromkeys(looks & set(imported(text)) if looks else (), file.relative_to(ROOT).as_posix())
    assert foreign == {}


def imported(text: str) -> Iterator[str]:
    """The packages that a module imports from, whatever stands in its texts."""
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        yield from (name.partition(".")[0] for name in names)


def test_what_looks_like_an_import() -> None:
    """All of them do, wherever they stand."""
    text = "import one\nfrom two.three import four\nif 1:\n    import five.six as seven, eight\n"
    assert set(LOOKS_LIKE_AN_IMPORT.findall(text)) == {"one", "two", "five"}
    assert set(imported(text)) - {"eight"} == {"one", "two", "five"}
