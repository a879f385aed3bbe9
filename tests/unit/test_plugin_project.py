"""Which project a pytest session is about: one for all that is collected, or an error before anything runs."""

from __future__ import annotations

import pytest

from lab.paths import SCENARIOS
from tests.unit.pytest_project import ADDOPTS, CACHE, run_pytest

pytest_plugins = ["pytester"]

PAYS = """
name: Pays
description: One transaction, buffered.
networks: {ethereum: {}}
relayer: none
flows:
  f: {pay: {chain: ethereum, at: +30s, payload: 64B}}
timeline:
  - buffer: f
"""


@pytest.fixture
def folder(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A bigger repository with a pytest.ini; two projects in it, whose contracts are not there."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", ADDOPTS)
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE))
    (pytester.path / "pytest.ini").write_text("[pytest]\n")
    for name in ("one", "two"):
        (pytester.path / name / "scenarios/deep").mkdir(parents=True)
        (pytester.path / name / "scenarios/deep" / f"{name}.yaml").write_text(PAYS)
        (pytester.path / name / "lab.yaml").write_text(f"contract: {name.capitalize()}.vy\n")
    return pytester


def missed(folder: pytest.Pytester, working: str, *arguments: str) -> str:
    """What a session that cannot begin says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder.path / working)
        result = run_pytest(folder, *arguments, "--backend", "process")
    assert result.ret == 2
    return result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize(
    ("working", "arguments"),
    [
        ("one", ["scenarios"]),
        ("one/scenarios/deep", ["."]),
        (".", ["one/scenarios"]),
        ("one", [str(SCENARIOS / "failures/window_boundaries.yaml")]),
        ("one/scenarios", ["--library", "-k", "window_boundaries"]),
        ("one", ["--library", "-k", "window_boundaries", "-c", "../pytest.ini"]),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value)[-40:],
)
def test_the_project_is_found(folder: pytest.Pytester, working: str, arguments: list[str]) -> None:
    """From the working folder and from the scenario, whatever pytest takes for its root; its contract is missed."""
    assert "one/One.vy: expected a contract" in missed(folder, working, *arguments)


def test_two_projects_are_an_error(folder: pytest.Pytester) -> None:
    """Of two scenarios, or of the working folder and a scenario: both are named, and nothing runs."""
    for working, arguments in ((".", ["one/scenarios", "two/scenarios"]), ("one", ["../two/scenarios"])):
        told = missed(folder, working, *arguments)
        assert "expected one project, found two" in told
        assert "one/lab.yaml" in told
        assert "two/lab.yaml" in told
        assert "passed" not in told


def test_the_library_alone_or_beside(folder: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without other arguments `--library` runs the library alone, not what the folder holds, too."""
    monkeypatch.chdir(folder.path / "one")
    alone = run_pytest(folder, "--library", "--collect-only", "-q").stdout.str()
    assert "window_boundaries" in alone
    assert "one.yaml" not in alone
    beside = run_pytest(folder, "--library", "scenarios", "--collect-only", "-q").stdout.str()
    assert "window_boundaries" in beside
    assert "one.yaml" in beside
