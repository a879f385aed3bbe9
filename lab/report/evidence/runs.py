"""Reads what a run folder says, once, and never raises: what cannot be read becomes a reason for UNKNOWN."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from lab.checks.verdict import shows_failure
from lab.errors import LabError
from lab.evidence.folder import SCHEMA_VERSION
from lab.evidence.manifest import RunManifest
from lab.evidence.newest import moment_of
from lab.evidence.seal import DID_NOT_END
from lab.file_version import FileVersion
from lab.html.text import clean
from lab.model.verdict import RunVerdict
from lab.report.records.folder import Folder, message_of

T = TypeVar("T")
CLOCK_SLACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Run:
    """What one folder says. `problems` is empty when its evidence can be trusted; `made` is its manifest.

    `failed`: some part of it says FAIL, and damage to the rest does not take that back. `failed_checks` are all that
    any part of it names, None where none says which.
    """

    path: Path
    folder: str
    item: str
    verdict: RunVerdict | None
    problems: tuple[str, ...]
    made: RunManifest
    manifest_is_whole: bool = True
    failed: bool = False
    failed_checks: tuple[str, ...] | None = None

    @property
    def is_damaged(self) -> bool:
        """Whether it ended, and what it left cannot be trusted."""
        return bool(self.problems) and DID_NOT_END not in self.problems

    @property
    def relayer_sha256(self) -> str | None:
        """Of the relayer that ran, where one did."""
        return self.made.relayer.digest

    @property
    def faults(self) -> tuple[str, ...]:
        """The kinds of fault that acted at least once."""
        return tuple(dict.fromkeys(clean(fault.fault or "?", 40) for fault in self.made.faults if fault.activations))

    @property
    def node(self) -> str | None:
        """`anvil 1.7.1 10c1727d6c1de973`: what ran, and the digest of the binary or image."""
        backend = self.made.backend
        version = backend.anvil_version or ""
        digest = backend.anvil_sha256 or next(iter(backend.image_digests), None) or backend.image_id or ""
        return clean(f"anvil {version} {digest.rsplit(':', 1)[-1][:16]}".strip(), 80) if version or digest else None

    @property
    def host(self) -> str | None:
        """`Linux x86_64, 2 cores, 24 GiB`."""
        host = self.made.host
        if host is None:
            return None
        size = f", {host.memory_bytes / 2**30:.0f} GiB" if host.memory_bytes is not None else ""
        return clean(f"{host.system} {host.machine}, {host.cpus} cores{size}", 80)


def read_run(folder: Folder, root: Path | None, now: datetime) -> Run:
    """`root` is the results folder, to which the run's name is relative; by default the one two levels above it."""
    problems: list[str] = []
    base = root if root is not None else folder.path.parent.parent
    stated = _try(folder.manifest, "manifest.json", folder.path, problems)
    ended = folder.ended()
    verdict = _try(folder.verdict, "verdict.json", folder.path, problems) if ended else None
    problems += [] if ended else [DID_NOT_END]
    differences = _try(folder.verify, "the recorded digests", folder.path, problems) or []
    changed = [clean(message_of(difference, folder.path), 200) for difference in differences[:3]]
    problems += [f"evidence was changed after the run: {difference}" for difference in changed]
    made = RunManifest.read(stated if stated is not None else folder.outcome().as_json())
    if stated is not None:
        problems += _doubts(stated, made, verdict, now)
    return Run(
        path=folder.path,
        folder=Path(os.path.relpath(folder.path, base)).as_posix(),
        item=made.item or (verdict.item if verdict else folder.path.name),
        verdict=verdict,
        problems=tuple(problems),
        made=made,
        manifest_is_whole=_try(folder.sealed_manifest, "", folder.path, []) is not None,
        failed=folder.failed() or (bool(problems) and fails_again(folder)),
        failed_checks=_failed_checks(verdict, made, folder),
    )


def _failed_checks(verdict: RunVerdict | None, made: RunManifest, folder: Folder) -> tuple[str, ...] | None:
    known = [verdict.failed_checks if verdict is not None else None, made.failed_checks, folder.outcome().failed_checks]
    stated = [tuple(names) for names in known if names is not None]
    return tuple(dict.fromkeys(name for names in stated for name in names)) if stated else None


def fails_again(folder: Folder) -> bool:
    """Whether the history of a damaged folder still shows a failure. Never one that was changed, as far as is known."""
    try:
        return not folder.history_is_contradicted() and shows_failure(folder.history())
    except (LabError, OSError, ValueError):
        return False


def _doubts(stated: object, made: RunManifest, verdict: RunVerdict | None, now: datetime) -> Iterator[str]:
    """What in a manifest that could be read forbids to trust it."""
    if not isinstance(stated, dict):
        yield "manifest.json: expected an object"
    else:
        if trouble := FileVersion(number=SCHEMA_VERSION).trouble(stated):
            yield f"manifest.json: {clean(trouble, 200)}"
        moment = moment_of(made.started)
        if moment is None:
            yield f"manifest.json: expected an ISO time under 'started', got {clean(str(made.started), 40)}"
        elif moment > now + CLOCK_SLACK:
            yield f"the run claims to have started in the future, {clean(str(made.started), 40)}: check the clock"
        if verdict is not None and made.item != verdict.item:
            yield "manifest.json and verdict.json are of different items"


def _try(read: Callable[[], T], what: str, folder: Path, problems: list[str]) -> T | None:
    """Paths of this machine are taken out of the messages: a report is passed on."""
    try:
        return read()
    except (LabError, OSError, ValueError) as error:
        problems.append(f"{what} cannot be read: {clean(message_of(error, folder), 200)}")
        return None
