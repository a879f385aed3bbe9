"""Deployments on record: what `lab live` wrote under `results/live`, rehearsals included."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.html.text import clean
from lab.model.live_evidence import EVIDENCE, LiveEvidence

FILES_MAX = 200


@dataclass(frozen=True, slots=True)
class Deployment:
    """One file of evidence; `folder` is relative to the results folder."""

    folder: str
    evidence: LiveEvidence


def read_deployments(results: Path) -> tuple[tuple[Deployment, ...], tuple[str, ...]]:
    """In the order of their folders, with a note for each file that cannot be read."""
    deployments, notes = [], []
    for path in sorted((results / "live").rglob(EVIDENCE))[:FILES_MAX]:
        folder = path.parent.relative_to(results).as_posix()
        try:
            deployments.append(Deployment(folder, LiveEvidence.read(path)))
        except OSError as error:
            notes.append(f"{clean(folder, 200)}/{EVIDENCE} does not count: {clean(str(error), 300)}")
    return tuple(deployments), tuple(notes)
