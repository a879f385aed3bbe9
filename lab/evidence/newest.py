"""Which of all runs that a results folder keeps a report reads: the newest one of each item, over all sessions.

Where an item ran with what is in force, runs with another contract or relayer neither count nor hide it.

A run that went worse with exactly the same things, or in the same session, is not hidden by a later one that went
better, and neither is one whose manifest cannot be read or was changed. A run that did not end counts until its item
ran again in a later session, and beside it the last one that ended. Manifests and some verdicts are read here,
histories never.
"""

from __future__ import annotations

import errno
import itertools
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lab.bounded_files import UnfitFile
from lab.errors import EvidenceFailure
from lab.evidence.folder import HISTORY, MANIFEST, VERDICT, RunFolder
from lab.evidence.in_force import ANYTHING, InForce
from lab.evidence.manifest import RunManifest
from lab.evidence.outcomes import names_against
from lab.evidence.projects import told_apart
from lab.evidence.seal import STARTED
from lab.model.verdict import Verdict, merge
from lab.paths import real_path

LATEST = "latest"
# Manifests and verdicts of the runs that count, each of which takes ten times as much in memory. One that is gone takes
# as much as others.
TOGETHER_BYTES_MAX, RUN_BYTES = 20 << 20, 6_000
# Over all files that runs are of.
ITEMS_MAX = 200_000
_SESSION = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
_TRY = re.compile("[1-9][0-9]{0,3}")  # the number of another try of a run in its session: `pays~2`
# File, item, whether it is a user's file under a name of the library's, and the project where there are several.
_Key = tuple[str, str, bool, str]


@dataclass(frozen=True, slots=True)
class Selection:
    """The runs that count, in the order of their sessions."""

    runs: tuple[RunFolder, ...]

    @property
    def sessions(self) -> tuple[Path, ...]:
        """The folders of the sessions that they are from, oldest first."""
        return tuple(dict.fromkeys(run.path.parent for run in self.runs))

    def __str__(self) -> str:
        runs, sessions = len(self.runs), len(self.sessions)
        return f"{runs} run{'' if runs == 1 else 's'} of {sessions} session{'' if sessions == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class _Run:
    """What a manifest says, as far as it decides which run counts. `family` is every item that the file means."""

    folder: RunFolder
    key: _Key
    order: tuple[datetime, int, int]
    family: frozenset[str]
    project: tuple[str, ...]
    contract_sha256: str | None
    relayer_sha256: str | None
    made_with: str | None
    ended: bool
    failed: bool

    def verdict(self) -> Verdict:
        """FAIL where any part of the evidence says so, else UNKNOWN where it cannot be read."""
        if self.failed:
            return Verdict.FAIL
        try:
            return self.folder.verdict().verdict
        except EvidenceFailure:
            return Verdict.UNKNOWN


class Recorded:
    """All runs of a results folder, read once: what counts of them hangs on the contract and the relayer in force.

    An item is a scenario's file and the item's name, in one project: in a folder of several each has its own, and so
    have runs that do not say of which they are. One that its file no longer means is left out. A folder whose manifest
    is unreadable or changed counts until a later session of its project has a good one of the same name.
    """

    def __init__(self, results: Path) -> None:
        self._results = results
        self._place = {session: number for number, session in enumerate(sessions(results))}
        by_item, unreadable = _by_item(results, self._place)
        ordered = [sorted(runs, key=lambda run: run.order, reverse=True) for runs in by_item.values()]
        self._items = list(_still_meant(ordered))
        self._unreadable = unreadable

    def newest(self, in_force: InForce = ANYTHING) -> Selection:
        """What a report rests on: of each item the newest run with what is in force, else the newest of all."""
        chosen = [run for runs in self._items for run in _counting(in_force.of(runs))]
        folders = [*(run.folder for run in chosen), *self._unreadable]
        require_bearable(self._results, folders)
        return Selection(tuple(sorted(folders, key=lambda run: (self._place[run.path.parent], run.path.name))))

    def tried(self, among: Container[Path]) -> set[InForce]:
        """Every contract with every relayer that ran in one of these sessions."""
        runs = (run for runs in self._items for run in runs if run.folder.path.parent in among)
        return {InForce(run.contract_sha256, run.relayer_sha256) for run in runs}


def newest_runs(results: Path, in_force: InForce = ANYTHING) -> Selection:
    """What a report over this folder rests on; evidence that cannot be read never raises."""
    return Recorded(results).newest(in_force)


def _by_item(results: Path, place: Mapping[Path, int]) -> tuple[dict[_Key, list[_Run]], list[RunFolder]]:
    """The runs of each item, and the folders that do not say what they are of."""
    by_item: dict[_Key, list[_Run]] = {}
    unreadable: dict[tuple[str, str], list[RunFolder]] = {}
    families = _Families(results)
    read = {session: _read_session(session, number, families) for session, number in place.items()}
    project = _projects(read)
    for session, runs in read.items():
        for folder, run in runs:
            name = (_try_of(folder.path)[0], project[session])
            before = [other for other in unreadable.get(name, []) if other.path.parent == session]
            if run is None:
                unreadable[name] = [*before, folder]
            else:
                unreadable[name] = before
                key = (*run.key[:3], project[session])
                by_item.setdefault(key, []).append(replace(run, key=key))
    return by_item, list(itertools.chain(*unreadable.values()))


def require_bearable(place: Path, folders: Iterable[RunFolder]) -> None:
    """Raises UnfitFile where the evidence of these runs is more than a report keeps in memory at once."""
    size = sum(max(RUN_BYTES, _size(run.path / MANIFEST) + _size(run.path / VERDICT)) for run in folders)
    if size > TOGETHER_BYTES_MAX:
        raise UnfitFile(
            place, f"expected manifests and verdicts of at most {TOGETHER_BYTES_MAX} bytes together, got {size}: "
            "take sessions away, or give each project its own --results", code=errno.EFBIG,
        )  # fmt: skip


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


class _Families:
    """The items that files mean, each list once, since all runs of a file name the same."""

    def __init__(self, results: Path) -> None:
        self._results, self._known, self._items = results, dict[frozenset[str], frozenset[str]](), 0

    def one(self, items: Iterable[str]) -> frozenset[str]:
        """Raises UnfitFile where manifests name more than anybody has."""
        family = frozenset(items)
        if family not in self._known:
            self._items += len(family)
            if self._items > ITEMS_MAX:
                raise UnfitFile(self._results, f"expected manifests that name at most {ITEMS_MAX} items, got more")
            self._known[family] = family
        return self._known[family]


def _read_session(session: Path, number: int, families: _Families) -> list[tuple[RunFolder, _Run | None]]:
    return [(folder, _read(folder, number, attempt, families)) for attempt, folder in enumerate(all_runs_of(session))]


def _projects(read: Mapping[Path, Iterable[tuple[RunFolder, _Run | None]]]) -> dict[Path, str]:
    """Of each session, by what its runs state."""
    stated = [[mark for _, run in runs if run for mark in run.project] for runs in read.values()]
    return dict(zip(read, told_apart(stated), strict=True))


def sessions(results: Path) -> list[Path]:
    """The folders of all sessions, oldest first by their names; what `latest` leads to is one whatever its name."""
    if not results.is_dir():
        return []
    named = (path for path in results.iterdir() if _SESSION.fullmatch(path.name))
    folders = sorted(path for path in named if path.is_dir() and not path.is_symlink())
    latest = latest_session(results)
    return folders if latest is None or latest in folders else [*folders, latest]


def latest_session(results: Path) -> Path | None:
    """What `latest` leads to, by its own name, which is what evidence is called by; None where it leads nowhere."""
    link = results / LATEST
    if not link.is_dir():
        return None
    return results / real_path(link).name if link.is_symlink() else link


def runs_of(session: Path) -> list[RunFolder]:
    """Every folder of a session that holds a part of a run's evidence, or nothing: it was made for a run."""
    folders = (path for path in session.iterdir() if path.is_dir()) if session.is_dir() else ()
    return [RunFolder(path) for path in sorted(filter(_is_run, folders), key=_try_of)]


def all_runs_of(session: Path) -> list[RunFolder]:
    """The same, and the folders of runs that failed and of which nothing else is left than that they did."""
    runs = runs_of(session)
    left = {run.path.name for run in runs}
    gone = (RunFolder(session / name) for name in names_against(session) - left)
    return sorted([*runs, *(run for run in gone if run.outcome().is_failure)], key=lambda run: _try_of(run.path))


def _is_run(folder: Path) -> bool:
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError:
        return True
    return not names or bool(names & {MANIFEST, VERDICT, HISTORY})


def _try_of(folder: Path) -> tuple[str, int]:
    """The run that a folder is named after, and which try of it this was, the first being 0."""
    name, _, number = folder.name.rpartition("~")
    return (name, int(number)) if name and _TRY.fullmatch(number) else (folder.name, 0)


def moment_of(text: object) -> datetime | None:
    """A recorded ISO time; UTC where it names no zone, None where it is no time."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _read(folder: RunFolder, session: int, attempt: int, families: _Families) -> _Run | None:
    outcome = folder.outcome()
    try:
        manifest = RunManifest.read(folder.sealed_manifest())
        made_with = manifest.made_with
    except EvidenceFailure:
        if not outcome.is_failure:
            return None
        manifest, made_with = RunManifest.read(outcome.as_json()), outcome.made_with
    moment = moment_of(manifest.started)
    if manifest.scenario_file is None or manifest.item is None or moment is None:
        return None
    return _Run(
        folder=folder,
        key=(manifest.scenario_file, manifest.item, manifest.library == "", ""),
        order=(moment, session, attempt),
        family=families.one(manifest.scenario_items),
        project=manifest.project,
        contract_sha256=manifest.contract.bytecode_sha256,
        relayer_sha256=manifest.relayer.digest,
        made_with=made_with,
        ended=manifest.state != STARTED,
        failed=manifest.verdict == Verdict.FAIL or outcome.is_failure,
    )


def _still_meant(items: Iterable[list[_Run]]) -> Iterator[list[_Run]]:
    """Without items that the newest run of their file no longer names: its matrix was changed."""
    given = list(items)
    newest: dict[tuple[str, bool, str], _Run] = {}
    for run, *_ in given:
        # A test in Python names itself only, and says nothing of the other tests in its file.
        file, item, namesake, project = run.key
        if file.endswith((".yaml", ".yml")) and item in run.family:
            named = (file, namesake, project)
            newest[named] = max(newest.get(named, run), run, key=lambda run: run.order)
    for runs in given:
        file, item, namesake, project = runs[0].key
        if (file, namesake, project) not in newest or item in newest[file, namesake, project].family:
            yield runs


def _counting(runs: Sequence[_Run]) -> Iterator[_Run]:
    """The newest, and the latest of those that went worst with the same things if that is worse. Newest run first."""
    newest = runs[0]
    yield newest
    last = next((run for run in runs if run.ended), newest)
    alike = [run for run in runs[1:] if run is last or run.order[1] == newest.order[1] or _again(run, newest)]
    if not alike:
        return
    worst, kept = newest.verdict(), None
    for run in alike:
        verdict = run.verdict()
        if merge((verdict, worst)) is not worst:
            worst, kept = verdict, run
    if kept is not None:
        yield kept


def _again(run: _Run, newest: _Run) -> bool:
    """Whether the newest one repeats this run with the same things. One that did not end has no verdict to repeat."""
    return run.ended and newest.made_with is not None and run.made_with == newest.made_with
