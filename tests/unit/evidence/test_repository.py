"""Which commit something was made with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import lab
from lab.evidence.repository import git_state, lab_state


def git(folder: Path, *args: str) -> str:
    """Run git there."""
    options = ("-c", "user.name=a", "-c", "user.email=a@b")
    command = ["git", "-C", str(folder), *options, *args]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_commit_and_changes_since(tmp_path: Path) -> None:
    """A file that git does not know is no change of what it does."""
    assert git_state(str(tmp_path)) == {"commit": None, "dirty": None}
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "a").write_text("1")
    git(folder, "add", "a")
    git(folder, "commit", "-qm", "a")
    (folder / "b").write_text("1")
    head = git(folder, "rev-parse", "HEAD")
    assert git_state(str(folder)) == {"commit": head, "dirty": False}
    git_state.cache_clear()
    (folder / "a").write_text("2")
    assert git_state(str(folder)) == {"commit": head, "dirty": True}


def test_the_lab_says_its_version() -> None:
    """With or without a repository around it."""
    assert lab_state()["version"] == lab.__version__
