"""The lab's options beside those of other plugins: the long names are the lab's, the short ones whoever has them."""

from __future__ import annotations

import pytest

from tests.unit.pytest_project import project as project

pytest_plugins = ["pytester"]

SHOW = """
from lab.plugin.options import value

def pytest_report_header(config):
    names = ("backend", "contract", "clock", "relayer-cmd", "results")
    return ["lab: " + " ".join(f"{name}={value(config, name)}" for name in names)]
"""
RIVAL = """
import pytest

def pytest_addoption(parser):
    parser.addoption("--backend", default="none")
    parser.addoption("--contract", action="store_true")
    parser.addoption("--results", choices=["few", "many"])
    parser.addoption("--image", nargs=2)

@pytest.hookimpl(trylast=True)
def pytest_report_header(config):
    return [f"rival: backend={config.getoption('--backend')} contract={config.getoption('--contract')}"]
"""


def said(project: pytest.Pytester, who: str, *args: str) -> str:
    """What a plugin finds in its options."""
    result = project.runpytest_inprocess("--collect-only", *args)
    (line,) = [line for line in result.outlines if line.startswith(f"{who}: ")]
    return line.removeprefix(f"{who}: ")


@pytest.mark.parametrize(
    "args",
    [
        ["--backend", "process", "--results", "out"],
        ["--backend=process", "--results=out"],
        ["--lab-backend", "process", "--lab-results=out"],
        ["--backend=docker", "--lab-backend=process", "--results", "out"],
    ],
)
def test_both_spellings(project: pytest.Pytester, args: list[str]) -> None:
    """With a space and with an equals sign; the last one counts."""
    project.makeconftest(SHOW)
    assert said(project, "lab", *args) == "backend=process contract=None clock=None relayer-cmd=None results=out"


def test_from_configuration_and_environment(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """addopts, PYTEST_ADDOPTS, values of its own; the command line goes before them, and paths are the file's."""
    project.makeconftest(SHOW)
    ini = "[pytest]\naddopts = --clock=real\nlab_backend = process\nlab_contract = other/Mine.vy\nlab_relayer_cmd =\n"
    project.makeini(ini)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:randomly --results out")
    mine = project.path / "other" / "Mine.vy"
    assert said(project, "lab") == f"backend=process contract={mine} clock=real relayer-cmd= results=out"
    assert said(project, "lab", "--backend", "docker", "--contract=a.vy").startswith("backend=docker contract=a.vy")


@pytest.mark.parametrize("how", ["conftest", "before", "after"])
def test_another_plugin_has_the_names(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """In either order of registration: it gets the short ones, the lab the long ones, and nothing conflicts."""
    project.makepyfile(rival=RIVAL, shows=SHOW)
    project.syspathinsert()
    args = ["-p", "shows"]
    if how == "conftest":
        project.makeconftest(RIVAL)
    elif how == "before":
        args += ["-p", "rival"]
    else:
        monkeypatch.setenv("PYTEST_PLUGINS", "rival")
    args += ["--backend", "theirs", "--contract", "--lab-backend", "process", "--lab-results=out", "--clock", "real"]
    assert said(project, "rival", *args) == "backend=theirs contract=True"
    assert said(project, "lab", *args) == "backend=process contract=None clock=real relayer-cmd=None results=out"


def test_a_value_is_no_path_to_collect(project: pytest.Pytester) -> None:
    """The conftest.py beside a contract is no conftest.py of these tests."""
    project.makeconftest(SHOW)
    for folder in ("contracts", "tests"):
        (project.path / folder).mkdir()
    (project.path / "contracts" / "conftest.py").write_text("raise RuntimeError('not for you')")
    (project.path / "contracts" / "Mine.vy").touch()
    found = said(project, "lab", "tests", "--contract", "contracts/Mine.vy", "-c", "/dev/null", "--rootdir=.")
    assert "contract=contracts/Mine.vy" in found


def test_a_choice_that_is_none(project: pytest.Pytester) -> None:
    """The command line's error names the option; the configuration's comes when it is needed."""
    result = project.runpytest_inprocess("--backend", "kubernetes")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--lab-backend: invalid choice: 'kubernetes'" in result.stderr.str()
