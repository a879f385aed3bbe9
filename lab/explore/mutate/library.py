"""The scenarios that mutants are run against: YAML files, and Python scenarios that need nothing but `lab_run`.

Every scenario under the real clock is left out, for it takes its time on the wall. So is what looks at sources and
documents: it would see that a mutant is another text, and not what it does.
"""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lab.checks import CHECKS
from lab.errors import LabError
from lab.runner.guarded import guarded
from lab.runner.run import Run
from lab.runner.script import Script
from lab.scenario.finding import files_below
from lab.scenario.item import ScenarioItem
from lab.scenario.kind import kind_of
from lab.scenario.resolve import load_scenario, parse_scenario

FIXTURE = "lab_run"
SOURCES = "is about sources, not about what the contract does"
# Folder, or folder and file -> why it is left out.
APART = {
    "stress": "is about volume, and takes its time",
    "documentation": "is about documents, not about what the contract does",
    "quality/test_code_freeze": SOURCES,
    "quality/test_compilation": SOURCES,
    "quality/test_installation": SOURCES,
    "quality/test_static_analysis": SOURCES,
    "quality/test_suites": "is about the lab's own tests",
}
STOPPED = (Exception, pytest.skip.Exception, pytest.fail.Exception)


@dataclass(frozen=True, slots=True)
class LibraryItem:
    """One run of the library. `play` drives it where the scenario is written in Python."""

    name: str
    item: ScenarioItem
    play: Callable[[Run], None] | None = None


@dataclass(frozen=True, slots=True)
class Library:
    """The runs by name, and what had to be left out, with the reason."""

    items: dict[str, LibraryItem]
    left_out: tuple[str, ...]


def python_files(folder: Path) -> list[Path]:
    """The files of Python scenarios below a folder."""
    return sorted(path for path in files_below(folder, (".py",)) if path.name.startswith("test_"))


def load_library(folder: Path, requested: Callable[[Path], bool] = lambda _: True) -> Library:
    """Every requested file below a folder. Raises InvalidFile for a scenario that is malformed."""
    items: dict[str, LibraryItem] = {}
    left_out: list[str] = []
    scenarios = (path for path in sorted(files_below(folder)) if requested(path) and not _apart(path))
    for path in (path for path in scenarios if kind_of(path).scenario):
        for item in load_scenario(path, known_checks=CHECKS):
            if item.clock == "virtual":
                # Two files of one name, in two folders, are two scenarios.
                name = item.item if item.item not in items else f"{path.relative_to(folder).parent}/{item.item}"
                items[name] = LibraryItem(name, item)
            else:
                left_out.append(f"{item.item}: runs under the real clock")
    for path in filter(requested, python_files(folder)):
        if reason := _apart(path):
            left_out.append(f"{path.stem}: {reason}")
            continue
        for name, setup, play, trouble in _python_runs(path):
            if trouble is not None:
                left_out.append(f"{name}: {trouble}")
                continue
            (item,) = parse_scenario(f"{setup}\ntimeline: [{{wait: 0s}}]\n", path, known_checks=CHECKS)
            if item.clock == "virtual":
                items[name] = LibraryItem(name, replace(item, item=name), _driver(play))
            else:
                left_out.append(f"{name}: runs under the real clock")
    return Library(items, tuple(left_out))


def _apart(path: Path) -> str | None:
    """Why a file is left out."""
    return APART.get(path.parent.name) or APART.get(f"{path.parent.name}/{path.stem}")


def _driver(play: Callable[[Script], None]) -> Callable[[Run], None]:
    """The play without pytest, whose own outcomes are no ordinary exceptions."""

    def played(script: Script) -> None:
        try:
            play(script)
        except pytest.fail.Exception as failure:
            raise AssertionError(str(failure)) from failure
        except pytest.skip.Exception as skipped:
            raise LabError(f"it skips itself: {skipped}") from skipped

    return lambda run: guarded(run, played)


class _Seen(Exception):
    """Ends a test at its first call of `lab_run`: all that is wanted of it are the arguments."""


class _AtTheWallsSpeed(Exception):
    """The same, of a run for which nothing can be made faster."""


def _python_runs(path: Path) -> Iterator[tuple[str, str, Any, str | None]]:
    """Name, set-up, play and trouble of each run that a file's tests ask for. Nothing is run."""
    try:
        module = _module(path)
    except STOPPED as error:
        yield path.stem, "", None, f"cannot be imported: {type(error).__name__}: {error}"
        return
    for name, test in inspect.getmembers(module, inspect.isfunction):
        if not name.startswith("test_") or test.__module__ != module.__name__:
            continue
        for suffix, arguments in _parameters(test):
            full = f"{path.stem}.{name}{suffix}"
            parameters = inspect.signature(test).parameters
            unknown = [parameter for parameter in parameters if parameter not in {FIXTURE, *arguments}]
            if unknown or FIXTURE not in parameters:
                yield full, "", None, f"needs {', '.join(unknown) or 'no ' + FIXTURE}"
                continue
            yield _asked(full, test, arguments)


def _asked(name: str, test: Callable[..., Any], arguments: dict[str, Any]) -> tuple[str, str, Any, str | None]:
    asked: list[tuple[str, Any]] = []

    def lab_run(setup: str, play: Any, *, wall: bool = False) -> None:
        asked.append((setup, play))
        raise _AtTheWallsSpeed if wall else _Seen

    try:
        test(**arguments, **{FIXTURE: lab_run})
    except _AtTheWallsSpeed:
        return name, "", None, "runs at the wall's speed"
    except _Seen:
        return name, *asked[0], None
    except STOPPED as error:
        return name, "", None, f"ends before its run: {type(error).__name__}: {error}"
    return name, "", None, "asks for no run"


def _parameters(test: Callable[..., Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The combinations of a test's parametrize marks, with the suffix that distinguishes them."""
    axes: list[list[dict[str, Any]]] = []
    for mark in getattr(test, "pytestmark", ()):
        if mark.name == "parametrize":
            names = mark.args[0].split(",") if isinstance(mark.args[0], str) else list(mark.args[0])
            names = [name.strip() for name in names]
            rows = [getattr(row, "values", row) for row in mark.args[1]]
            axes.append([dict(zip(names, row if len(names) > 1 else _single(row), strict=True)) for row in rows])
    for number, chosen in enumerate(itertools.product(*axes)):
        yield (f"[{number}]" if axes else ""), {key: value for row in chosen for key, value in row.items()}


def _single(row: Any) -> tuple[Any]:
    return row if isinstance(row, tuple) and len(row) == 1 else (row,)


def _module(path: Path) -> ModuleType:
    """Raises whatever importing it raises."""
    spec = importlib.util.spec_from_file_location(f"lab_library_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by its name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
