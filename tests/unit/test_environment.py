"""Machines of every kind: no home, no name, no writing, a hook's git, a terminal without arrows."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lab import environment
from lab.environment import (
    cache_folder,
    caches,
    git,
    git_environment,
    home,
    temporary_folder,
    user_name,
    without_home,
)
from lab.errors import EnvironmentFailure
from lab.evidence.repository import git_state


def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without HOME, name and entry, as a container's often is."""
    monkeypatch.delenv("HOME", raising=False)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr("pwd.getpwuid", unknown)


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The temporary folder of this test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return tmp_path


def test_a_user_without_name_and_home(monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    """The cache is a private temporary folder, the name a number, and no text is changed."""
    nobody(monkeypatch)
    assert home() is None
    assert user_name() == f"uid {os.getuid()}"
    assert without_home("/a/b") == "/a/b"
    assert cache_folder() == temporary / f"tesseract-lab-cache-{os.getuid()}"
    assert cache_folder().stat().st_mode & 0o777 == 0o700
    environment.give_home()
    assert Path.home() == Path("/")
    assert without_home("/a/b") == "/a/b"


def test_a_home_that_cannot_be_written_to(monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    """What lies in its cache is used, and new things go elsewhere."""
    (temporary / "home").write_text("a file where the folder should be")
    monkeypatch.setenv("HOME", str(temporary / "home"))
    spare = temporary / f"tesseract-lab-cache-{os.getuid()}"
    assert caches() == [temporary / "home" / ".cache" / "tesseract-lab", spare]


@pytest.mark.parametrize("kind", ["link", "open to all"])
def test_a_spare_cache_of_somebody_else_is_refused(monkeypatch: pytest.MonkeyPatch, temporary: Path, kind: str) -> None:
    """Binaries are run from there."""
    nobody(monkeypatch)
    spare = temporary / f"tesseract-lab-cache-{os.getuid()}"
    if kind == "link":
        (temporary / "theirs").mkdir()
        spare.symlink_to(temporary / "theirs")
    else:
        spare.mkdir()
        spare.chmod(0o777)
    with pytest.raises(EnvironmentFailure, match=r"not this user's alone.*XDG_CACHE_HOME"):
        cache_folder()


@pytest.mark.parametrize("named", ["cache", "./cache", "~/.cache", ""])
def test_a_relative_cache_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str) -> None:
    """As the specification of these variables asks."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    assert cache_folder() == tmp_path / ".cache" / "tesseract-lab"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "named"))
    assert cache_folder() == tmp_path / "named" / "tesseract-lab"


def test_no_temporary_folder_is_an_error_with_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own error names folders, and not what to do."""

    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(EnvironmentFailure, match="TMPDIR"):
        temporary_folder()


def repository(folder: Path) -> str:
    """A repository with one commit; its id."""
    folder.mkdir()
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", folder.name]):
        subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, env=git_environment())
    return git(folder, "rev-parse", "HEAD")


def test_a_hook_does_not_change_which_repository_is_meant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Git tells its hooks where their repository is, and every git that they start believes it."""
    mine, other = repository(tmp_path / "mine"), repository(tmp_path / "other")
    assert mine != other
    hook = tmp_path / "other" / ".git"
    for name, value in {"GIT_DIR": hook, "GIT_WORK_TREE": hook.parent, "GIT_INDEX_FILE": hook / "index"}.items():
        monkeypatch.setenv(name, str(value))
    assert git(tmp_path / "mine", "rev-parse", "HEAD") == mine
    assert git_state(str(tmp_path / "mine")) == {"commit": mine, "dirty": False}


def test_a_bare_repository_and_a_worktree_have_a_commit(tmp_path: Path) -> None:
    """A bare one has no files that could differ, so that is not known."""
    commit = repository(tmp_path / "mine")
    git(tmp_path / "mine", "clone", "-q", "--bare", ".", str(tmp_path / "bare"))
    git(tmp_path / "mine", "worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    assert git_state(str(tmp_path / "bare")) == {"commit": commit, "dirty": None}
    assert git_state(str(tmp_path / "tree")) == {"commit": commit, "dirty": False}


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo \"fatal: detected dubious ownership in repository at '/x'\" >&2; exit 128", "safe.directory"),
        ("echo 'fatal: not a git repository' >&2; exit 128", "not a git repository"),
        ("exit 3", "exit code 3"),
    ],
)
def test_what_git_will_not_do_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, words: str) -> None:
    """Its reason in one line, and for another user's folder the command that allows it."""
    (tmp_path / "git").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(EnvironmentFailure, match=words):
        git(tmp_path, "rev-parse", "HEAD")


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And no stack trace."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFailure, match="not installed"):
        git(tmp_path, "rev-parse", "HEAD")


@pytest.mark.parametrize(("columns", "kept"), [("0", None), ("1", None), ("80", "80"), ("wide", "wide"), ("", "")])
def test_a_width_that_shows_nothing_is_none(monkeypatch: pytest.MonkeyPatch, columns: str, kept: str | None) -> None:
    """Tables of `lab doctor` and others were empty lines."""
    monkeypatch.setenv("COLUMNS", columns)
    environment.ignore_useless_width()
    assert os.environ.get("COLUMNS") == kept


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_stream_takes_what_its_encoding_lacks(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """As an escape, in place of an error."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    environment.let_streams_take_any_text()
    print("a → b \udcff", flush=True)
    assert raw.getvalue().startswith(b"a \\u2192 b")
