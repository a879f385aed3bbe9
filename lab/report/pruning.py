"""Removes old run folders, and never the history of reports: trends survive what they were drawn from."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from lab.evidence.in_force import InForce
from lab.evidence.load_runs import LoadRun, counting_loads, read_load_run
from lab.evidence.newest import Recorded, sessions
from lab.paths import real_path
from lab.report.evidence.report_history import prune_summaries

MAX_REPORTS = 1_000
_MOMENT = re.compile(r"\d{8}-\d{6}(-[0-9a-f]{4})?")


@dataclass(frozen=True, slots=True)
class Pruned:
    """`gone` are the folders that went, `needed` the older sessions that stay because a report reads runs of them."""

    gone: tuple[Path, ...]
    needed: tuple[Path, ...]


def prune(results: Path, keep: int, *, dry_run: bool = False) -> Pruned:
    """Keep the newest `keep` sessions and the newest `keep` load runs of each profile.

    What `latest` leads to always stays, and so does every folder that is not named like a session. An older session
    stays as long as the newest run of some item is in it, be it of any contract and relayer that the kept sessions ran:
    no verdict of a report about one of these changes by pruning.
    """
    kept = sessions(results)
    old = _but_latest(kept[: max(0, len(kept) - keep)], results)
    recorded, new = Recorded(results), [session for session in kept if session not in old]
    tried = (InForce(), *sorted(recorded.tried(new), key=repr))
    read = {session for in_force in tried for session in recorded.newest(in_force).sessions}
    gone = [*(session for session in old if session not in read), *_old_loads(results / "load", keep)]
    if not dry_run:
        for folder in gone:
            shutil.rmtree(folder)
        prune_summaries(results, MAX_REPORTS)
    return Pruned(tuple(gone), tuple(session for session in old if session in read))


def _old_loads(load: Path, keep: int) -> list[Path]:
    """Of each profile all but the newest ones and those that count."""
    if not load.is_dir():
        return []
    profiles: dict[tuple[str, str | None], list[LoadRun]] = {}
    for path in sorted(path for path in load.iterdir() if _is_run(path) and (path / "manifest.json").is_file()):
        if _MOMENT.search(path.name) is not None:
            run = read_load_run(path)
            profiles.setdefault(run.profile, []).append(run)
    old = [run.folder for runs in profiles.values() for run in runs[: max(0, len(runs) - keep)]]
    new = (run for runs in profiles.values() for run in runs[max(0, len(runs) - keep) :])
    tried = {InForce(), *(InForce(run.contract_sha256, run.relayer_sha256) for run in new)}
    counts = {run.folder for in_force in tried for counting in counting_loads(load, in_force) for run in counting}
    return _but_latest([path for path in old if path not in counts], load)


def _is_run(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _but_latest(folders: list[Path], parent: Path) -> list[Path]:
    latest = real_path(parent / "latest")
    return [folder for folder in folders if real_path(folder) != latest]
