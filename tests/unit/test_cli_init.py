"""`lab init`: which contract it finds, and that it overwrites nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from lab.checks import CHECKS
from lab.cli import app
from lab.deploy.vyper.project_folders import ProjectFolders, project_folders
from lab.load.profile.profile import load_profile
from lab.paths import CONTRACTS
from lab.scenario.resolve import load_scenario
from lab.session.project import read_project

SOURCE = "@external\ndef buffer_transaction(): pass\n"
ARTIFACT = '{"abi": [{"type": "function", "name": "buffer_transaction"}], "bytecode": "0x00"}'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of a repository."""
    (tmp_path / "repository/.git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repository")
    return tmp_path / "repository"


def init(*arguments: str) -> tuple[int, str]:
    """Exit code and all that was printed."""
    result = CliRunner().invoke(app, ["init", *arguments])
    return result.exit_code, result.output


def write(path: Path, text: str) -> Path:
    """A file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_what_it_writes_is_well_formed(folder: Path) -> None:
    """The project names the contract, scenario and profile are sound, the CI job is a workflow."""
    write(folder / "contracts/My Own.vy", SOURCE)
    assert init()[0] == 0
    assert read_project(folder / "lab.yaml").contract == folder / "contracts/My Own.vy"
    assert len(load_scenario(folder / "scenarios/payment.yaml", known_checks=CHECKS)) == 1
    assert load_profile("loadtests/first.yaml").networks
    steps = yaml.safe_load((folder / ".github/workflows/tesseract-lab.yml").read_text())["jobs"]["scenarios"]["steps"]
    assert [step["run"].split()[0] for step in steps if "run" in step] == ["python", "pytest", "pytest"]
    assert (folder / ".gitignore").read_text() == "results/\n"


def test_nothing_is_overwritten(folder: Path) -> None:
    """What is there is named and left as it is; lines of .gitignore are added once."""
    mine = write(folder / "lab.yaml", "relayer_cmd: ./relay\n")
    (folder / "scenarios").mkdir()
    (folder / "scenarios/payment.yaml").symlink_to("nowhere.yaml")
    write(folder / ".gitignore", "a\n/results")
    write(folder / "C.vy", SOURCE)
    code, told = init()
    assert code == 0
    for name in ("lab.yaml", "scenarios/payment.yaml", ".gitignore"):
        assert f"kept        {name}" in told
    assert mine.read_text() == "relayer_cmd: ./relay\n"
    assert not (folder / "scenarios/nowhere.yaml").exists()
    before = {path: path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert init()[0] == 0
    assert {path: path.read_text() for path in folder.rglob("*") if path.is_file()} == before
    write(folder / ".gitignore", "a")
    init()
    assert (folder / ".gitignore").read_text() == "a\nresults/\n"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"a/C.vy": SOURCE, "a/other.vy": "x: uint256", "node_modules/D.vy": SOURCE, ".venv/E.vy": SOURCE}, "a/C.vy"),
        ({"env/pyvenv.cfg": "", "env/E.vy": SOURCE, "src/C.vy": SOURCE}, "src/C.vy"),
        (
            {"out/C.sol/C.json": ARTIFACT, "out/C.sol/I.json": '{"abi": []}', "package.json": ARTIFACT},
            "out/C.sol/C.json",
        ),
        ({"C.vy": SOURCE, "out/C.json": ARTIFACT}, "C.vy"),
        ({"README.md": "buffer_transaction"}, None),
    ],
)
def test_the_contract_that_is_found(folder: Path, files: dict[str, str], found: str | None) -> None:
    """Sources before artifacts, nothing of other people's; without one the file says that it is to be filled in."""
    for name, text in files.items():
        write(folder / name, text)
    code, told = init()
    assert code == 0
    contract = read_project(folder / "lab.yaml").contract
    assert contract == (folder / found if found else None)
    assert ("the reference is tested" in told) is (found is None)


def test_several_could_be_meant(folder: Path) -> None:
    """Nothing is written until somebody chooses."""
    write(folder / "A.vy", SOURCE)
    write(folder / "B.vy", SOURCE)
    code, told = init()
    assert code == 2
    assert "A.vy, B.vy" in told
    assert "--contract" in told
    assert not (folder / "lab.yaml").exists()
    assert init("--contract", "B.vy")[0] == 0
    assert read_project(folder / "lab.yaml").contract == folder / "B.vy"
    assert init("--contract", "nowhere.vy")[0] == 2


def test_in_a_part_of_a_bigger_repository(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The CI job stands at the root and works in the part; a folder that has a project above gets no second one."""
    write(folder / "part/C.vy", (CONTRACTS / "plain/PlainCoordinator.vy").read_text())
    monkeypatch.chdir(folder / "part")
    assert init()[0] == 0
    text = (folder / ".github/workflows/tesseract-lab.yml").read_text()
    assert "working-directory: part\n" in text
    assert "path: part/results\n" in text
    (folder / "part/below").mkdir()
    monkeypatch.chdir(folder / "part/below")
    code, told = init()
    assert code == 2
    assert "part/lab.yaml is already the project of this folder" in told


def test_one_contract_of_several_in_a_file_can_be_given(folder: Path) -> None:
    """As other commands take it; the name has to be behind a file that is there."""
    write(folder / "build/all.json", ARTIFACT)
    assert init("--contract", "build/all.json:Mine")[0] == 0
    contract = read_project(folder / "lab.yaml").contract
    assert contract == folder / "build/all.json:Mine"
    assert init("--contract", "build/none.json:Mine")[0] == 2


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("foundry.toml", '[profile.default]\nout = "compiled"\n'),
        ("moccasin.toml", '[project]\nout = "compiled"\n'),
    ],
)
def test_a_build_folder_of_another_name_is_followed(folder: Path, file: str, text: str) -> None:
    """Where the project's own tool says so."""
    write(folder / "compiled/Mine.json", ARTIFACT)
    assert "no contract with buffer_transaction" in init()[1]
    (folder / "lab.yaml").unlink()
    write(folder / file, text)
    assert init()[0] == 0
    assert read_project(folder / "lab.yaml").contract == folder / "compiled/Mine.json"


@pytest.mark.parametrize(
    "text", ["[[[", 'profile = 1\n[project]\nout = ["/etc", "../..", 5, "a\\u0000"]\n', "a = " + "[" * 9999]
)
def test_a_strange_project_file_names_nothing(folder: Path, text: str) -> None:
    """Neither folders outside of the project nor what is no folder."""
    for file in ("foundry.toml", "moccasin.toml"):
        write(folder / file, text)
    assert project_folders(folder) == ProjectFolders()
