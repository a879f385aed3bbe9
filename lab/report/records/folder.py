"""What the reports need of a run folder. `lab.evidence.RunFolder` is one; tests bring their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from lab.model.history import History
from lab.model.verdict import RunVerdict


class Folder(Protocol):
    """Recorded evidence of one run. Readers raise EvidenceFailure, OSError or ValueError for what they cannot read."""

    @property
    def path(self) -> Path:
        """The folder itself: `results/<session>/<item>`."""

    def history(self) -> History:
        """`history.jsonl`."""

    def verdict(self) -> RunVerdict:
        """`verdict.json`."""

    def manifest(self) -> dict[str, Any]:
        """`manifest.json`."""

    def sealed_manifest(self) -> dict[str, Any]:
        """The same, as the run wrote it; raises where it was changed since."""

    def ended(self) -> bool:
        """Whether the run came to its end."""

    def failed(self) -> bool:
        """Whether any part of the evidence says FAIL, however damaged the rest is."""

    def metrics(self) -> dict[str, Any]:
        """`metrics.json`."""

    def verify(self) -> list[str]:
        """Differences against the recorded digests, in words; empty when nothing was changed."""
