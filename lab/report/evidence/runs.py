"""Reads what a run folder says, once, and never raises: what cannot be read becomes a reason for UNKNOWN."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from lab.errors import LabError
from lab.evidence.newest import moment_of
from lab.html.text import clean
from lab.model.verdict import RunVerdict
from lab.report.records.folder import Folder

T = TypeVar("T")
CLOCK_SLACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Run:
    """The facts of one folder that readiness needs. `problems` is empty when its evidence can be trusted."""

    path: Path
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
    compiler: str | None = None
    scenario_sha256: str | None = None
    relayer_sha256: str | None = None
    profiles_sha256: str | None = None
    lab_version: str | None = None
    node: str | None = None
    seed: str | None = None
    host: str | None = None
    started: str | None = None
    moment: datetime | None = None
    networks: dict[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
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
    lab, contract, relayer = (_mapping(facts.get(key)) for key in ("lab", "contract", "relayer"))
    if manifest is not None and verdict is not None and facts.get("item") != verdict.item:
        problems.append("manifest.json and verdict.json are of different items")
    return Run(
        path=folder.path,
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
        contract_sha256=_text(contract.get("bytecode_sha256")),
        backend=_text(_mapping(facts.get("backend")).get("name")),
        clock=_text(facts.get("clock")),
        compiler=_text(contract.get("compiler")),
        scenario_sha256=_text(facts.get("scenario_sha256")),
        relayer_sha256=_text(relayer.get("sha256")) if relayer.get("kind") != "none" else None,
        profiles_sha256=_text(facts.get("profiles_sha256")),
        lab_version=_text(lab.get("version")),
        node=_node(_mapping(facts.get("backend"))),
        seed=str(facts["seed"])[:40] if isinstance(facts.get("seed"), int) else None,
        host=_host(_mapping(facts.get("host"))),
        started=started,
        moment=moment_of(started),
        networks=_strings(facts.get("networks")),
        faults=_acting(facts.get("faults")),
        versions=_strings(facts.get("versions")),
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
    moment = moment_of(started)
    if moment is None:
        return [f"manifest.json: expected an ISO time under 'started', got {clean(str(started), 40)}"]
    if moment > now + CLOCK_SLACK:
        return [f"the run claims to have started in the future, {clean(str(started), 40)}: check the clock"]
    return []


def _node(backend: dict[str, Any]) -> str | None:
    """`anvil 1.7.1 sha256 10c1…`: what ran, and the digest of the binary or image."""
    version = _text(backend.get("anvil_version")) or ""
    digests = _texts(backend.get("image_digests"))
    digest = _text(backend.get("anvil_sha256")) or (digests[0] if digests else _text(backend.get("image_id"))) or ""
    return clean(f"anvil {version} {digest.rsplit(':', 1)[-1][:16]}".strip(), 80) if version or digest else None


def _host(host: dict[str, Any]) -> str | None:
    if not host:
        return None
    memory = host.get("memory_bytes")
    size = f", {memory / 2**30:.0f} GiB" if isinstance(memory, int) else ""
    return clean(f"{host.get('system')} {host.get('machine')}, {host.get('cpus')} cores{size}", 80)


def _acting(value: object) -> tuple[str, ...]:
    """The kinds of fault that bit at least once."""
    entries = [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
    return tuple(dict.fromkeys(clean(str(entry.get("fault")), 40) for entry in entries if entry.get("bites")))


def _strings(value: object) -> dict[str, str]:
    return {str(key): text for key, text in _mapping(value).items() if isinstance(text, str)}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(part for part in value if isinstance(part, str)) if isinstance(value, (list, tuple)) else ()
