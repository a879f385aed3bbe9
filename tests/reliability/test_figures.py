"""The page of figures is what its generator makes of the committed ones, and speaks of tests that are there."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

import tests.conftest

from . import counting
from .counting import figures_of
from .figures import AREAS, HERE, PAGE, Figures, Kind, committed, distinct, every_test, page

pytestmark = pytest.mark.reliability


def test_the_page_is_what_the_figures_say() -> None:
    """`python -m tests.reliability.figures` writes it again."""
    figures = committed()
    assert PAGE.read_text(encoding="utf-8") == page(figures, every_test())
    assert figures.kinds.keys() <= every_test().keys()
    assert {path.stem for path in HERE.glob("test_*.py")} == {
        *AREAS,
        "test_figures",
        "test_file_kinds",
        "test_file_versions",
    }


def test_there_are_as_many_cheats_and_hostile_artifacts_as_promised() -> None:
    """Thirty of each at least, counted where the tests take them from, and said on the page."""
    cheats, artifacts = distinct()
    assert min(cheats, artifacts) >= 30
    assert f"Among them are {cheats} guests that cheat" in PAGE.read_text(encoding="utf-8")
    assert f"and {artifacts} hostile artifacts." in PAGE.read_text(encoding="utf-8")


def test_findings_and_memory_are_shown() -> None:
    """With their test, in the area of its module."""
    kinds = {"test_mutants.test_a": Kind(trials=1_200, findings=2, peak_mb=120), "test_kills.test_b": Kind(trials=1)}
    figures = Figures(commit="ab" * 20, date="2026-11-26", kinds=kinds)
    text = page(figures, {"test_mutants.test_a": "It tries."})
    assert "**1,201 trials, 2 findings**; the largest memory of a command was 120 MB" in text
    assert "| **a**: It tries. | 1 | 1,200 | 2 | 120 MB |" in text
    assert "| **b** | 1 | 1 | 0 |" in text


def report(name: str, *, failed: bool = False, counted: dict[str, float] | None = None) -> SimpleNamespace:
    properties = [("torture", counted)] if counted is not None else []
    return SimpleNamespace(nodeid=f"tests/reliability/{name}", failed=failed, user_properties=properties)


def test_tests_are_counted_by_their_trials() -> None:
    """One each where they say nothing more; a failure is a finding, a test of another folder is none of ours."""
    figures = figures_of(
        [
            report("test_a.py::test_x[http://h/v3::x[1]"),
            report("test_a.py::test_x[2]", failed=True),
            report("test_a.py::test_y", counted={"trials": 40, "findings": 3, "peak_mb": 71.6}),
            SimpleNamespace(nodeid="tests/unit/test_a.py::test_x", failed=True, user_properties=[]),
        ],
        2,
    )
    assert figures.kinds == {
        "test_a.test_x": Kind(trials=2, findings=1, factor=2),
        "test_a.test_y": Kind(trials=40, findings=3, peak_mb=72, factor=2),
    }


def test_a_session_over_all_tests_writes_them_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of pytest-xdist collect, so that a conftest of this folder is not read where all reports come to."""
    written, said = tmp_path / "results" / "torture.json", list[str]()
    monkeypatch.setattr(counting, "FILE", str(written))
    one = report("test_a.py::test_x", counted={"trials": 40, "findings": 0, "peak_mb": 0})
    one.when = "call"
    tests.conftest.pytest_terminal_summary(
        cast(pytest.TerminalReporter, SimpleNamespace(stats={"passed": [one]}, write_line=said.append))
    )
    assert Figures.model_validate_json(written.read_text()).totals == (40, 0)
    assert said == [f"40 trials, 0 findings; figures in {written}"]
