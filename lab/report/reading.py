"""Reads what a run folder says, once, and never raises: what cannot be read becomes a reason for UNKNOWN."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from lab.errors import LabError
from lab.html.text import clean
from lab.model.verdict import RunVerdict
from lab.report.folder import Folder

T = TypeVar("T")
CLOCK_SLACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Run:
    """The facts of one folder that readiness needs. `problems` is empty when its evidence can be trusted."""

    folder: str
    item: str
    scenario: str | None
    verdict: RunVerdict | None
    problems: tuple[str, ...]
    rows: tuple[str, ...] = ()
    siblings: tuple[str, ...] = ()
    digest: str | None = None
    commit: str | None = None
    dirty: bool | None = None
    contract_sha256: str | None = None
    backend: str | None = None
    clock: str | None = None
    started: str | None = None
    versions: dict[str, str] = field(default_factory=dict)


def read_run(folder: Folder, root: Path | None, now: datetime) -> Run:
    """`root` is the results folder, to which the run's name is relative; by default the one two levels above it."""
    problems: list[str] = []
    base = root if root is not None else folder.path.parent.parent
    name = Path(os.path.relpath(folder.path, base)).as_posix()
    here = f"{folder.path}{os.sep}"
    manifest = _try(folder.manifest, "manifest.json", here, problems)
    verdict = _try(folder.verdict, "verdict.json", here, problems)
    differences = _try(folder.verify, "the recorded digests", here, problems) or []
    changed = [clean(str(difference).replace(here, ""), 200) for difference in differences[:3]]
    problems += [f"evidence was changed after the run: {difference}" for difference in changed]
    if manifest is not None and not isinstance(manifest, dict):
        problems.append("manifest.json: expected an object")
        manifest = None
    facts: dict[str, Any] = manifest or {}
    if manifest is not None and facts.get("schema_version") != 1:
        problems.append(f"manifest.json: expected schema_version 1, got {clean(str(facts.get('schema_version')), 40)}")
    started = _text(facts.get("started"))
    if manifest is not None:
        problems += _clock_problem(started, now)
    lab = _mapping(facts.get("lab"))
    if manifest is not None and verdict is not None and facts.get("item") != verdict.item:
        problems.append("manifest.json and verdict.json are of different items")
    return Run(
        folder=name,
        item=_text(facts.get("item")) or (verdict.item if verdict else folder.path.name),
        scenario=_text(facts.get("scenario_file")),
        verdict=verdict,
        problems=tuple(problems),
        rows=_texts(facts.get("rows")),
        siblings=_texts(facts.get("scenario_items")),
        digest=_text(facts.get("history_digest")),
        commit=_text(lab.get("commit")),
        dirty=lab.get("dirty") if isinstance(lab.get("dirty"), bool) else None,
        contract_sha256=_text(_mapping(facts.get("contract")).get("bytecode_sha256")),
        backend=_text(_mapping(facts.get("backend")).get("name")),
        clock=_text(facts.get("clock")),
        started=started,
        versions={key: value for key, value in _mapping(facts.get("versions")).items() if isinstance(value, str)},
    )


def _try(read: Callable[[], T], what: str, here: str, problems: list[str]) -> T | None:
    """Paths of this machine are taken out of the messages: a report is passed on."""
    try:
        return read()
    except (LabError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        message = str(error)[:10_000] or type(error).__name__
        problems.append(f"{what} cannot be read: {clean(message.replace(here, ''), 200)}")
        return None


def _clock_problem(started: str | None, now: datetime) -> list[str]:
    try:
        moment = datetime.fromisoformat(started or "")
    except ValueError:
        return [f"manifest.json: expected an ISO time under 'started', got {clean(str(started), 40)}"]
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=now.tzinfo)
    if moment > now + CLOCK_SLACK:
        return [f"the run claims to have started in the future, {clean(str(started), 40)}: check the clock"]
    return []


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(part for part in value if isinstance(part, str)) if isinstance(value, (list, tuple)) else ()
