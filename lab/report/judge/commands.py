"""The commands of the path to GO, as they work where the report is made: in the lab's checkout or in a user's own."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from lab.evidence.names import library_name
from lab.paths import DATA, SCENARIOS, real_path
from lab.report.catalogue.rows import Proof

SUFFIXES = frozenset({".yaml", ".yml", ".py"})
FILES_MAX = 5_000


@dataclass(frozen=True)
class Commands:
    """`folder` is where the commands are typed, `root` what recorded paths of scenarios are relative to.

    `results` is where the report looks for evidence. Without folders, the commands are those of the lab's checkout.
    """

    folder: Path | None = None
    root: Path | None = None
    results: Path | None = None

    @property
    def all_scenarios(self) -> str:
        """Runs the whole library; every command for a part of it begins with this one's words."""
        return self._pytest(self._path("scenarios/") if self._in_checkout else "--library")

    def recorded(self, scenario: str) -> str:
        """Runs a scenario again, by its recorded path; empty where that leads nowhere from here."""
        if self.root is None or is_file(self.root / scenario):
            return self._pytest(self._path(scenario))
        return self._pytest("--library", "-k", Path(scenario).stem) if is_file(DATA / scenario) else ""

    def proof(self, proof: Proof) -> str:
        """Runs what a proof names; empty where neither the user nor the library has such a scenario."""
        folder, _, stem = proof.scenario.rpartition("/")
        chosen = ["-k", stem] if "*" not in stem else []
        if self._in_checkout:
            return self._pytest(self._path(f"scenarios/{folder if '*' not in folder else ''}"), *chosen)
        of_library = any(map(proof.matches, self._library))
        own = [path for path in self._own if proof.matches(path) and not self._is_namesake(path)]
        if own and not (of_library and "*" in proof.scenario):
            return self._pytest(*(self._path(f"scenarios/{path}") for path in own))
        return self._pytest("--library", *chosen) if of_library else ""

    def _is_namesake(self, path: str) -> bool:
        """Whether a scenario of the user's is only called like one of the library's."""
        assert self.root is not None
        try:
            return library_name(self.root / "scenarios" / path) == ""
        except OSError:
            return True

    def measured_by(self, command: str) -> str:
        """A command of the lab's that measures, with the results folder where that is not the usual one."""
        elsewhere = self._results and command.startswith("lab ")
        return f"{command} --results {shlex.quote(self._results)}" if elsewhere else command

    @cached_property
    def _own(self) -> tuple[str, ...]:
        return _scenarios(self.root / "scenarios") if self.root is not None else ()

    @cached_property
    def _library(self) -> tuple[str, ...]:
        return _scenarios(SCENARIOS)

    @property
    def _in_checkout(self) -> bool:
        return self.root is None or real_path(self.root) == real_path(SCENARIOS.parent)

    @property
    def _results(self) -> str:
        """As an option; empty where it is the default."""
        if self.folder is None or self.results is None or real_path(self.results) == real_path(self.folder / "results"):
            return ""
        return _near(self.results, self.folder)

    def _path(self, recorded: str) -> str:
        if self.folder is None or self.root is None:
            return recorded
        path = _near(self.root / recorded, self.folder) + ("/" if recorded.endswith("/") else "")
        return f"./{path}" if path.startswith("-") else path

    def _pytest(self, *words: str) -> str:
        results = ["--lab-results", self._results] if self._results else []
        return shlex.join(["pytest", *results, *words])


def _near(path: Path, folder: Path) -> str:
    """As a person in `folder` writes a path: relative where that is shorter, else whole."""
    relative, whole = os.path.relpath(path, folder), str(path.absolute())
    return relative if len(relative) <= len(whole) else whole


def is_file(path: Path) -> bool:
    """Whether a file is there; a path that no file system takes is none."""
    with suppress(OSError, ValueError):
        return path.is_file()
    return False


def _scenarios(folder: Path) -> tuple[str, ...]:
    """Scenario files and tests in a folder, as seen from there."""
    files = (Path(here, name) for here, _, names in os.walk(folder) for name in names)
    scenarios = (path for path in islice(files, FILES_MAX) if path.suffix in SUFFIXES)
    return tuple(sorted(path.relative_to(folder).as_posix() for path in scenarios))
