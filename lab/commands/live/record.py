"""Writes the evidence of a deployment: its page behind it, and before it a line beside the folder with what failed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.evidence.outcomes import note_outcome, outcome_of
from lab.live.results.page import PAGE, write_page
from lab.model.live_evidence import EVIDENCE, LiveEvidence
from lab.report.catalogue.rows import load_catalogue
from lab.report.judge.deployment_opinions import failures


def record(evidence: LiveEvidence, folder: Path) -> Path:
    """Write it; the page's path.

    What the folder was live evidence of, and is not now, is kept in the line: an endpoint that is down, or a file that
    was damaged, takes no failure back.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = outcome_of(folder, last=True).deployed or {}
    _note(folder, evidence.made, {**before, **_failures(evidence)})
    evidence.write(folder)
    return write_page(evidence, folder)


def move_aside(evidence: LiveEvidence, folder: Path) -> Path:
    """Make room for a deployment of another contract or deployer: a folder of its own for this one, with its line."""
    aside = folder.with_name(f"{folder.name}-{evidence.digest[:8]}")
    aside.mkdir(exist_ok=True)
    before = outcome_of(folder, last=True).deployed or {}
    _note(aside, evidence.made, {**before, **_failures(evidence)})
    for name in (EVIDENCE, PAGE):
        if (folder / name).exists():
            (folder / name).replace(aside / name)
    _note(folder, evidence.made, {})
    return aside


def _failures(evidence: LiveEvidence) -> dict[str, dict[str, str]]:
    return failures(evidence, load_catalogue().rows)


def _note(folder: Path, made: str, deployed: Mapping[str, Mapping[str, str]]) -> None:
    failed = {row: reason for rows in deployed.values() for row, reason in rows.items()}
    facts = {"item": "lab live", "started": made, "deployed": deployed}
    note_outcome(folder, facts, None, failed, made_with=None)
