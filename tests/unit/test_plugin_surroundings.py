"""The plugin beside others, from other folders, and on machines that refuse: runs pass, or a sentence says why not."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from lab.chains.nodes.provision import locate_anvil
from tests.unit.documents.test_undocumented import undocumented_files
from tests.unit.pytest_project import BAD, GOOD, evidence, run_pytest, write
from tests.unit.pytest_project import project as project

pytest_plugins = ["pytester"]

PROCESS = ("--backend", "process")


def text(result: pytest.RunResult) -> str:
    """Everything that a person sees."""
    return result.stdout.str() + result.stderr.str()


def calm(result: pytest.RunResult) -> bool:
    """Whether nobody was shown a stack trace."""
    return not any(word in text(result) for word in ("Traceback", "INTERNALERROR", "def runtest"))


def runs(project: pytest.Pytester) -> list[str]:
    """The folders of the last session's runs."""
    return sorted(path.parent.name for path in evidence(project).glob("*/manifest.json"))


WRITTEN = {"suite+pays", "index.html", "verdicts.jsonl", "causes.html", "causes.json", "contract-source.json"}


def test_plugins_are_switched_off(project: pytest.Pytester) -> None:
    """What they would have written is neither written nor announced; evidence and readiness are."""
    write(project, "suite/pays.yaml", GOOD)
    off = ("junitxml", "html", "cacheprovider", "xdist", "terminal", "capture", "logging", "warnings", "doctest")
    result = run_pytest(project, "suite", *PROCESS, *(f"-pno:{name}" for name in off))
    assert result.ret == 0, result.errlines
    assert calm(result)
    assert {path.name for path in evidence(project).iterdir()} == WRITTEN
    for folder in (evidence(project), evidence(project) / "suite+pays"):
        assert undocumented_files(folder) == []
    assert (project.path / "results" / "readiness" / "index.html").is_file()


def test_a_plugin_that_another_needs_is_switched_off(project: pytest.Pytester) -> None:
    """pytest-html cannot do without pytest-metadata, so nothing asks it for a page."""
    write(project, "suite/pays.yaml", GOOD)
    result = run_pytest(project, "suite", *PROCESS, "-pno:metadata")
    assert result.ret == 0, result.errlines
    assert calm(result)
    assert "report.html" not in text(result)


@pytest.mark.parametrize(
    "option", ["--fixtures", "--fixtures-per-test", "--setup-plan", "--setup-only", "--collect-only"]
)
def test_what_only_shows_writes_and_starts_nothing(project: pytest.Pytester, option: str) -> None:
    """No evidence, no reports, no smoke run of the contract."""
    write(project, "suite/pays.yaml", GOOD)
    result = run_pytest(project, "suite", *PROCESS, option)
    assert calm(result)
    assert not (project.path / "results").exists()
    assert "capabilities" not in text(result)


def test_strict_warnings_and_a_second_try(project: pytest.Pytester) -> None:
    """Warnings are errors, the order is drawn, a failure is tried again: no try hides another."""
    write(project, "suite/vain.yaml", BAD)
    project.makeini("[pytest]\nfilterwarnings = error\n")
    args = ("-p", "randomly", "-p", "rerunfailures", "--reruns", "1", "--timeout", "300", "-p", "timeout")
    result = project.runpytest_subprocess("suite", *PROCESS, *args)
    assert result.ret == 1
    assert calm(result)
    assert "f.pay is BUFFERED" in text(result)
    assert runs(project) == ["suite+vain", "suite+vain~2"]


def test_several_at_once(project: pytest.Pytester) -> None:
    """Two folders, two scripts, two workers: each run has its evidence in one folder, and the summary tells them apart.

    What is deselected does not run.
    """
    write(project, "suite/one/支付.yaml", GOOD + "matrix:\n  seed: [1, 2]\n")
    write(project, "suite/two/支付.yaml", BAD)
    result = run_pytest(project, "suite", *PROCESS, "-n", "2", "-k", "not 2")
    result.assert_outcomes(passed=1, failed=1)
    assert calm(result)
    shown = [line for line in result.outlines if line.startswith(("PASS ", "FAIL ")) and "simulated in" in line]
    assert len(shown) == 2
    assert len({line.partition("(")[0].split(maxsplit=1)[1] for line in shown}) == 2
    assert len(runs(project)) == len(list(evidence(project).glob("*/verdict.json"))) == 2
    assert len(list(ET.parse(evidence(project) / "junit.xml").iter("testcase"))) == 2
    assert len([path for path in (project.path / "results").iterdir() if (path / "junit.xml").exists()]) == 2


def test_a_place_that_cannot_be_written(project: pytest.Pytester) -> None:
    """One sentence before anything starts, with the way out."""
    write(project, "suite/pays.yaml", GOOD)
    write(project, "taken", "a file\n")
    result = run_pytest(project, "suite", *PROCESS, "--results", "taken/results")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert calm(result)
    assert "cannot be written to" in text(result)
    assert "--results" in text(result)


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_machine_without_a_node(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    """One sentence, with workers too."""
    monkeypatch.setenv("LAB_ANVIL", "/nonexistent/anvil")
    write(project, "suite/pays.yaml", GOOD)
    result = run_pytest(project, "suite", *PROCESS, *workers)
    assert result.ret not in (0, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERNAL_ERROR)
    assert calm(result)
    assert "/nonexistent/anvil" in text(result)


def test_what_the_machine_refuses_is_a_sentence(tmp_path: Path) -> None:
    """The system's errors and an engine that is gone; a mistake of the lab's own stays what it is."""
    from docker.errors import DockerException

    from lab.errors import EnvironmentFailure
    from lab.plugin.sharing import environment

    for error in (OSError(24, "Too many open files", "x"), ConnectionResetError(104, "reset"), DockerException("gone")):
        with pytest.raises(EnvironmentFailure, match=r"could not .*lab doctor"), environment("the run could not go on"):
            raise error
    with pytest.raises(KeyError), environment("the run could not go on"):
        raise KeyError("a bug")


def test_alerts_need_tools_that_a_machine_may_lack(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without promtool such a scenario is skipped, with the command that installs it, and the others run."""
    write(project, "suite/watched.yaml", GOOD + "monitor: true\n")
    bare = project.path / "bare"
    bare.mkdir()
    monkeypatch.setenv("LAB_ANVIL", str(locate_anvil().path))
    monkeypatch.setenv("PATH", str(bare))
    result = run_pytest(project, "suite", *PROCESS)
    result.assert_outcomes(skipped=1)
    (line,) = (line for line in result.outlines if "run not exercised: " in line)
    assert "promtool" in line
    assert "apt-get install" in line
