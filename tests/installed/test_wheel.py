"""The lab as its users get it: a wheel in an environment of its own, in a git repository of theirs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import lab
from lab.paths import CHECKOUT, CONTRACTS

# Within the repository, as most people have it; what begins with a dot is nothing that pytest would look into.
ENVIRONMENT = ".venv"
GENERATED = "lab/_data/contracts/broken/*.vy"  # the checkout makes them from their patches


def run(folder: Path, *command: str, expected: int = 0) -> str:
    """Run it there and return what it printed."""
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=600)
    assert done.returncode == expected, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def environment() -> dict[str, str]:
    """Without what belongs to this test run. The cache is the real one: contracts are compiled, nodes there."""
    foreign = ("PYTEST_", "PYTHON", "GIT_", "COV_", "COVERAGE_", "LAB_", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    # Nothing may be written, so pytest would rewrite the assertions of every module of the plugin in each process.
    return kept | {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": "--assert=plain -p no:hypothesispytest"}


def built(hook: str, folder: Path) -> Path:
    """What the build backend makes of the checkout."""
    assert CHECKOUT is not None
    code = f"import sys; from hatchling.build import {hook}; print({hook}(sys.argv[1]))"
    return folder / run(CHECKOUT, sys.executable, "-P", "-c", code, str(folder)).splitlines()[-1]


def dependencies(packages: Path) -> dict[str, Path]:
    """What pip would install with the wheel in `packages`, found in this environment: name -> file or folder.

    Nothing else of this environment is seen there: what the lab imports and does not ask for is missing.
    """
    (installed,) = (each for each in metadata.distributions(path=[str(packages)]) if each.name == "tesseract-lab")
    known, waiting = set[tuple[str, str]](), [(text, "") for text in installed.requires or ()]
    places: dict[str, Path] = {}
    while waiting:
        text, extra = waiting.pop()
        wanted = Requirement(text)
        if (text, extra) in known or (wanted.marker and not wanted.marker.evaluate({"extra": extra})):
            continue
        known.add((text, extra))
        found = metadata.distribution(wanted.name)
        waiting += [(needed, part) for needed in found.requires or () for part in ("", *wanted.extras)]
        tops = {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}
        places |= {top: Path(str(found.locate_file(top))) for top in tops}
    return places


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    return built("build_wheel", tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def repository(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a contract, and an environment that holds the wheel, what it asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("foreign") / "their project"
    (folder / "contracts").mkdir(parents=True)
    shutil.copy(CONTRACTS / "plain/PlainCoordinator.vy", folder / "contracts/Mine.vy")
    (folder / "sub").mkdir()
    run(folder, "git", "init", "-q")
    run(folder, sys.executable, "-m", "venv", "--without-pip", ENVIRONMENT)
    python = str(folder / ENVIRONMENT / "bin/python")
    run(folder, sys.executable, "-m", "uv", "pip", "install", "-q", "--offline", "--no-deps", "--compile-bytecode",
        "--python", python, str(wheel))  # fmt: skip
    packages = Path(run(folder, python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    for name, place in sorted(dependencies(packages).items()):
        if not (packages / name).exists():
            (packages / name).symlink_to(place)
    told = run(folder, str(folder / ENVIRONMENT / "bin/lab"), "init")
    assert [line.split()[1] for line in told.splitlines() if line.startswith("wrote ")] == [
        "lab.yaml:", "scenarios/payment.yaml:", "loadtests/first.yaml:", ".gitignore:",
        ".github/workflows/tesseract-lab.yml:",
    ]  # fmt: skip
    with (folder / ".gitignore").open("a") as file:
        file.write(f"{ENVIRONMENT}/\n")
    run(folder, "git", "add", "-A")
    run(folder, "git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "theirs")
    return folder


def tool(repository: Path, name: str) -> str:
    """A command of the environment."""
    return str(repository / ENVIRONMENT / "bin" / name)


def pytest_of(repository: Path) -> tuple[str, ...]:
    """Its pytest is one of the dependencies, which are not installed a second time."""
    return tool(repository, "python"), "-P", "-m", "pytest"


def test_the_wheel_brings_everything(wheel: Path) -> None:
    """Every file under version control in the folders that paths.py names, and the package with its data."""
    assert CHECKOUT is not None
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    folders = ("compose", "contracts", "loadtests", "scenarios", "docs/example_relayer.py")
    kept = [*run(CHECKOUT, "git", "ls-files", *folders).splitlines()]
    missing = {f"lab/_data/{name}" for name in kept if (CHECKOUT / name).is_file()} - names
    package = run(CHECKOUT, "git", "ls-files", "lab").splitlines()
    missing |= {name for name in package if (CHECKOUT / name).is_file()} - names
    assert missing == set()
    assert not any("__pycache__" in name or name.startswith(("tests", "results")) for name in names)
    assert not any(fnmatch(name, GENERATED) for name in names)


def test_the_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """Unpacked anywhere, without git."""
    with tarfile.open(built("build_sdist", tmp_path)) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = (path for path in tmp_path.iterdir() if path.is_dir())
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    again = tmp_path / run(source, sys.executable, "-P", "-c", code, str(tmp_path)).splitlines()[-1]
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        assert set(one.namelist()) == set(other.namelist())


def test_it_is_the_installed_one(repository: Path) -> None:
    """Not the checkout, and the repository around it says nothing of its commit."""
    code = (
        "import json, lab, lab.paths; from lab.evidence.repository import lab_state; "
        "print(json.dumps([lab.__file__, str(lab.paths.DATA), lab_state()]))"
    )
    file, data, state = json.loads(run(repository, tool(repository, "python"), "-P", "-c", code))
    assert Path(file).is_relative_to(repository)
    assert Path(data) == Path(file).parent / "_data"
    assert state == {"version": lab.__version__, "commit": None, "dirty": None}


def first_line(output: str) -> str:
    """The line that names the system under test."""
    return next(line for line in output.splitlines() if line.startswith("contract "))


def manifests(results: Path) -> Mapping[str, dict[str, Any]]:
    """The manifests of all runs by item."""
    found = [json.loads(path.read_text()) for path in sorted(results.glob("2*/*/manifest.json"))]
    return {manifest["item"]: manifest for manifest in found}


def _files(folder: Path) -> list[Path]:
    """All files below, but for the modules that Python compiled."""
    return sorted(path for path in folder.rglob("*") if "__pycache__" not in path.parts)


def test_scenarios_library_load_and_report(repository: Path) -> None:
    """One after the other, each about their contract; nothing is written into the environment."""
    before = _files(repository / ENVIRONMENT)
    told = run(repository, *pytest_of(repository), "scenarios/", "--backend", "process")
    assert "1 passed" in told
    assert first_line(told).startswith("contract Mine (contracts/Mine.vy, from lab.yaml); relayer reference")
    told = run(repository, *pytest_of(repository), "--library", "-k", "single_dependency", "-n", "1",
               "--backend", "process")  # fmt: skip
    assert "1 passed" in told
    assert first_line(told).startswith("contract Mine (contracts/Mine.vy, from lab.yaml)")
    sub = repository / "sub"
    # Every file of the library is loaded, and whatever it imports has to be there.
    told = run(sub, *pytest_of(repository), "--library", "--collect-only", "-q")
    assert "window_boundaries.yaml" in told
    assert "payment" not in told
    made = manifests(repository / "results")
    assert made["single_dependency"]["scenario_file"] == "scenarios/dependencies/single_dependency.yaml"
    assert made["single_dependency"]["contract"]["path"] == made["payment"]["contract"]["path"] == "contracts/Mine.vy"
    assert made["single_dependency"]["lab"]["commit"] is None
    head = run(repository, "git", "rev-parse", "HEAD").strip()
    assert made["single_dependency"]["user_repository"]["commit"] == head
    told = run(repository, tool(repository, "lab"), "load", "loadtests/first.yaml", "--duration", "5s", "--tps", "10",
               "--backend", "process", expected=3)  # fmt: skip
    assert "50 succeeded" in told
    page = (repository / "results/load/latest/report.html").read_text()
    assert "contract Mine (contracts/Mine.vy, from lab.yaml); relayer none (the profile has no flows)" in page
    told = run(repository, tool(repository, "lab"), "report", expected=1)
    assert told.startswith("contract Mine (contracts/Mine.vy, from lab.yaml); relayer reference")
    report = json.loads((repository / "results/readiness/readiness.json").read_text())
    assert report["under_test"]["contract"] == "Mine (contracts/Mine.vy, from lab.yaml)"
    proven = next(row for row in report["rows"] if row["id"] == "XCB-02")
    assert proven["evidence"] != []
    assert _files(repository / ENVIRONMENT) == before
