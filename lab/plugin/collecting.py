"""Which files pytest collects as scenarios: those that are some, by their content, wherever they lie.

What is none is left to others. A file that is named on the command line, and that no other plugin takes, is an error
that says what it seems to be; one that was perhaps meant as a scenario is named in a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab.errors import UsageError, printable
from lab.plugin.items import ScenarioFile
from lab.plugin.sharing import RESULTS, asked_for, seen_from_here
from lab.scenario.finding import SUFFIXES, files_below, read_start

if TYPE_CHECKING:
    from lab.scenario.kind import Kind

LEFT_ALONE = pytest.StashKey[dict[Path, str]]()
SCENARIOS = "scenarios"
# Before anything is collected, a look for scenarios costs no more than this many entries of folders.
ENTRIES_MAX = 5_000
SOURCE_BYTES_MAX = 1 << 20


class NoScenario(pytest.File):
    """A YAML file that somebody asked for by name and that nobody can run."""

    def collect(self) -> Iterator[pytest.Item]:
        """Never anything. Raises UsageError."""
        description = _kind_of(self.path).description
        raise UsageError(
            printable(f"{seen_from_here(self.config, self.path)}: expected a scenario, got {description}. ")
            + "A scenario has the keys name, description, networks and timeline (docs/scenario-reference.md)"
        )

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A sentence."""
        return str(excinfo.value) if isinstance(excinfo.value, UsageError) else super().repr_failure(excinfo)


def collect(path: Path, parent: pytest.Collector, *, taken: bool) -> pytest.Collector | None:
    """The collector of a YAML file; None leaves it alone. `taken`: another plugin collects it."""
    if path.suffix not in SUFFIXES:
        return None
    config = parent.config
    named = parent.session.isinitpath(path)
    if not named and _is_evidence(config, path):
        return None
    kind = _kind_of(path)
    if kind.scenario or (named and kind.doubtful and not taken and not _unreadable(kind)):
        return _from(ScenarioFile, parent, path)
    if named and not taken:
        return _from(NoScenario, parent, path)
    if kind.doubtful and not taken:
        config.stash.setdefault(LEFT_ALONE, {})[path] = kind.description
    return None


def _kind_of(path: Path) -> Kind:
    from lab.scenario.kind import kind_of

    return kind_of(path)


def _from(collector: type[pytest.File], parent: pytest.Collector, path: Path) -> pytest.Collector:
    more: dict[str, Any] = {}
    seen = str(seen_from_here(parent.config, path))
    if not seen.isprintable():
        # pytest prints a collector's name as it is, and no encoding has some of them; the file itself will be refused.
        more["nodeid"] = printable(seen)
    made: pytest.Collector = collector.from_parent(parent, path=path, **more)
    return made


def _unreadable(kind: Kind) -> bool:
    return "cannot be read" in kind.description


def left_alone(config: pytest.Config, *, scenarios: bool) -> list[str]:
    """A line for each file that may have been meant as a scenario. Unreadable ones only count beside scenarios."""
    return [
        printable(f"tesseract-lab: not collected: {seen_from_here(config, path)}: {description}")
        for path, description in config.stash.get(LEFT_ALONE, {}).items()
        if scenarios or "cannot be read" not in description
    ]


def expects_scenarios(config: pytest.Config) -> bool:
    """Whether a session will have scenarios, before anything is collected: then reports are prepared."""
    return any(True for _ in scenario_files(config))


def scenario_files(config: pytest.Config) -> Iterator[Path]:
    """The files with scenarios of a session, before anything is collected: those that a bounded look shows."""
    skipped = tuple(config.getini("norecursedirs"))
    for path in asked_for(config):
        if path.is_file():
            if _is_scenario(path):
                yield path
            continue
        # Scenarios that are written in Python are looked for where they are expected, since that means to read files.
        suffixes = (*SUFFIXES, ".py") if SCENARIOS in seen_from_here(config, path).parts else SUFFIXES
        files = files_below(path, suffixes, skipped=skipped, entries_max=ENTRIES_MAX)
        yield from (file for file in files if not _is_evidence(config, file) and _is_scenario(file))


def _is_scenario(path: Path) -> bool:
    if path.suffix in SUFFIXES:
        return _kind_of(path).scenario
    try:
        return path.suffix == ".py" and path.is_file() and b"lab_run" in read_start(path, SOURCE_BYTES_MAX)
    except OSError:
        return False


def _is_evidence(config: pytest.Config, path: Path) -> bool:
    """Whether a file lies among results, and nobody asked for them: cases that a swarm shrank are scenario files."""
    results = config.stash[RESULTS]
    return path.is_relative_to(results) and not any(asked.is_relative_to(results) for asked in asked_for(config))
