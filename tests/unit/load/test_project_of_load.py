"""Which project a load is of: the same from anywhere in it, and never another one of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.evidence.load_runs import counting_loads
from lab.load.profile.profile import load_profile
from lab.load.record.begun import new_folder
from lab.session.project_search import find_project, project_folder

from ..evidence.test_repository import git

# What a project is told by, and where it is.
TOLD: dict[str, tuple[str, ...]] = {
    "lab.yaml": ("app/lab.yaml", "pyproject.toml"),
    "pytest's configuration": ("app/pyproject.toml",),
    "the repository": (),
}


def begun(here: Path, results: Path, patch: pytest.MonkeyPatch) -> Path:
    """The folder of a load that was started there."""
    patch.chdir(here)
    return new_folder(results, load_profile("buffer"), find_project(here))[1]


@pytest.mark.parametrize("told", TOLD)
def test_a_load_from_a_subfolder_is_of_the_same_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    """One profile of one project: the later run stands for the earlier."""
    root, results = tmp_path / "repository", tmp_path / "results"
    (root / "app" / "sub" / "deep").mkdir(parents=True)
    for name in TOLD[told]:
        (root / name).write_text("contract: coordinator.vy\n" if name.endswith(".yaml") else "")
    git(tmp_path, "init", "-q", "repository")
    git(root, "commit", "-q", "--allow-empty", "-m", "first")
    first, *others = [root / "app", root / "app" / "sub", root / "app" / "sub" / "deep"]
    folders = [begun(here, results, monkeypatch) for here in (first, *others)]
    (counting,) = counting_loads(results / "load")
    assert {run.folder for run in counting.unfinished} == set(folders)
    assert len({run.project for run in counting.unfinished}) == 1
    assert all(run.project for run in counting.unfinished)
    begun(root, results, monkeypatch)
    assert len(counting_loads(results / "load")) == (1 if told == "the repository" else 2)


def test_without_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that keeps its results inside is known by nothing, from a subfolder, too."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "lab.yaml").write_text("contract: coordinator.vy\n")
    for here in (tmp_path, tmp_path / "sub"):
        begun(here, tmp_path / "results", monkeypatch)
        assert project_folder(find_project(here)) == tmp_path
    (counting,) = counting_loads(tmp_path / "results" / "load")
    assert {run.project for run in counting.unfinished} == {()}
