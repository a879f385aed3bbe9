"""Which commit something was made with, and whether anything had been changed since."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import lab
from lab.environment import git
from lab.errors import EnvironmentFailure
from lab.paths import CHECKOUT, PACKAGE

NOTHING_KNOWN: dict[str, Any] = {"commit": None, "dirty": None}
DISTRIBUTION = "tesseract-lab"


@lru_cache(maxsize=8)
def git_state(folder: str) -> dict[str, Any]:
    """Commit and dirty flag of the repository around a folder; None for what git cannot say, as without a commit."""
    try:
        commit = git(Path(folder), "rev-parse", "--verify", "HEAD")
    except EnvironmentFailure:
        return NOTHING_KNOWN
    try:
        return {"commit": commit, "dirty": bool(git(Path(folder), "status", "--porcelain", "--untracked-files=no"))}
    except EnvironmentFailure:
        # A bare repository, or a hook in its `.git`, has a commit and no files that could differ from it.
        return {"commit": commit, "dirty": None}


def lab_state() -> dict[str, Any]:
    """The lab's own version, commit and dirty flag."""
    return {"version": lab.__version__, **own_state(CHECKOUT)}


@lru_cache(maxsize=4)
def package_sha256(package: str) -> str:
    """One digest over the sources of a part of the lab."""
    digest = hashlib.sha256()
    for path in sorted((PACKAGE / package).rglob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@lru_cache(maxsize=8)
def own_state(checkout: Path | None) -> dict[str, Any]:
    """Of the lab itself. A repository that an installed lab, or a copy of it, happens to lie in says nothing of it."""
    if checkout is None:
        return _installed_state()
    try:
        top = git(checkout, "rev-parse", "--show-toplevel")
    except EnvironmentFailure:
        return NOTHING_KNOWN
    return git_state(str(checkout)) if Path(top).resolve() == checkout.resolve() else NOTHING_KNOWN


@lru_cache(maxsize=1)
def _installed_state() -> dict[str, Any]:
    """An installation from a git address notes the commit (PEP 610); one from an index or a file has none."""
    try:
        noted = json.loads(distribution(DISTRIBUTION).read_text("direct_url.json") or "{}")
        commit = noted.get("vcs_info", {}).get("commit_id")
    except (PackageNotFoundError, OSError, ValueError, AttributeError):
        return NOTHING_KNOWN
    return {"commit": commit, "dirty": False} if isinstance(commit, str) else NOTHING_KNOWN
