"""Measurements that settle rows: `rows.json` of load runs and of a mutation run, and what criteria derive from runs.

Another part of the lab writes the files, and people may edit them, so nothing about them is taken for granted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lab.bounded_files import read_object
from lab.errors import EvidenceFailure
from lab.evidence.manifest import MeasuredRow, MeasurementManifest
from lab.evidence.newest import moment_of
from lab.evidence.seal import DID_NOT_END, MANIFEST, STARTED, differences, read_manifest
from lab.file_version import SCHEMA
from lab.html.figures import measured
from lab.html.text import clean
from lab.report.records.row_verdict import RowVerdict

FILE = "rows.json"
MUTATION = "mutation"
MAX_BYTES = 4 << 20
# The name in it, and the file where it is a user's own: two files may have one name.
_Profile = tuple[str, str | None]
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
    """All figures of the newest load run of each profile and of the mutation run, and what could not be read.

    Where a later run did not end, the figures of the last one that did are UNKNOWN: it said of which rows it was.
    """
    figures: list[Figure] = []
    notes: list[str] = []
    loads, unfinished = _newest_loads(results / "load")
    for folder in [*loads.values(), *_mutation(results)]:
        name = folder.relative_to(results).as_posix()
        later = unfinished.pop(_profile(folder), None)
        try:
            figures += _of_folder(folder, name, now, _without_rows(later) if later is not None else "")
        except (OSError, ValueError) as error:
            notes.append(f"{clean(name, 120)}/{FILE} cannot be read: {clean(str(error), 160)}; measure again")
    return figures, notes + [_without_rows(folder) for folder in unfinished.values()]


def rows_passed(folder: Path) -> frozenset[str]:
    """The rows that the measurement in a folder says are passed. Raises OSError, ValueError."""
    return frozenset(
        row.row
        for row in MeasurementManifest.read(read_object(folder / FILE, max_bytes=MAX_BYTES)).rows or ()
        if row.row is not None and _verdict(row) is RowVerdict.PASS
    )


def _without_rows(folder: Path) -> str:
    why = DID_NOT_END if _stated(folder, MANIFEST).state == STARTED else f"{FILE} is missing; measure again"
    return f"load/{clean(folder.name, 80)}: {why}"


def newest_loads(load: Path) -> list[Path]:
    """One folder for each profile: the last by name. `latest` and its like are links, and seen already."""
    return sorted(_newest_loads(load)[0].values())


def _newest_loads(load: Path) -> tuple[dict[_Profile, Path], dict[_Profile, Path]]:
    """By profile: the newest run with rows, and a run after it that has none."""
    newest: dict[_Profile, Path] = {}
    unfinished: dict[_Profile, Path] = {}
    folders = (path for path in load.iterdir() if path.is_dir() and not path.is_symlink()) if load.is_dir() else ()
    for folder in sorted(folders):
        profile = _profile(folder)
        if (folder / FILE).is_file():
            newest[profile] = folder
            unfinished.pop(profile, None)
        elif (folder / MANIFEST).is_file():
            unfinished[profile] = folder
    return newest, unfinished


def _mutation(results: Path) -> list[Path]:
    return [results / MUTATION] if (results / MUTATION / FILE).is_file() else []


def _profile(folder: Path) -> _Profile:
    rows, manifest = _stated(folder, FILE), _stated(folder, MANIFEST)
    name = rows.profile_name or manifest.profile_name or folder.name
    return name, rows.profile_file or manifest.profile_file


def _stated(folder: Path, name: str) -> MeasurementManifest:
    try:
        return MeasurementManifest.read(read_object(folder / name, max_bytes=MAX_BYTES))
    except (OSError, ValueError):
        return MeasurementManifest()


def _of_folder(folder: Path, name: str, now: datetime, doubt: str) -> list[Figure]:
    content = read_object(folder / FILE, max_bytes=MAX_BYTES)
    if trouble := SCHEMA.trouble(content):
        raise ValueError(trouble)
    facts = MeasurementManifest.read(content)
    if facts.rows is None:
        raise ValueError("expected a list under 'rows'")
    source = Source(
        item=clean(facts.item or _profile(folder)[0], 120),
        folder=clean(name, 200),
        commit=_short(facts.lab.commit),
        dirty=facts.lab.dirty,
        contract_sha256=_short(facts.contract.bytecode_sha256),
        started=_short(facts.started, 40),
    )
    doubt = doubt or _doubt(folder, facts.started, now)
    return [_figure(row, source, doubt) for row in facts.rows]


def _doubt(folder: Path, started: str | None, now: datetime) -> str:
    """Why nothing in the folder can be trusted; empty where it can."""
    here = f"{folder}/"
    try:
        if read_manifest(folder)[0].get("state") == STARTED:
            return DID_NOT_END
        changed = differences(folder, (FILE,))
    except (EvidenceFailure, OSError) as error:
        return clean(str(error).replace(here, ""), 200)
    if changed:
        return clean(changed[0].replace(here, ""), 200)
    moment = moment_of(started)
    if started and moment is None:
        return f"started: expected an ISO 8601 time, got {clean(started, 40)}"
    if moment is not None and moment > now.astimezone(UTC):
        return "it claims to have started in the future: check the clock"
    return ""


def _verdict(entry: MeasuredRow) -> RowVerdict | None:
    return _VERDICTS.get(entry.verdict.upper().replace("_", " ").replace("-", " "))


def _figure(entry: MeasuredRow, source: Source, doubt: str) -> Figure:
    stated = _verdict(entry)
    unit = clean(entry.unit, 40)
    number = None if isinstance(entry.figure, str) else entry.figure
    if number is not None:
        shown = measured(number, unit, entry.n)
    else:
        shown = f"{clean(str(entry.figure), 200)} {unit}".strip() if entry.figure else ""
    verdict, reason = stated, clean(entry.reason or shown, 400)
    if verdict is None:
        verdict, reason = RowVerdict.UNKNOWN, f"expected a verdict, got '{clean(entry.verdict, 40)}'"
    elif not shown and verdict is RowVerdict.PASS:
        verdict, reason = RowVerdict.UNKNOWN, "it claims PASS without a figure"
    if doubt and verdict is RowVerdict.FAIL:
        reason = f"{reason}; and {doubt}"
    elif doubt:
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
