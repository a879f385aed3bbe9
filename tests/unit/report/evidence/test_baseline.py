"""Evidence goes stale by what a row depends on, and only by that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.report.evidence.baseline import Baseline
from lab.report.records.row_result import RowResult
from lab.report.records.row_verdict import RowVerdict

from ..fakes import CONTRACT, NOW, readiness, run
from ..judge.test_readiness import TWO, catalogue

MADE = {
    "relayer": {"kind": "reference", "sha256": "aa" * 32},
    "profiles_sha256": "bb" * 32,
    "networks": {"ethereum": "ethereum", "two": "optimism"},
    "scenario_sha256": "cc" * 32,
}


def judged(depends_on: tuple[str, ...], current: Baseline, **changes: Any) -> RowResult:
    """The one row over the one run."""
    folder = run("failures/two", **(MADE | changes))
    return readiness(
        catalogue(TWO, depends_on=depends_on), [folder], contract_sha256=CONTRACT, generated=NOW, baseline=current
    ).rows[0]


@pytest.mark.parametrize(
    ("dependency", "current", "reason"),
    [
        ("relayer", Baseline(relayer_sha256="dd" * 32), "made with another relayer (aaaaaaaaaaaa)"),
        ("networks", Baseline(profiles=lambda names: "dd" * 32), "profiles of its networks were changed"),
        ("lab", Baseline(lab_commit="dd" * 20), "made by another commit of the lab (abababababab)"),
    ],
)
def test_a_change_of_what_a_row_names_makes_it_stale(dependency: str, current: Baseline, reason: str) -> None:
    """Rows that do not name it stay as they are."""
    stale = judged((dependency,), current)
    assert stale.verdict is RowVerdict.STALE
    assert reason in stale.reason
    assert judged((), current).verdict is RowVerdict.PASS


@pytest.mark.parametrize(("marks", "stale"), [(["a", "b"], True), (["c"], False), ([], True)])
def test_a_file_of_this_project_says_nothing_of_anothers(tmp_path: Path, marks: list[str], stale: bool) -> None:
    """Two that share a results folder have files of equal paths; a run that does not say is taken for one of this."""
    (tmp_path / "scenarios" / "failures").mkdir(parents=True)
    (tmp_path / "scenarios" / "failures" / "two.yaml").write_text("name: another\n")
    found = judged(
        (), Baseline(root=tmp_path, project=("a",)), project=marks, scenario_file="scenarios/failures/two.yaml"
    )
    assert (found.verdict is RowVerdict.STALE) == stale


def test_the_same_in_force_is_not_stale() -> None:
    """Everything as the manifest recorded it."""
    current = Baseline(
        relayer_sha256="aa" * 32,
        lab_commit="ab" * 20,
        profiles=lambda names: "bb" * 32 if list(names.values()) == ["ethereum", "optimism"] else "",
    )
    assert judged(("contract", "relayer", "networks", "lab"), current).verdict is RowVerdict.PASS


def test_a_run_without_the_relayer_does_not_age_with_it() -> None:
    """There was none."""
    current = Baseline(relayer_sha256="dd" * 32)
    assert judged(("relayer",), current, relayer={"kind": "none", "sha256": "aa"}).verdict is RowVerdict.PASS


def test_an_installed_lab_is_told_by_its_version() -> None:
    """Without a commit on both sides."""
    made = {"lab": {"version": "0.1.0", "commit": None, "dirty": None}}
    assert judged(("lab",), Baseline(lab_version="0.2.0"), **made).verdict is RowVerdict.STALE
    assert judged(("lab",), Baseline(lab_version="0.1.0"), **made).verdict is RowVerdict.PASS


def test_a_changed_scenario_makes_every_row_stale(tmp_path: Path) -> None:
    """Whatever the row names: another file was judged. One that is not here says nothing."""
    current = Baseline(root=tmp_path)
    assert judged((), current).verdict is RowVerdict.PASS
    scenario = tmp_path / "scenarios" / "failures" / "two.yaml"
    scenario.parent.mkdir(parents=True)
    scenario.write_text("name: another\n")
    assert "scenario's file was changed" in judged((), Baseline(root=tmp_path)).reason


def test_stale_wins_over_what_the_old_run_said() -> None:
    """Neither its PASS nor its FAIL speaks of what is in force."""
    found = judged(("lab",), Baseline(lab_commit="dd" * 20))
    assert found.evidence[0].verdict is RowVerdict.STALE
    assert found.age_hours == 1.0
