"""Which commit something was made with, and whether anything had been changed since."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import lab
from lab.environment import git
from lab.errors import EnvironmentFailure


@lru_cache(maxsize=8)
def git_state(folder: str) -> dict[str, Any]:
    """Commit and dirty flag of the repository around a folder; None for what git cannot say, as without a commit."""
    try:
        commit = git(Path(folder), "rev-parse", "--verify", "HEAD")
    except EnvironmentFailure:
        return {"commit": None, "dirty": None}
    try:
        return {"commit": commit, "dirty": bool(git(Path(folder), "status", "--porcelain", "--untracked-files=no"))}
    except EnvironmentFailure:
        # A bare repository, or a hook in its `.git`, has a commit and no files that could differ from it.
        return {"commit": commit, "dirty": None}


def lab_state() -> dict[str, Any]:
    """The lab's own version, commit and dirty flag."""
    return {"version": lab.__version__, **git_state(str(Path(lab.__file__).parent))}
