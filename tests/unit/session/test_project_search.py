"""Which lab.yaml is in force: found upwards from the working folder and from what is run, one for all."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.paths import LOADTESTS, REFERENCE_CONTRACT, SCENARIOS
from lab.session.project_search import find_project, search, shown, shown_from
from lab.session.under_test import system_under_test


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def project(folder: Path, text: str = "contract: Mine.vy\n") -> Path:
    """A folder with a project file; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lab.yaml").write_text(text)
    return folder / "lab.yaml"


def test_upwards_from_a_folder_and_from_a_file(home: Path) -> None:
    """The nearest one counts."""
    outer, inner = project(home / "mono"), project(home / "mono/one")
    scenario = home / "mono/one/scenarios/deep/a.yaml"
    scenario.parent.mkdir(parents=True)
    scenario.touch()
    assert search(scenario) == search(scenario.parent) == inner
    (home / "mono/two").mkdir()
    assert search(home / "mono/two") == outer


def test_where_a_search_ends(home: Path, tmp_path: Path) -> None:
    """At the root of the repository; before the home folder and before a folder for everybody; both count as such."""
    project(home)
    project(home / "mono")
    (home / "mono/repository/.git").mkdir(parents=True)
    (home / "mono/repository/sub").mkdir()
    (home / "elsewhere").mkdir()
    assert search(home / "mono/repository/sub") is None
    assert search(home / "elsewhere") is None
    assert search(home) == home / "lab.yaml"
    everybodys = tmp_path / "everybodys"
    (everybodys / "mine").mkdir(parents=True)
    everybodys.chmod(0o1777)
    project(everybodys)
    assert search(everybodys / "mine") is None
    assert search(everybodys) == everybodys / "lab.yaml"


def test_a_worktree_and_a_link(home: Path) -> None:
    """Of a worktree or submodule `.git` is a file; a project file that is a link to nothing is not overlooked."""
    project(home / "mono")
    tree = home / "mono/tree"
    tree.mkdir()
    (tree / ".git").write_text("gitdir: elsewhere\n")
    assert search(tree) is None
    (tree / "lab.yaml").symlink_to("nowhere.yaml")
    assert search(tree) == tree / "lab.yaml"
    with pytest.raises(UsageError, match=r"lab\.yaml"):
        find_project(tree)


def test_what_is_reached_through_a_link(home: Path) -> None:
    """It belongs to the project where the link lies; where there is none, to that of what the link leads to."""
    one = project(home / "one")
    (home / "one/scenarios").mkdir()
    (home / "one/scenarios/pays.yaml").touch()
    two = project(home / "two", "contract: Other.vy\n")
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    for folder in (elsewhere, two.parent):
        (folder / "folder").symlink_to(home / "one/scenarios")
        (folder / "file.yaml").symlink_to(home / "one/scenarios/pays.yaml")
    for name in ("folder", "folder/pays.yaml", "file.yaml"):
        found = find_project(elsewhere, [elsewhere / name])
        assert found is not None
        assert found.path.samefile(one), name
        theirs = find_project(elsewhere, [two.parent / name])
        assert theirs is not None
        assert theirs.path == two, name
    with pytest.raises(UsageError, match=r"expected one project, found two: .*two/lab\.yaml .*one/lab\.yaml"):
        find_project(two.parent, [elsewhere / "folder"])


def test_the_working_folder_and_what_is_run_must_agree(home: Path) -> None:
    """One file found twice is one, and so are two of one content; two of different content are named both."""
    one, two = project(home / "one"), project(home / "two", "contract: Other.vy\n")
    (home / "one/scenarios").mkdir()
    (home / "free").mkdir()
    found = find_project(one.parent, [one.parent / "scenarios"])
    assert found is not None
    assert found.path == one
    found = find_project(home / "free", [one.parent / "scenarios"])
    assert found is not None
    assert found.path == one
    for start, other in ((one, two), (two, one)):
        with pytest.raises(UsageError) as caught:
            find_project(start.parent, [other.parent])
        assert "~/one/lab.yaml" in str(caught.value)
        assert "~/two/lab.yaml" in str(caught.value)
    with pytest.raises(UsageError):
        find_project(home / "free", [one.parent, two.parent])
    two.write_text(f"contract: {one.parent}/Mine.vy\n")
    assert find_project(one.parent, [two.parent]) is not None


def test_what_the_lab_brings_has_no_project(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder decides, also where the lab is installed inside of somebody's repository."""
    mine = project(home / "mine")
    for own in (SCENARIOS, SCENARIOS / "failures/window_boundaries.yaml", LOADTESTS / "buffer.yaml"):
        found = find_project(mine.parent, [own])
        assert found is not None
        assert found.path == mine
    installed = home / "theirs/.venv/lab/_data/scenarios"
    installed.mkdir(parents=True)
    project(home / "theirs", "contract: Theirs.vy\n")
    monkeypatch.setattr("lab.paths.SCENARIOS", installed)
    assert find_project(home, [installed]) is None


@pytest.mark.parametrize(
    ("named", "declared"), [("", 4), ("relayer_cmd: ./mine\n", 4), ("relayer_cmd: ./another\n", None)]
)
def test_what_is_declared_holds_for_a_relayer_of_the_command_line(
    tmp_path: Path, named: str, declared: int | None
) -> None:
    """Unless the file names another one: the bounds of L1 and L2 count on it."""
    (tmp_path / "lab.yaml").write_text(f"{named}relayer: {{poll: 5s, steps: 4}}\n")
    system = system_under_test(contract=None, relayer_cmd="./mine", working_folder=tmp_path)
    assert system.relayer is not None
    assert system.relayer.declared.steps == declared


def described(folder: Path, contract: str | None = None, relayer_cmd: str | None = None) -> tuple[Path, str]:
    """The contract under test, and the first line of a run."""
    system = system_under_test(
        contract=Path(contract) if contract else None, relayer_cmd=relayer_cmd, working_folder=folder
    )
    return system.contract, system.described("Mine").line


def test_the_first_line_says_what_is_under_test_and_why(home: Path) -> None:
    """An option wins over lab.yaml, lab.yaml over the reference; what is missing has its reason."""
    folder = home / "work"
    folder.mkdir()
    assert described(folder) == (
        REFERENCE_CONTRACT,
        "contract Mine (reference: no lab.yaml found from ~/work upwards); relayer reference; project none",
    )
    (folder / "lab.yml").touch()
    assert "no lab.yaml found from ~/work upwards, lab.yml is not read" in described(folder)[1]
    (folder / "lab.yml").unlink()
    assert described(folder, "a/B.vy", "./relay --fast") == (
        folder / "a/B.vy",
        "contract Mine (a/B.vy, from the command line); relayer ./relay --fast (from the command line); "
        "project none: no lab.yaml found from ~/work upwards",
    )
    project(folder, "contract: c/Mine.vy\nrelayer_cmd: ./relay\n")
    assert described(folder) == (
        folder / "c/Mine.vy",
        "contract Mine (c/Mine.vy, from lab.yaml); relayer ./relay (from lab.yaml); project ~/work/lab.yaml",
    )
    assert "relayer reference (from the command line)" in described(folder, relayer_cmd="")[1]
    project(folder, "relayer_cmd: ./relay\n")
    assert described(folder)[0] == REFERENCE_CONTRACT
    assert "reference: lab.yaml names no contract" in described(folder)[1]
    (folder / "sub").mkdir()
    assert "relayer ./relay (from ../lab.yaml)" in described(folder / "sub")[1]


def test_a_relayer_runs_in_the_folder_of_its_project(home: Path) -> None:
    """Wherever the command was called."""
    project(home / "work", "relayer_cmd: ./relay\n")
    (home / "work/sub").mkdir()
    system = system_under_test(contract=None, relayer_cmd=None, working_folder=home / "work/sub")
    assert system.relayer is not None
    assert system.relayer.folder == home / "work"


def test_paths_are_shown_without_the_home_folder(home: Path) -> None:
    """And relative where that is short."""
    assert shown(home / "a") == "~/a"
    assert shown(home) == "~"
    assert shown(Path("/a")) == "/a"
    assert shown(home.with_name("home2")) == str(home.with_name("home2"))
    assert shown_from(home / "a", home / "b/c/d/e") == "~/a"
