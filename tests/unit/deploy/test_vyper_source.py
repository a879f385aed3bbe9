"""import_closure and search paths: the files that decide a source's bytecode, wherever people keep them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.deploy.vyper.search_paths import find_search_paths
from lab.deploy.vyper.source import import_closure, read_source


def test_the_closure_follows_every_form_of_import(tmp_path: Path) -> None:
    """Plain, dotted, from, relative, in parentheses, of an interface, and of a module that imports another."""
    (tmp_path / "pyproject.toml").touch()
    files = {
        "src/main.vy": "import one\nimport lib.two as two\nfrom lib import three, four\nfrom . import five\n"
        "from .. import six\nfrom lib.deep import (\n    seven,\n    eight as e, # why\n)\n"
        "from ethereum.ercs import IERC20\n",
        "src/one.vy": "import inner\n",
        "src/inner.vyi": "",
        "lib/two.vy": "from . import near\n",
        "lib/near.vy": "",
        "lib/three.vy": "",
        "lib/four.json": "[]",
        "src/five.vy": "import one\n",
        "six.vy": "",
        "lib/deep/seven.vy": "",
        "lib/deep/eight.vy": "",
        "src/unrelated.vy": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    main = tmp_path / "src/main.vy"
    found = import_closure(main, find_search_paths(main))
    assert found[0] == main
    assert {str(file.relative_to(tmp_path)) for file in found} == files.keys() - {"src/unrelated.vy"}


def test_a_cycle_of_imports_ends(tmp_path: Path) -> None:
    """The compiler will refuse it; reading it must not hang."""
    (tmp_path / "a.vy").write_text("import b\n")
    (tmp_path / "b.vy").write_text("import a\n")
    source = read_source(tmp_path / "a.vy")
    assert [name for name, _ in source.sources] == ["a.vy", "b.vy"]


def lay(root: Path, files: dict[str, str]) -> Path:
    """Write files below a folder; returns the first."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root / next(iter(files))


@pytest.mark.parametrize(
    ("main", "module"),
    [
        ("Main.vy", "toolbox/auth.vy"),
        ("contracts/deep/Main.vy", "contracts/toolbox/auth.vy"),
        ("src/Main.vy", "contracts/toolbox/auth.vy"),
        ("contracts/Main.vy", "interfaces/toolbox/auth.vyi"),
        ("contracts/Main.vy", "lib/pypi/toolbox/auth.vy"),
        ("contracts/Main.vy", "lib/github/toolbox/auth.vy"),
        ("contracts/Main.vy", "lib/github/somebody/toolbox/src/toolbox/auth.vy"),
        ("src/Main.vy", "lib/toolbox/src/toolbox/auth.vy"),
        ("contracts/Main.vy", "node_modules/toolbox/auth.json"),
        ("contracts/Main.vy", ".venv/lib/python3.12/site-packages/toolbox/auth.vy"),
    ],
)
def test_modules_are_found_in_the_layouts_of_people(tmp_path: Path, main: str, module: str) -> None:
    """Of plain folders, moccasin, Foundry, Hardhat, and a project with an environment of its own."""
    path = lay(tmp_path, {main: "from toolbox import auth\n", module: "", "moccasin.toml": ""})
    assert list(import_closure(path, find_search_paths(path))) == [path, tmp_path / module]


def test_modules_above_the_project_and_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A monorepo's packages see what is at its root, and the folder of the command is searched as by the compiler."""
    main = "packages/one/contracts/Main.vy"
    files = {main: "from shared import a\nimport b\n", "packages/one/lab.yaml": "", "shared/a.vy": ""}
    path = lay(tmp_path / "repo", files)
    (tmp_path / "repo/.git").mkdir()
    beside = lay(tmp_path / "here", {"b.vy": ""})
    monkeypatch.chdir(beside.parent)
    found = import_closure(path, find_search_paths(path))
    assert found[1:] == tuple(sorted([tmp_path / "repo/shared/a.vy", beside]))


def test_the_nearest_of_several_wins(tmp_path: Path) -> None:
    """Strongest last: a library never stands before the project's own."""
    path = lay(tmp_path, {"src/Main.vy": "", "lib/pypi/x.vy": "", "pyproject.toml": ""})
    own = [folder for folder in find_search_paths(path) if tmp_path in (folder, *folder.parents)]
    names = [folder.relative_to(tmp_path).as_posix() for folder in own]
    assert names == ["lib", "lib/pypi", ".", "src"]


def test_files_of_other_projects_with_the_same_names_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a contract would be another one in each folder that somebody works in."""
    main = lay(tmp_path / "own", {"Main.vy": "import owner\nimport face\n", "owner.vy": "", "face.vyi": "", ".git": ""})
    here = tmp_path / "elsewhere"
    lay(here, {"owner.vy": "# another\n", "face.vyi": "# another\n", "lab.yaml": ""})
    expected = read_source(main)
    monkeypatch.chdir(here)
    assert read_source(main).sources == expected.sources
    assert read_source(main).files == (main, main.with_name("face.vyi"), main.with_name("owner.vy"))


def test_a_link_leads_to_both_projects(tmp_path: Path) -> None:
    """The one in which the file is, and the one in which it was named."""
    real = lay(tmp_path / "shared", {"Main.vy": "import near\nimport far\n", "near.vy": ""})
    link = tmp_path / "project/contracts/Main.vy"
    lay(tmp_path / "project", {"far.vy": "", "lab.yaml": ""})
    link.parent.mkdir()
    link.symlink_to(real)
    names = {name.removeprefix("../project/") for name, _ in read_source(link).sources}
    assert names == {"Main.vy", "far.vy", "near.vy"}


def test_packages_are_named_as_they_are_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest of a source does not tell where this machine keeps its packages; .pth files lead there, too."""
    site = tmp_path / "env/lib/python3.12/site-packages"
    lay(site, {"kit/a.vy": "from . import b\n", "kit/b.vy": "", "kit.pth": "../../../../elsewhere\n"})
    lay(tmp_path / "elsewhere", {"linked.vy": ""})
    path = lay(tmp_path / "project", {"Main.vy": "from kit import a\nimport linked\n", "lab.yaml": ""})
    monkeypatch.syspath_prepend(str(site))
    assert {name for name, _ in read_source(path).sources} == {"Main.vy", "kit/a.vy", "kit/b.vy", "linked.vy"}


@pytest.mark.parametrize(
    ("main", "module", "version"),
    [("~=0.4.0", "0.4.1", "0.4.1"), ("^0.4.0", "^0.4.1", "0.4.3"), ("0.4.0", "0.4.1", "0.4.0")],
)
def test_the_pragmas_of_modules_count(tmp_path: Path, main: str, module: str, version: str) -> None:
    """As long as a release fits all; the file's own has to be kept."""
    files = {"Main.vy": f"# pragma version {main}\nimport part\n", "part.vy": f"# pragma version {module}\n"}
    assert read_source(lay(tmp_path, files)).compiler_version == version


def test_imports_in_quotes_are_none_and_continued_lines_are_one(tmp_path: Path) -> None:
    """As the compiler reads them, whatever the line ends."""
    path = tmp_path / "Main.vy"
    lay(tmp_path, {name: "" for name in ("a.vy", "b.vy", "c.vy")})
    path.write_bytes(b'\xef\xbb\xbfimport a\r\n"""\r\nimport b\r\n"""\r\nfrom . import \\\r\n    c\r\n')
    assert [file.name for file in import_closure(path, find_search_paths(path))] == ["Main.vy", "a.vy", "c.vy"]
