"""Style that matters is a test: registries have their counterparts, modules stay small. Layers: see pyproject.toml."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

import lab
from lab import faults
from lab.checks import CHECKS, DEFAULT_CHECKS
from lab.runner.steps import STEPS
from lab.scenario import steps as step_models
from tests.sources import nodes

ROOT = Path(lab.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
LINES_MAX = 300
MODULES_MAX = 15

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
        if (text := path.read_text(encoding="utf-8")).strip() and not text.startswith('"""')
    ]
    assert silent == []


def test_models_are_built_when_they_are_first_used() -> None:
    """Else each command builds all that it loads before it does anything: an eighth of what its start takes."""
    at_once = [
        f"{path}: {node.name}"
        for path, node in nodes("BaseModel")
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base) == "BaseModel" for base in node.bases)
        and not any("defer_build=True" in ast.unparse(part) for part in node.body if isinstance(part, ast.Assign))
    ]
    assert at_once == []


def test_registries_have_their_counterparts() -> None:
    """Whatever a file may say does something, and nothing can be done that no file can say."""
    assert set(step_models.STEPS) == set(STEPS)
    assert all(check.id == name for name, check in CHECKS.items())
    assert set(DEFAULT_CHECKS) <= set(CHECKS)


@pytest.mark.parametrize("kind", list(faults.FAULTS))
def test_a_fault_has_one_file(kind: str) -> None:
    """Named after it, with a class of its own."""
    registered = faults.FAULTS[kind]
    modules = {registered.spec.__module__, registered.activate.__module__}
    modules |= {registered.draw.__module__} if registered.draw is not None else set()
    assert [module.rsplit(".", 1)[-1] for module in modules] == [kind]


def test_folders_are_small() -> None:
    """Above 15 modules side by side, a newcomer reads a list: sub-folders are named for the step of the flow."""
    counts = Counter(path.parent.relative_to(ROOT).as_posix() for path in MODULES if path.name != "__init__.py")
    assert {folder: count for folder, count in counts.items() if count > MODULES_MAX} == {}


def test_temporary_folders_name_their_owner() -> None:
    """`tempfile` makes none elsewhere: what a killed command leaves would be found by nobody."""
    makers = ("tempfile.TemporaryDirectory", "tempfile.mkdtemp", "tempfile.mkstemp", "tempfile.NamedTemporaryFile")
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in MODULES}
    assert [name for name, text in texts.items() if any(maker in text for maker in makers)] == ["owner.py"]
