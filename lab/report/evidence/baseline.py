"""What is in force now, as far as the caller knows it, and what a run was made with that is no longer so: STALE.

A row names what it depends on; a change of anything else leaves its evidence valid. None means that it is not known,
and then nothing is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lab.bounded_files import sha256_file
from lab.evidence.in_force import InForce, differ
from lab.html.text import clean
from lab.model.under_test import UnderTest
from lab.report.catalogue.rows import Dependency
from lab.report.evidence.runs import Run


@dataclass(frozen=True)
class Baseline:
    """`profiles` gives the digest of a run's network profiles (chain -> network) as they stand now.

    `finality` gives what the profile of a network calls final.
    `root` is the folder that recorded paths of scenarios are relative to, `project` what its project is known by.
    """

    contract_sha256: str | None = None
    relayer_sha256: str | None = None
    lab_commit: str | None = None
    lab_version: str | None = None
    dirty: bool | None = None
    profiles: Callable[[Mapping[str, str]], str | None] | None = None
    finality: Callable[[str], str | None] | None = None
    root: Path | None = None
    project: tuple[str, ...] = ()
    under_test: UnderTest | None = None

    @property
    def in_force(self) -> InForce:
        """By which the runs that count are chosen."""
        return InForce(self.contract_sha256, self.relayer_sha256)

    @cached_property
    def _files(self) -> dict[str, str | None]:
        return {}

    def outdated(self, run: Run, depends_on: tuple[Dependency, ...]) -> list[str]:
        """Why a run's evidence no longer speaks for a row with these dependencies; empty while it does."""
        reasons = []
        # What another project has under the same path says nothing of its file.
        another = self.project and run.made.project and not set(self.project) & set(run.made.project)
        if not another and self._changed(run.made.scenario_file, run.made.scenario_sha256):
            reasons.append("the scenario's file was changed since")
        reasons += self.made_of_another(run, depends_on)
        if "networks" in depends_on and self.profiles is not None and run.made.networks:
            now = self.profiles(run.made.networks)
            if differ(run.made.profiles_sha256, now):
                reasons.append("the profiles of its networks were changed since")
        if "lab" in depends_on:
            if differ(run.made.lab.commit, self.lab_commit):
                reasons.append(f"made by another commit of the lab ({_short(run.made.lab.commit)})")
            elif run.made.lab.commit is None and differ(run.made.lab.version, self.lab_version):
                reasons.append(f"made by version {clean(run.made.lab.version or '', 20)} of the lab")
        return reasons

    def made_of_another(self, run: Run, depends_on: tuple[Dependency, ...]) -> list[str]:
        """That it was of another contract or relayer: then nothing of it, damage included, concerns such a row."""
        reasons = []
        if "contract" in depends_on and differ(run.made.contract.bytecode_sha256, self.contract_sha256):
            reasons.append(f"made with another contract ({_short(run.made.contract.bytecode_sha256)})")
        if "relayer" in depends_on and differ(run.relayer_sha256, self.relayer_sha256):
            reasons.append(f"made with another relayer ({_short(run.relayer_sha256)})")
        return reasons

    def _changed(self, path: str | None, recorded: str | None) -> bool:
        """Whether a file that is there has another content; one that is elsewhere says nothing."""
        if self.root is None or not path or not recorded:
            return False
        if path not in self._files:
            file = self.root / path
            try:
                self._files[path] = sha256_file(file) if file.is_file() else None
            except (OSError, ValueError):
                self._files[path] = None
        now = self._files[path]
        return now is not None and now != recorded


def _short(value: str | None) -> str:
    return clean((value or "unknown")[:12], 20)
