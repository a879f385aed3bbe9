"""What a session says of its failures: each cause once, whoever ran it, and nothing at all after what cannot work."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lab.broken import read_bugs, write_contracts
from lab.plugin.sharing import RESULTS, RUN_ID
from lab.plugin.stopping import first_to_stop
from tests.unit.pytest_project import BAD, GOOD, run_pytest
from tests.unit.pytest_project import project as project

pytest_plugins = ["pytester"]


def session(project: pytest.Pytester) -> Path:
    """The folder of the latest session."""
    return (project.path / "results" / "latest").resolve()


@pytest.mark.parametrize("parallel", [[], ["-n", "1"]], ids=["one process", "xdist"])
def test_two_failures_of_one_cause(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, parallel: list[str]
) -> None:
    """One block for both, with a command that works here; the stories stay in the pages, the data beside.

    CI makes pytest list what failed without cutting its words: that is a line for each all the same.
    """
    monkeypatch.setenv("CI", "true")
    project.path.joinpath("vain.yaml").write_text(BAD + "matrix:\n  seed: [1, 2]\n")
    result = run_pytest(project, "--backend", "process", "-q", *parallel)
    result.assert_outcomes(failed=2)
    text = result.stdout.str()
    assert text.count("1 cause, of 2 failed runs") == 1
    assert text.count("somebody should have resolved it") == 1
    assert "events around" not in text
    listed = [line for line in result.outlines if line.startswith("FAILED vain.yaml::vain[seed=")]
    assert len(listed) == 2
    assert all(" - FAIL  " in line for line in listed)
    stories = list(ET.parse(session(project) / "junit.xml").iter("failure"))
    assert [str(story.get("message")).startswith("FAIL  ") for story in stories] == [True, True]
    assert not any("events around" in str(story.get("message")) for story in stories)
    assert all("events around" in str(story.text) for story in stories)
    assert "pytest 'vain.yaml::vain[seed=" in text
    folder = session(project)
    (cause,) = json.loads((folder / "causes.json").read_text())["causes"]
    assert len(cause["runs"]) == 2
    for page in (folder / "index.html", *folder.glob("*/report.html")):
        assert "causes.html" in page.read_text()
    assert (project.path / "results" / "readiness" / "causes.html").is_file()


def test_the_whole_story(project: pytest.Pytester) -> None:
    """Of one failure alone, and of all with -v."""
    project.path.joinpath("vain.yaml").write_text(BAD + "matrix:\n  seed: [1, 2]\n")
    alone = run_pytest(project, "--backend", "process", "-q", "vain.yaml::vain[seed=1]").stdout.str()
    assert alone.count("events around") == 1
    assert "1 cause" not in alone
    assert "causes.html" in alone
    everything = run_pytest(project, "--backend", "process", "-v").stdout.str()
    assert everything.count("events around") == 2
    assert everything.count("1 cause, of 2 failed runs") == 1


@pytest.mark.older_vyper
def test_a_contract_that_cannot_work_stops_the_suite(project: pytest.Pytester) -> None:
    """It is said once, the rest is not run and UNKNOWN; `--go-on` runs it."""
    bugs = read_bugs()
    write_contracts({"zero_default_state": bugs["zero_default_state"]}, project.path)
    project.path.joinpath("pays.yaml").write_text(GOOD + "matrix:\n  seed: [1, 2, 3]\n")
    options = ["--backend", "process", "-q", "--contract", "zero_default_state.vy"]
    result = run_pytest(project, *options)
    result.assert_outcomes(failed=1, skipped=2)
    text = result.stdout.str()
    assert "1. buffer_transaction never succeeds" in text
    assert "keeps from running, UNKNOWN without `--go-on`: 3 runs" in text
    assert "events around" not in text
    folder = session(project)
    for run in sorted(folder.glob("*/verdict.json")):
        verdict = json.loads(run.read_text())
        assert verdict["verdict"] == "UNKNOWN"
        assert verdict["reasons"][0].startswith(
            "not run, for the smoke run showed that buffer_transaction never succeeds"
        )
    (cause,) = json.loads((folder / "causes.json").read_text())["causes"]
    assert "Transaction already exists" in cause["source"]["text"]
    report = json.loads((project.path / "results" / "readiness" / "readiness.json").read_text())
    assert report["problems"] == []
    again = run_pytest(project, *options, "--go-on")
    again.assert_outcomes(failed=3)
    assert "not played, for the smoke run showed" in (session(project) / "pays@seed=1" / "verdict.json").read_text()


def test_one_item_says_why_nothing_runs(tmp_path: Path) -> None:
    """The first, also when it is tried again: else a second try would be skipped, and the session a success."""
    (tmp_path / "session").mkdir()
    config = SimpleNamespace(stash={RESULTS: tmp_path, RUN_ID: "session"})
    first, second = [SimpleNamespace(config=config, nodeid=f"pays.yaml::pays[seed={seed}]") for seed in (1, 2)]
    items: list[Any] = [first, second, first, second]
    assert [first_to_stop(item) for item in items] == [True, False, True, False]
