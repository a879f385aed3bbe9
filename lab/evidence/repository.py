"""Which commit something was made with, and whether anything had been changed since."""

from __future__ import annotations

import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import lab


@lru_cache(maxsize=8)
def git_state(folder: str) -> dict[str, Any]:
    """Commit and dirty flag of the repository around a folder; None for both where there is none."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "dirty": None}


def lab_state() -> dict[str, Any]:
    """The lab's own version, commit and dirty flag."""
    return {"version": lab.__version__, **git_state(str(Path(lab.__file__).parent))}


def _git(folder: str, *args: str) -> str:
    answer = subprocess.run(["git", "-C", folder, *args], capture_output=True, text=True, check=True, timeout=10)
    return answer.stdout.strip()
