"""What the reports need of a run folder. `lab.evidence.RunFolder` is one; tests bring their own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from lab.evidence.outcomes import RunOutcome
from lab.model.history import History
from lab.model.verdict import RunVerdict


class Folder(Protocol):
    """Recorded evidence of one run. Readers raise EvidenceFailure, OSError or ValueError for what they cannot read."""

    @property
    def path(self) -> Path:
        """The folder itself: `results/<session>/<item>`."""

    def history(self) -> History:
        """What happened, from `history.jsonl`."""

    def verdict(self) -> RunVerdict:
        """What it amounts to, from `verdict.json`."""

    def manifest(self) -> Mapping[str, object]:
        """What it was made of, from `manifest.json`."""

    def sealed_manifest(self) -> Mapping[str, object]:
        """The same, as the run wrote it; raises where it was changed since."""

    def ended(self) -> bool:
        """Whether the run came to its end."""

    def failed(self) -> bool:
        """Whether any part of the evidence says FAIL, however damaged the rest is."""

    def outcome(self) -> RunOutcome:
        """What stands beside the folder of the run; empty where nothing does."""

    def history_is_contradicted(self) -> bool:
        """Whether a digest that is left is of another history."""

    def verify(self) -> list[str]:
        """Differences against the recorded digests, in words; empty when nothing was changed."""


def message_of(error: object, folder: Path) -> str:
    """What an error or a difference says, without the folder's path.

    Reports are passed on, and a bundle's pages are drawn again elsewhere.
    """
    message = str(error)[:10_000] or type(error).__name__
    return message.replace(f"{folder}{os.sep}", "").removeprefix(f"{folder}: ")
