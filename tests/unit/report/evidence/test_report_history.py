"""Reports are remembered in short: what changed, since when, and how a row got where it is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from lab.model.verdict import Verdict
from lab.report.catalogue.rows import Catalogue
from lab.report.evidence.baseline import Baseline
from lab.report.evidence.report_history import REPORTS, prune_summaries, read_summaries, summarise
from lab.report.judge.comparison import compare
from lab.report.judge.readiness import Scope
from lab.report.publish import publish
from lab.report.records.report import Readiness
from lab.report.records.row_verdict import RowVerdict

from ..fakes import CONTRACT, NOW, FakeFolder, run
from ..judge.test_readiness import TWO, catalogue

GOOD, BAD = run("failures/two"), run("failures/two", Verdict.FAIL)


def report(results: Path, hours: int, *folders: FakeFolder, commit: str = "ab" * 20) -> Readiness:
    """A report some hours later, written into a results folder."""
    found: Catalogue = catalogue(TWO)
    current = Baseline(contract_sha256=CONTRACT, lab_commit=commit)
    moment = NOW + timedelta(hours=hours)
    return publish(
        results,
        folders,
        catalogue=found,
        scope=Scope("lab", moment, current),
        attestations=results / "none",
    ).report


def test_the_first_report_compares_with_nothing(tmp_path: Path) -> None:
    """And is remembered."""
    first = report(tmp_path, 0, GOOD)
    assert (first.since_last, first.since_go) == (None, None)
    assert len((tmp_path / REPORTS).read_text().splitlines()) == 1


def test_what_changed_since_the_last_report_and_the_last_go(tmp_path: Path) -> None:
    """GO, then nothing recorded, then a failure: each against its own."""
    assert report(tmp_path, 0, GOOD).decision == "GO"
    assert report(tmp_path, 1).decision == "INCOMPLETE"
    found = report(tmp_path, 2, BAD, commit="ab" * 20)
    assert found.since_last is not None
    assert found.since_go is not None
    (last,), (go,) = found.since_last.rows, found.since_go.rows
    assert (last.before, last.now, last.worse) == (RowVerdict.NOT_RUN, RowVerdict.FAIL, True)
    assert (go.before, found.since_go.decision) == (RowVerdict.PASS, "GO")
    assert found.since_go.generated == "2026-11-24T12:00:00+00:00"


@pytest.mark.parametrize(
    ("before", "now", "worse"),
    [
        (RowVerdict.PASS, RowVerdict.NOT_RUN, True),
        (RowVerdict.LAB_PASS, RowVerdict.STALE, True),
        (RowVerdict.NOT_RUN, RowVerdict.INFEASIBLE, True),
        (RowVerdict.INFEASIBLE, RowVerdict.FAIL, True),
        (RowVerdict.PASS, RowVerdict.WAIVED, True),
        (RowVerdict.NOT_RUN, RowVerdict.UNKNOWN, False),
        (RowVerdict.LIVE, RowVerdict.STALE, False),
        (RowVerdict.FAIL, RowVerdict.UNKNOWN, False),
        (RowVerdict.UNKNOWN, RowVerdict.PASS, False),
        (None, RowVerdict.UNKNOWN, True),
    ],
)
def test_what_is_worse(tmp_path: Path, before: RowVerdict | None, now: RowVerdict, worse: bool) -> None:
    """To lose what was settled, or to fail; a row that was open and is open was not made worse by looking at it."""
    last = report(tmp_path, 0, GOOD)
    then = summarise(last).model_copy(update={"verdicts": {before: (last.rows[0].id,)} if before else {}})
    found = compare(then, last.model_copy(update={"rows": (last.rows[0].model_copy(update={"verdict": now}),)}))
    assert [(change.before, change.now, change.worse) for change in found.rows] == [(before, now, worse)]


def test_the_history_of_a_row_holds_its_turns_only(tmp_path: Path) -> None:
    """Three reports that say the same are one turn."""
    for hours, folders in enumerate([(), (GOOD,), (GOOD,), (BAD,)]):
        found = report(tmp_path, hours, *folders)
    assert [past.verdict for past in found.rows[0].history] == [RowVerdict.NOT_RUN, RowVerdict.PASS, RowVerdict.FAIL]
    assert [point.failing for point in found.trend] == [0, 0, 1]


def test_the_same_report_again_is_one_line(tmp_path: Path) -> None:
    """The history stays compact; a moved commit is said."""
    for hours in range(3):
        report(tmp_path, hours, GOOD)
    assert len(read_summaries(tmp_path)[0]) == 1
    moved = report(tmp_path, 4, commit="cd" * 20).since_last
    assert moved is not None
    assert moved.moved == ("lab commit abababababab → cdcdcdcdcdcd",)


def test_broken_lines_are_passed_over_and_said(tmp_path: Path) -> None:
    """A torn line costs itself only, also where the next is appended to it."""
    report(tmp_path, 0, GOOD)
    with (tmp_path / REPORTS).open("a") as stream:
        stream.write('{"generated": "20')
    found = report(tmp_path, 1, BAD)
    assert any("1 lines are no report" in note for note in found.notes)
    assert found.since_last is not None
    assert found.since_last.decision == "GO"
    assert [past.decision for past in read_summaries(tmp_path)[0]] == ["GO", "NO-GO"]


def test_pruning_keeps_every_go(tmp_path: Path) -> None:
    """What a release was decided on is never forgotten."""
    for hours, folders in enumerate([(GOOD,), (), (BAD,), ()]):
        report(tmp_path, hours, *folders)
    assert prune_summaries(tmp_path, 1) == 2
    assert [past.decision for past in read_summaries(tmp_path)[0]] == ["GO", "INCOMPLETE"]
