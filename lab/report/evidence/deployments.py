"""Deployments on record: what `lab live` wrote under `results/live`, rehearsals included, and what of it was lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.bounded_files import UnfitFile
from lab.evidence.outcomes import OUTCOMES, names_in, outcome_of
from lab.html.text import clean
from lab.model.live_evidence import EVIDENCE, LiveEvidence, NetworkEvidence

FILES_MAX = 200
PAGE = "deployment.html"
AGAIN = "run `lab live status` again"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One file of evidence; `folder` is relative to the results folder."""

    folder: str
    evidence: LiveEvidence


@dataclass(frozen=True, slots=True)
class LostDeployment:
    """Live evidence that is gone, cannot be read, or is live no more.

    `made` is its time, empty where that is not known. `networks` are those that it was of, None where nobody knows, so
    that it may have been of any. Of each it `showed` something, or is only known for the rows that `failed` there.
    """

    folder: str
    problem: str
    made: str
    networks: frozenset[str] | None
    showed: Mapping[str, NetworkEvidence] = field(default_factory=dict)
    failed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def concerns(self, network: str) -> bool:
        """Whether it was evidence of a network, as far as is known."""
        return self.networks is None or network in self.networks


Deployments = tuple[Deployment | LostDeployment, ...]


def read_deployments(results: Path) -> tuple[Deployments, tuple[str, ...]]:
    """In the order of their folders, with a note for each file that does not count.

    What a file was live evidence of stands in `verdicts.jsonl` beside its folder, too, and is lost with neither alone.
    """
    deployments = list[Deployment | LostDeployment]()
    for number, folder in enumerate(sorted(_folders(results / "live"))):
        deployments += _read(folder, folder.relative_to(results).as_posix(), readable=number < FILES_MAX)
    return tuple(deployments), tuple(one.problem for one in deployments if isinstance(one, LostDeployment))


def _folders(live: Path) -> set[Path]:
    """Where evidence is, or was: a page is written behind it, and a line before it."""
    beside = (path.parent for path in live.rglob(OUTCOMES))
    named = {folder / name for folder in beside for name in names_in(folder)}
    return named | {path.parent for name in (EVIDENCE, PAGE) for path in live.rglob(name)}


def _read(folder: Path, name: str, *, readable: bool) -> Iterator[Deployment | LostDeployment]:
    outcome = outcome_of(folder, last=True)
    made, showed, failed = outcome.started or "", outcome.live or {}, outcome.deployed or {}
    stated = outcome.live is not None or outcome.deployed is not None
    networks = frozenset({*showed, *failed}) if stated else None
    try:
        evidence = _evidence(folder, made, readable=readable)
        yield Deployment(name, evidence)
        networks = (networks or frozenset()) - evidence.live.keys()
        problem = f"it is no live evidence of {', '.join(sorted(networks))} any more"
    except FileNotFoundError:
        problem = "it is missing"
    except OSError as error:
        problem = str(error).replace(f"{folder}/", "")
    if networks is None or networks:
        shown = f"{clean(name, 200)}/{EVIDENCE} does not count: {clean(problem, 300)}; {AGAIN}"
        yield LostDeployment(name, shown, made, networks, showed, failed)


def _evidence(folder: Path, made: str, *, readable: bool) -> LiveEvidence:
    """Raises OSError for what does not count."""
    path = folder / EVIDENCE
    if not readable:
        raise UnfitFile(path, f"no more than {FILES_MAX} files are read")
    evidence = LiveEvidence.read(path)
    if evidence.made < made:
        raise UnfitFile(path, f"expected the last evidence, of {made}, got one of {evidence.made}")
    return evidence
