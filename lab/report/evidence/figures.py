"""Measurements that settle rows: `rows.json` of load runs and of a mutation run, and what criteria derive from runs.

Another part of the lab writes the files, and people may edit them, so nothing about them is taken for granted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.evidence.folder import sha256_file
from lab.evidence.manifest import MeasuredRow, MeasurementManifest
from lab.evidence.newest import moment_of
from lab.html.figures import measured
from lab.html.text import clean
from lab.report.records.row_verdict import RowVerdict

FILE, MANIFEST = "rows.json", "manifest.json"
MUTATION = "mutation"
MAX_BYTES = 4 << 20
_VERDICTS = {
    "PASS": RowVerdict.PASS,
    "LAB PASS": RowVerdict.PASS,
    "MET": RowVerdict.PASS,
    "FAIL": RowVerdict.FAIL,
    "NOT MET": RowVerdict.FAIL,
    "UNKNOWN": RowVerdict.UNKNOWN,
    "UNDECIDED": RowVerdict.UNKNOWN,
    "INVALID": RowVerdict.UNKNOWN,
    "INFEASIBLE": RowVerdict.INFEASIBLE,
    "NOT RUN": RowVerdict.NOT_RUN,
}


@dataclass(frozen=True, slots=True)
class Source:
    """The measurement that a figure is from. `folder` is relative to the results folder, empty for scenario runs."""

    item: str
    folder: str = ""
    commit: str | None = None
    dirty: bool | None = None
    contract_sha256: str | None = None
    started: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured statement about a row. Paths in `evidence` are relative to the results folder.

    `figure` is in words, with its unit. `inconclusive`: the measurement itself says that it could not tell, which is
    nothing against one that could.
    """

    row: str
    verdict: RowVerdict
    reason: str
    source: Source
    figure: str = ""
    unit: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    failures: int | None = None
    assumptions: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    inconclusive: bool = False


def read_figures(results: Path, now: datetime) -> tuple[list[Figure], list[str]]:
    """All figures of the newest load run of each profile and of the mutation run, and what could not be read."""
    figures: list[Figure] = []
    notes: list[str] = []
    mutation = [results / MUTATION] if (results / MUTATION / FILE).is_file() else []
    for folder in [*newest_loads(results / "load"), *mutation]:
        name = folder.relative_to(results).as_posix()
        try:
            found = _of_folder(folder, name, now)
        except (OSError, ValueError, RecursionError) as error:
            notes.append(f"{clean(name, 120)}/{FILE} cannot be read: {clean(str(error), 160)}; measure again")
            continue
        figures += found
    return figures, notes


def newest_loads(load: Path) -> list[Path]:
    """One folder for each profile: the last by name. `latest` and its like are links, and seen already."""
    newest: dict[str, Path] = {}
    for path in sorted(load.glob(f"*/{FILE}")) if load.is_dir() else ():
        if not path.parent.is_symlink():
            newest[_profile(path.parent)] = path.parent
    return sorted(newest.values())


def _profile(folder: Path) -> str:
    try:
        rows, manifest = (MeasurementManifest.read(_object(folder / name)) for name in (FILE, MANIFEST))
    except (OSError, ValueError, RecursionError):
        return folder.name
    return rows.profile_name or manifest.profile_name or folder.name


def _object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"expected at most {MAX_BYTES} bytes, got {path.stat().st_size}")
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, got {type(value).__name__}")
    return value


def _of_folder(folder: Path, name: str, now: datetime) -> list[Figure]:
    content, manifest = _object(folder / FILE), _object(folder / MANIFEST)
    facts = MeasurementManifest.read(content | manifest)
    rows = MeasurementManifest.read(content).rows
    if rows is None:
        raise ValueError("expected a list under 'rows'")
    source = Source(
        item=clean(facts.item or _profile(folder), 120),
        folder=clean(name, 200),
        commit=_short(facts.lab.commit),
        dirty=facts.lab.dirty,
        contract_sha256=_short(facts.contract.bytecode_sha256),
        started=_short(facts.started, 40),
    )
    doubt = _doubt(folder, MeasurementManifest.read(manifest).digests, facts.started, now)
    return [_figure(row, source, doubt) for row in rows]


def _doubt(folder: Path, digests: dict[str, Any], started: str | None, now: datetime) -> str:
    """Why nothing in the folder can be trusted; empty where it can."""
    for file, recorded in digests.items():
        path = folder / str(file)
        if not path.is_file():
            return f"{clean(str(file), 80)} is missing"
        if sha256_file(path) != recorded:
            return f"{clean(str(file), 80)} was changed after the run"
    moment = moment_of(started)
    if started and moment is None:
        return f"started: expected an ISO 8601 time, got {clean(started, 40)}"
    if moment is not None and moment > now.astimezone(UTC):
        return "it claims to have started in the future: check the clock"
    return ""


def _figure(entry: MeasuredRow, source: Source, doubt: str) -> Figure:
    word = entry.verdict.upper().replace("_", " ").replace("-", " ")
    stated = _VERDICTS.get(word)
    unit = clean(entry.unit, 40)
    number = None if isinstance(entry.figure, str) else entry.figure
    if number is not None:
        shown = measured(number, unit, entry.n)
    else:
        shown = f"{clean(str(entry.figure), 200)} {unit}".strip() if entry.figure else ""
    verdict, reason = stated, clean(entry.reason or shown, 400)
    if verdict is None:
        verdict, reason = RowVerdict.UNKNOWN, f"expected a verdict, got '{clean(word, 40)}'"
    elif not shown and verdict is RowVerdict.PASS:
        verdict, reason = RowVerdict.UNKNOWN, "it claims PASS without a figure"
    if doubt:
        verdict, reason = RowVerdict.UNKNOWN, doubt
    low, high = entry.interval or (None, None)
    files = [name for name in entry.evidence or (FILE,) if ".." not in Path(name).parts]
    return Figure(
        row=clean(entry.row or "", 20),
        verdict=verdict,
        reason=reason,
        source=source,
        figure=shown,
        unit=unit,
        value=number,
        low=low,
        high=high,
        n=entry.n,
        failures=entry.failures,
        assumptions=tuple(clean(text, 300) for text in entry.assumptions[:12]),
        evidence=tuple(f"{source.folder}/{clean(name, 120)}" for name in files[:8]),
        inconclusive=stated is verdict is RowVerdict.UNKNOWN and not doubt,
    )


def _short(text: str | None, limit: int = 80) -> str | None:
    return clean(text, limit) if text else None
