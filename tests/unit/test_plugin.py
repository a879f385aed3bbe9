"""The pytest plugin as users meet it: a project of their own, pytest in a process of its own."""

from __future__ import annotations

import json
import shlex
import xml.etree.ElementTree as ET

import pytest

from lab.evidence.outcomes import names_in, outcome_of
from tests.unit.pytest_project import BAD, GOOD, evidence, run_pytest, write
from tests.unit.pytest_project import project as project

pytestmark = pytest.mark.backend

pytest_plugins = ["pytester"]

MALFORMED = """
name: Wrong
description: Three mistakes.
networks: {ethereum: {}}
flows:
  f: {pay: {chain: etherium, at: +30s, payload: 64B}}
timeline:
  - bufer: f
  - expect: {leg: f.pay, state: REDY}
"""

LATER = """
import pytest

def test_later():
    pytest.skip("waits for a decision")
"""


def test_a_malformed_file(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every mistake with its place, no stack trace, nothing started, and no good file runs either."""
    monkeypatch.setenv("LAB_ANVIL", "/nonexistent/anvil")
    write(project, "scenarios/wrong.yaml", MALFORMED)
    write(project, "scenarios/pays.yaml", GOOD)
    result = run_pytest(project, "scenarios", "--backend", "process")
    text = result.stdout.str()
    assert result.ret not in (0, pytest.ExitCode.TESTS_FAILED)
    for place, words in (("6:20", "did you mean ethereum"), ("8:5", "bufer"), ("9:33", "REDY")):
        (line,) = [line for line in result.outlines if f"wrong.yaml:{place}" in line]
        assert words in line
    assert "Traceback" not in text + result.stderr.str()
    assert "/nonexistent" not in text
    assert list(project.path.glob("results/*/*/history.jsonl")) == []


def test_a_session(project: pytest.Pytester) -> None:
    """Passed, failed with its story, skipped with its reason; reports are written; the printed command repeats it."""
    write(project, "scenarios/pays.yaml", GOOD)
    write(project, "scenarios/vain.yaml", BAD)
    write(project, "scenarios/test_later.py", LATER)
    result = project.runpytest_subprocess("scenarios", "--backend", "process")
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    assert "1 skipped: waits for a decision" in result.outlines
    text = result.stdout.str()
    told = [
        "expected  f.pay READY on ethereum", "because   somebody should have resolved it",
        "happened  f.pay is BUFFERED", "where     vain.yaml:11:5", "events around", "repeat it", "evidence",
    ]  # fmt: skip
    for words in told:
        assert words in text, words
    assert "Traceback" not in text
    assert "scenarios/vain.yaml::vain" in text
    folder = evidence(project)
    assert json.loads((folder / "pays" / "verdict.json").read_text())["verdict"] == "PASS"
    assert {name: outcome_of(folder / name).verdict for name in names_in(folder)} == {"pays": "PASS", "vain": "FAIL"}
    cases = {case.get("name"): case for case in ET.parse(folder / "junit.xml").iter("testcase")}
    assert set(cases) == {"pays", "vain", "test_later"}
    assert cases["pays"].find("failure") is None
    failure = cases["vain"].find("failure")
    assert failure is not None
    assert "f.pay READY" in ET.tostring(failure, encoding="unicode")
    html = (folder / "report.html").read_text()
    assert "Waits in vain" in html
    assert (project.path / "results" / "readiness" / "index.html").is_file()
    before = json.loads((folder / "vain" / "manifest.json").read_text())["history_digest"]

    lines = [line.strip() for line in result.outlines]
    command = shlex.split(lines[lines.index("repeat it") + 1])
    assert command[:2] == ["pytest", "scenarios/vain.yaml::vain"]
    again = run_pytest(project, *command[1:])
    again.assert_outcomes(failed=1)
    assert evidence(project) != folder
    assert "results/readiness/index.html (2 runs of 2 sessions)" in again.stdout.str()
    report = json.loads((project.path / "results" / "readiness" / "readiness.json").read_text())
    assert report["provenance"]["runs"] == 2
    assert "pays" not in (evidence(project) / "index.html").read_text()
    assert [path.name for path in evidence(project).glob("*/manifest.json")] == ["manifest.json"]
    assert json.loads((evidence(project) / "vain" / "manifest.json").read_text())["history_digest"] == before


def test_projects_without_scenarios_are_left_alone(project: pytest.Pytester) -> None:
    """No evidence folder, no report, no summary."""
    project.makepyfile("def test_one(): pass")
    result = project.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    assert "esseract" not in result.stdout.str().replace("plugins: ", "").partition("collected")[2]
    assert not (project.path / "results").exists()


def test_what_is_told_reaches_the_person(project: pytest.Pytester) -> None:
    """Progress and provisioning are told while a test runs, past pytest's capture of what the test writes."""
    project.makepyfile(
        """
        from lab.plugin.sharing import notify

        def test_talks(request):
            print("caught")
            notify(request.config, "fetching the node")
        """
    )
    result = project.runpytest_subprocess()
    assert "fetching the node" in result.stderr.str()
    assert "caught" not in result.stdout.str() + result.stderr.str()
