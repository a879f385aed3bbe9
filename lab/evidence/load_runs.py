"""Which load runs count: the newest of each profile, and earlier ones of the same things that decided against a row.

Runs are in the order of their folders' names, which are times.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.bounded_files import UnfitFile, read_object
from lab.evidence.in_force import ANYTHING, InForce
from lab.evidence.manifest import Against, MeasurementManifest
from lab.evidence.outcomes import names_against, outcome_of
from lab.evidence.projects import told_apart
from lab.evidence.seal import MANIFEST
from lab.file_version import SCHEMA
from lab.model.outcome import Outcome

FILE = "rows.json"
MAX_BYTES = 1 << 20
# Decided against by all runs that a folder keeps; a checklist has some hundred rows.
AGAINST_MAX = 20_000
# What `lab load` and `lab mutate` call a folder.
_RUN = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}|mutation(-[0-9a-z]{8})?")


@dataclass(frozen=True, slots=True)
class LoadRun:
    """One folder. `profile` is the name in the profile, and the file where it is a user's own: two may have one name.

    `against` are the rows that it failed, or that are infeasible, with the reason, wherever that stands. `made_with` is
    all that a result hangs on, None where that is not known for sure, as in a changed working tree. `trouble` is why
    its rows cannot be read, empty where they can; with `says_nothing` nobody knows what it measured.
    """

    folder: Path
    item: str
    project: tuple[str, ...]
    profile: tuple[str, str | None]
    started: str
    trouble: str
    says_nothing: bool
    against: dict[str, tuple[Outcome, str]]
    contract_sha256: str | None
    relayer_sha256: str | None
    made_with: str | None

    @property
    def has_rows(self) -> bool:
        """Whether they can be read."""
        return not self.trouble

    @property
    def is_known(self) -> bool:
        """Whether it is a run at all: its folder was made for one, whatever is left in it."""
        left = any(os.path.lexists(self.folder / name) for name in (FILE, MANIFEST))
        return left or bool(self.against) or _RUN.fullmatch(self.folder.name) is not None


@dataclass(frozen=True, slots=True)
class Counting:
    """Of one profile: the newest run with rows; those behind it without; earlier ones of the same that count, too."""

    newest: LoadRun | None
    unfinished: tuple[LoadRun, ...]
    alike: tuple[LoadRun, ...]

    def __iter__(self) -> Iterator[LoadRun]:
        """Those that a report looks at, the oldest first."""
        newest = [self.newest] if self.newest is not None else []
        later = [run for run in self.unfinished if run.against or run is self.unfinished[-1]]
        yield from (*self.alike, *newest, *later)


def counting_loads(load: Path, in_force: InForce = ANYTHING) -> list[Counting]:
    """For each profile what counts, the newest run first of which the name comes first; for each project by itself."""
    return counting_by_project(sorted(bearable(map(read_load_run, _folders(load))), key=_by_name), in_force)


def bearable(runs: Iterable[LoadRun]) -> Iterator[LoadRun]:
    """The same runs. Raises UnfitFile where they decided against more rows than anybody has."""
    count = 0
    for run in runs:
        count += len(run.against)
        if count > AGAINST_MAX:
            raise UnfitFile(run.folder.parent, f"expected failures of at most {AGAINST_MAX} rows, got more")
        yield run


def counting_by_project(ordered: Iterable[LoadRun], in_force: InForce = ANYTHING) -> list[Counting]:
    """The same of runs that are there, the oldest first. One of which nobody knows what it measured may be of each."""
    runs = [run for run in ordered if run.is_known]
    groups: dict[tuple[str, tuple[str, str | None]], list[LoadRun]] = {}
    projects = told_apart([run.project for run in runs])
    keys = [None if run.says_nothing else (project, run.profile) for run, project in zip(runs, projects, strict=True)]
    for key in filter(None, dict.fromkeys(keys)):
        groups[key] = [run for run, other in zip(runs, keys, strict=True) if other in (None, key)]
    return [_counting(in_force.of(group)) for group in groups.values() or [runs] if group]


def read_load_run(folder: Path, *, rewritten: bool = False) -> LoadRun:
    """What the folder, and what stands beside it, says of a run, as far as it can be read; never raises.

    A folder that each run writes anew is `rewritten`: of what stands beside it the last line counts.
    """
    (rows, trouble), manifest, outcome = _rows(folder), stated(folder, MANIFEST), outcome_of(folder, last=rewritten)
    against = Against.of(rows.rows or ()).both(manifest).both(outcome).against
    profile = rows.profile_name or manifest.profile_name or outcome.profile
    name = profile or folder.name
    return LoadRun(
        folder=folder,
        item=rows.item or manifest.item or outcome.item or f"load {name}",
        project=rows.project or manifest.project or outcome.project,
        profile=(name, rows.profile_file or manifest.profile_file or outcome.profile_file),
        started=max(part.started or "" for part in (rows, manifest, outcome)),
        trouble=trouble,
        says_nothing=bool(trouble) and not against and profile is None,
        against=against,
        contract_sha256=rows.contract.bytecode_sha256 or manifest.contract.bytecode_sha256,
        relayer_sha256=rows.relayer.digest or manifest.relayer.digest,
        made_with=rows.made_with or manifest.made_with or outcome.made_with,
    )


def stated(folder: Path, name: str) -> MeasurementManifest:
    """What one of its files says; nothing where it cannot be read."""
    try:
        return MeasurementManifest.read(read_object(folder / name, max_bytes=MAX_BYTES))
    except (OSError, ValueError):
        return MeasurementManifest()


def _rows(folder: Path) -> tuple[MeasurementManifest, str]:
    """And why they do not count, empty where they do."""
    try:
        content = read_object(folder / FILE, max_bytes=MAX_BYTES)
    except FileNotFoundError:
        return MeasurementManifest(), f"{FILE} is missing"
    except (OSError, ValueError) as error:
        return MeasurementManifest(), f"{FILE} cannot be read: {str(error).replace(f'{folder}/', '')}"
    rows = MeasurementManifest.read(content)
    trouble = SCHEMA.trouble(content) or ("" if rows.rows is not None else "expected a list under 'rows'")
    return rows, f"{FILE}: {trouble}" if trouble else ""


def _folders(load: Path) -> set[Path]:
    """`latest` and its like are links, and seen already; of a run that decided against a row the folder may be gone."""
    there = {path for path in load.iterdir() if path.is_dir() and not path.is_symlink()} if load.is_dir() else set()
    return there | {load / name for name in names_against(load)}


def _counting(runs: Sequence[LoadRun]) -> Counting:
    newest = next((run for run in reversed(runs) if run.has_rows), None)
    if newest is None:
        return Counting(None, tuple(runs), ())
    place = runs.index(newest)
    known = newest.made_with is not None
    alike = (run for run in runs[:place] if known and run.against and run.made_with == newest.made_with)
    return Counting(newest, tuple(runs[place + 1 :]), tuple(alike))


def _by_name(run: LoadRun) -> str:
    return run.folder.name
