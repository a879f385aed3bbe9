"""A project of which results are recorded: what forgers and damages are tried on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from lab.commands.release.report import rebuild
from lab.commands.release.requests import ReportRequest
from lab.report.release.local_key import LocalSigner, load_signer

SESSION = "20261126-090000-0000"


@dataclass(frozen=True)
class RecordedProject:
    """A working folder with runs by name in one session, checklists, and keys."""

    path: Path
    stage: ClassVar[Literal["lab", "testnet", "mainnet"]] = "lab"

    @property
    def results(self) -> Path:
        return self.path / "results"

    def run(self, name: str = "good") -> Path:
        return self.results / SESSION / name

    def report(self, name: str = "good") -> int:
        """The exit code of `lab report` by the checklist of this name."""
        checklist = self.path / f"{name}-checklist.yaml"
        return rebuild(ReportRequest(self.results, self.stage, None, checklist, None, None, None, False))

    def signer(self, name: str = "key") -> LocalSigner:
        return load_signer(self.path / name)
