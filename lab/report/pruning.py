"""Removes old run folders, and never the history of reports: trends survive what they were drawn from."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from lab.report.past import prune as prune_history

_SESSION = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
MAX_REPORTS = 1_000


def prune(results: Path, keep: int, *, dry_run: bool = False) -> tuple[Path, ...]:
    """Keep the newest `keep` sessions and the newest `keep` load runs of each profile; returns what went.

    What `latest` leads to always stays, and so does every folder that is not named like a session.
    """
    gone = [*_old(results, keep), *_old_loads(results / "load", keep)]
    if not dry_run:
        for folder in gone:
            shutil.rmtree(folder)
        prune_history(results, MAX_REPORTS)
    return tuple(gone)


def _old(results: Path, keep: int) -> list[Path]:
    if not results.is_dir():
        return []
    sessions = sorted(path for path in results.iterdir() if _is_run(path) and _SESSION.fullmatch(path.name))
    return _but_latest(sessions[: max(0, len(sessions) - keep)], results)


def _old_loads(load: Path, keep: int) -> list[Path]:
    if not load.is_dir():
        return []
    profiles: dict[str, list[Path]] = {}
    for path in sorted(path for path in load.iterdir() if _is_run(path) and (path / "manifest.json").is_file()):
        match = re.search(r"\d{8}-\d{6}(-[0-9a-f]{4})?", path.name)
        if match is not None:
            profiles.setdefault(path.name.replace(match[0], ""), []).append(path)
    return _but_latest([path for paths in profiles.values() for path in paths[: max(0, len(paths) - keep)]], load)


def _is_run(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _but_latest(folders: list[Path], parent: Path) -> list[Path]:
    latest = (parent / "latest").resolve()
    return [folder for folder in folders if folder.resolve() != latest]
