"""Measurements that settle rows: `rows.json` of load runs and of a mutation run, and what criteria derive from runs.

Another part of the lab writes the files, and people may edit them, so nothing about them is taken for granted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lab.bounded_files import UnfitFile, read_object
from lab.errors import EvidenceFailure
from lab.evidence.in_force import ANYTHING, InForce
from lab.evidence.load_runs import FILE, MAX_BYTES, Counting, LoadRun, counting_loads, stated
from lab.evidence.manifest import MeasuredRow, MeasurementManifest
from lab.evidence.mutation_runs import counting_mutations
from lab.evidence.newest import moment_of
from lab.evidence.seal import DID_NOT_END, MANIFEST, STARTED, differences, read_manifest
from lab.html.figures import measured
from lab.html.text import clean
from lab.report.records.row_verdict import VERDICTS, RowVerdict

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
# Of all loads and mutation runs that count.
FIGURES_MAX = 20_000
# What damage does not take back.
_AGAINST = (RowVerdict.FAIL, RowVerdict.INFEASIBLE)


@dataclass(frozen=True, slots=True)
class Source:
    """The measurement that a figure is from. `folder` is relative to the results folder, empty for scenario runs."""

    item: str
    folder: str = ""
    commit: str | None = None
    dirty: bool | None = None
    contract_sha256: str | None = None
    relayer_sha256: str | None = None
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


def read_figures(
    results: Path, now: datetime, in_force: InForce = ANYTHING
) -> tuple[list[Figure], list[tuple[str, str]]]:
    """All figures of the newest load run of each profile and mutation run of each project, with what is in force.

    Beside them `lab load` or `lab mutate`, and why, for each profile or project of which nothing can be read.
    Where a later run did not end, the figures of the last one that did are UNKNOWN: it said of which rows it was. What
    an earlier run of the same things decided against a row is not taken back by repeating it, nor by damage.
    """
    figures: list[Figure] = []
    unread: list[tuple[str, str]] = []
    reading = _Reading(results, now)
    measured = [("lab load", counting) for counting in counting_loads(results / "load", in_force)]
    measured += [("lab mutate", counting) for counting in counting_mutations(results)]
    for command, counting in measured:
        later = counting.unfinished[-1:]
        doubt = _without_rows(later[0], results) if later else ""
        if counting.newest is None:
            unread.append((command, doubt))
        else:
            figures += reading.of(counting.newest, doubt)
        figures += (figure for run in counting.unfinished for figure in reading.of(run, doubt))
        figures += _not_taken_back(counting, reading, figures)
        if len(figures) > FIGURES_MAX:
            raise UnfitFile(results, f"expected measurements of at most {FIGURES_MAX} rows together, got more")
    return figures, unread


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads folders below `results`."""

    results: Path
    now: datetime

    def of(self, run: LoadRun, doubt: str) -> list[Figure]:
        """The figures of a folder, and what it decided against rows elsewhere than in `rows.json`."""
        name = run.folder.relative_to(self.results).as_posix()
        figures = _of_folder(run, name, self.now, doubt) if run.has_rows else []
        doubted = f"{FILE} does not say so" if run.has_rows else _without_rows(run, self.results)
        for row, (outcome, reason) in run.against.items():
            verdict = VERDICTS[outcome]
            if not _stands(figures, row, verdict):
                words = f"{clean(reason, 400)}; besides, {doubted}"
                source = Source(item=clean(run.item, 120), folder=clean(name, 200))
                figures = [figure for figure in figures if figure.row != row]
                figures.append(Figure(clean(row, 20), verdict, words, source))
        return figures


def _not_taken_back(counting: Counting, reading: _Reading, figures: Iterable[Figure]) -> Iterator[Figure]:
    """What the last run of the same things decided against a row, where nothing as bad is known of that."""
    known = list(figures)
    for run in reversed(counting.alike):
        for figure in reading.of(run, ""):
            against = figure.verdict in _AGAINST and not _stands(known, figure.row, figure.verdict)
            if against and counting.newest is not None:
                known.append(figure)
                newer = clean(counting.newest.folder.name, 80)
                said = f"so it was in {clean(run.folder.name, 80)}, and {newer} repeats that with the same things"
                yield replace(figure, reason=f"{figure.reason}; {said}")


def _stands(figures: Iterable[Figure], row: str, verdict: RowVerdict) -> bool:
    """Whether one of them says of a row what is at least as bad."""
    return any(figure.row == row and figure.verdict.rank <= verdict.rank for figure in figures)


def rows_passed(folder: Path) -> frozenset[str]:
    """The rows that the measurement in a folder says are passed. Raises OSError, ValueError."""
    return frozenset(
        row.row
        for row in MeasurementManifest.read(read_object(folder / FILE, max_bytes=MAX_BYTES)).rows or ()
        if row.row is not None and _verdict(row) is RowVerdict.PASS
    )


def _without_rows(run: LoadRun, results: Path) -> str:
    ended = stated(run.folder, MANIFEST).state != STARTED
    why = f"{clean(run.trouble, 200)}; measure again" if ended else DID_NOT_END
    return f"{clean(run.folder.relative_to(results).as_posix(), 120)}: {why}"


def _of_folder(run: LoadRun, name: str, now: datetime, doubt: str) -> list[Figure]:
    folder = run.folder
    facts = stated(folder, FILE)
    source = Source(
        item=clean(facts.item or run.profile[0], 120),
        folder=clean(name, 200),
        commit=_short(facts.lab.commit),
        dirty=facts.lab.dirty,
        contract_sha256=_short(facts.contract.bytecode_sha256),
        relayer_sha256=_short(facts.relayer.digest),
        started=_short(facts.started, 40),
    )
    doubt = doubt or _doubt(folder, facts.started, now)
    return [_figure(row, source, doubt) for row in facts.rows or ()]


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
    return _VERDICTS.get(entry.word)


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
    if doubt and verdict in _AGAINST:
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
