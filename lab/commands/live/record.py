"""Writes the evidence of a deployment: its page behind it, and before it a line beside the folder with the same."""

from __future__ import annotations

from pathlib import Path

from lab.evidence.outcomes import RunOutcome, note_outcome, outcome_of
from lab.live.results.page import PAGE, write_page
from lab.model.live_evidence import EVIDENCE, LiveEvidence


def record(evidence: LiveEvidence, folder: Path) -> Path:
    """Write it; the page's path.

    What the folder was live evidence of, and is not now, is kept in the line: an endpoint that is down, or a file that
    was damaged, takes no failure back.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _note(folder, evidence, outcome_of(folder, last=True))
    evidence.write(folder)
    return write_page(evidence, folder)


def move_aside(evidence: LiveEvidence, folder: Path) -> Path:
    """Make room for a deployment of another contract or deployer: a folder of its own for this one, with its line."""
    aside = folder.with_name(f"{folder.name}-{evidence.digest[:8]}")
    aside.mkdir(exist_ok=True)
    _note(aside, evidence, outcome_of(folder, last=True))
    for name in (EVIDENCE, PAGE):
        if (folder / name).exists():
            (folder / name).replace(aside / name)
    _note(folder, evidence.model_copy(update={"networks": ()}), RunOutcome())
    return aside


def _note(folder: Path, evidence: LiveEvidence, before: RunOutcome) -> None:
    live = (before.live or {}) | evidence.live
    deployed = {network: rows for network, rows in (before.deployed or {}).items() if network not in evidence.live}
    facts = {"item": "lab live", "started": evidence.made, "live": live, "deployed": deployed or None}
    note_outcome(folder, facts, None, made_with=None)
