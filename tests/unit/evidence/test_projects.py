"""What a project is known by: the same wherever it is, and never that of another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.evidence.projects import project_marks, projects_of

from .test_repository import git


def repository(folder: Path, word: str) -> Path:
    """With one commit."""
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "a").write_text(word)
    (folder / "app").mkdir()
    (folder / "app" / "b").write_text(word)
    git(folder, "add", ".")
    git(folder, "commit", "-qm", word)
    return folder


def same(one: Path, other: Path, results: Path) -> bool:
    return bool(set(project_marks(one, results)) & set(project_marks(other, results)))


def test_clones_and_worktrees_are_one_project(tmp_path: Path) -> None:
    """Later commits, another branch and a moved folder change nothing."""
    first = repository(tmp_path / "first", "one")
    git(tmp_path, "clone", "-q", str(first), "second")
    git(first, "worktree", "add", "-q", "-b", "branch", str(tmp_path / "third"))
    git(tmp_path / "third", "commit", "-q", "--allow-empty", "-m", "later")
    for name in ("second", "third"):
        assert same(first, tmp_path / name, tmp_path)
    assert not same(first, first / "app", tmp_path)
    assert same(first / "app", tmp_path / "second" / "app", tmp_path)
    assert not same(first, repository(tmp_path / "other", "two"), tmp_path)


def test_a_folder_of_scenarios_is_no_project_of_its_own(tmp_path: Path) -> None:
    """Paths of files are recorded as from the folder above; one of a longer name is another."""
    first = repository(tmp_path / "first", "one")
    (first / "app" / "scenarios").mkdir()
    (first / "scenarios").mkdir()
    (first / "my-scenarios").mkdir()
    assert same(first, first / "scenarios", tmp_path)
    assert same(first / "app", first / "app" / "scenarios", tmp_path)
    assert not same(first, first / "my-scenarios", tmp_path)


def test_a_shallow_clone_is_known_by_its_origin(tmp_path: Path) -> None:
    """The commit where it is cut off is not the first one."""
    first = repository(tmp_path / "first", "one")
    git(first, "commit", "-q", "--allow-empty", "-m", "later")
    git(tmp_path, "clone", "-q", "--depth", "1", first.as_uri(), "cut")
    assert project_marks(tmp_path / "cut", tmp_path) == ()
    project_marks.cache_clear()
    git(tmp_path / "cut", "remote", "set-url", "origin", "https://user:secret@host.example:443/o/r.git")
    git(first, "remote", "add", "origin", "git@host.example:o/r")
    assert same(first, tmp_path / "cut", tmp_path)


@pytest.mark.parametrize(
    "url", ["ssh://git@Host.example:22/o/r", "https://host.example/o/r.git/", "host.example:o/r.git"]
)
def test_one_origin_in_many_spellings(tmp_path: Path, url: str) -> None:
    first, second = repository(tmp_path / "first", "one"), repository(tmp_path / "second", "two")
    git(first, "remote", "add", "origin", url)
    git(second, "remote", "add", "origin", "git@host.example:o/r.git")
    assert same(first, second, tmp_path)


def test_without_a_repository(tmp_path: Path) -> None:
    """Who shares a folder is known by the way from there; who has one of his own needs no name."""
    assert project_marks(tmp_path / "a", tmp_path / "a" / "results") == ()
    here, there = (project_marks(tmp_path / name, tmp_path / "results") for name in "ab")
    assert all((here, there))
    assert here != there


def test_marks_that_are_stated_together_are_of_one_project() -> None:
    found = projects_of([("a",), ("b",), (), ("c", "d"), ("b", "d")])
    assert found == {"a": "a", "b": "b", "c": "b", "d": "b"}
