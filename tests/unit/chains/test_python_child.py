"""A Python that the lab starts imports the lab, wherever it runs and whatever the user's variables say."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.chains.loopback import proxies_set, without_proxy
from lab.chains.processes.python_child import HERE, needs_variables, python_command

STOLEN = ("lab", "yaml", "locust", "web3", "select", "pytest", "rlp", "json", "sitecustomize", "usercustomize")

OTHERS = {"PYTHONWARNINGS": "error", "PYTHONINSPECT": "1", "PYTHONSTARTUP": "yaml.py", "PYTHONUSERBASE": "."}


def say(folder: Path) -> str:
    """Where a child that runs in a folder finds the lab, and that it ends."""
    code = "import lab, yaml, select, json; print(lab.__file__)"
    done = subprocess.run(
        python_command("-c", code), cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder with a module of the user's for many a name, each of which ends the process."""
    for name in STOLEN:
        (tmp_path / f"{name}.py").write_text(f"import os; os.write(2, b'{name} of the user'); os._exit(9)\n")
    (tmp_path / "lab.py").unlink()
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "__init__.py").write_text("import os; os._exit(9)\n")
    return tmp_path


def test_the_folder_where_it_runs(hostile: Path) -> None:
    """Names of the user's files are the user's."""
    assert say(hostile) == str(HERE / "lab" / "__init__.py")


@pytest.mark.parametrize("path", ["{hostile}", ".:{hostile}/nowhere:{hostile}:"])
def test_pythonpath_to_such_a_folder(hostile: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """It may be right for the user's programs, and is none of the lab's."""
    monkeypatch.setenv("PYTHONPATH", path.format(hostile=hostile))
    assert say(hostile) == str(HERE / "lab" / "__init__.py")


def test_other_variables(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made for the user's own Python."""
    for name, value in OTHERS.items():
        monkeypatch.setenv(name, value)
    assert say(hostile) == str(HERE / "lab" / "__init__.py")


def test_variables_through_which_the_lab_is_found_are_kept(
    hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout on PYTHONPATH, or a folder of installed packages."""
    assert not needs_variables()
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    assert needs_variables()
    assert say(hostile) == str(HERE / "lab" / "__init__.py")
    packages = tmp_path / "packages"
    (packages / "web3-7.0.dist-info").mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", str(packages))
    assert needs_variables()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"no_proxy": "example.org"}, "example.org,127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "a, localhost", "no_proxy": "b"}, "a,localhost,b,127.0.0.1,::1"),
        ({"NO_PROXY": ""}, "127.0.0.1,localhost,::1"),
    ],
)
def test_loopback_needs_no_proxy(given: dict[str, str], expected: str) -> None:
    """Both spellings say the same, with what the user excepted before."""
    found = without_proxy({"HTTP_PROXY": "http://proxy", **given})
    assert (found["NO_PROXY"], found["no_proxy"], found["HTTP_PROXY"]) == (expected, expected, "http://proxy")


def test_all_excepted_stays_all() -> None:
    """Some clients take the star only where it stands alone."""
    assert without_proxy({"no_proxy": "*"}) == {"no_proxy": "*"}


def test_the_proxies_that_are_set_are_known_in_any_spelling() -> None:
    """For messages that name them."""
    environment = {"HTTP_PROXY": "x", "all_proxy": "x", "https_proxy": "", "npm_config_proxy": "x", "NO_PROXY": "x"}
    assert proxies_set(environment) == ["HTTP_PROXY", "all_proxy", "npm_config_proxy"]
