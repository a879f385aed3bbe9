"""What load runs wrote about rows, however it looks."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lab.evidence.seal import write_sealed, write_started
from lab.report.catalogue.rows import load_catalogue
from lab.report.evidence.baseline import Baseline
from lab.report.evidence.figures import Figure, read_figures
from lab.report.records.report import Readiness
from lab.report.records.row_result import RowResult
from lab.report.records.row_verdict import RowVerdict

from ..fakes import CONTRACT, NOW, readiness

CATALOGUE = load_catalogue()

ENTRY = {
    "row": "LOAD-01", "verdict": "PASS", "figure": 1200, "unit": "transactions", "reason": "1,200 mined",
    "interval": None, "n": 1200, "failures": 0, "evidence": ["load.json"], "assumptions": ["a synthetic network"],
}  # fmt: skip


def load_run(
    results: Path, name: str = "buffer-20261124-110000", *, sealed: bool = True, file: str | None = None, **changes: Any
) -> Path:
    """A folder as `lab load` leaves it, with one entry. `file` is a user's own profile."""
    folder = results / "load" / name
    folder.mkdir(parents=True)
    content: dict[str, Any] = {
        "schema_version": 1, "profile": "buffer", "profile_file": file, "item": "load buffer",
        "started": "2026-11-24T11:00:00+00:00",
        "lab": {"commit": "ab" * 20, "dirty": False}, "contract": {"bytecode_sha256": CONTRACT},
        "rows": [ENTRY | changes],
    }  # fmt: skip
    (folder / "rows.json").write_text(json.dumps(content))
    if sealed:
        write_sealed(folder, {"profile": "buffer"}, ["rows.json"])
    return folder


def report(results: Path, current: Baseline | None = None) -> Readiness:
    """The report over the load runs of a results folder alone."""
    figures, unread = read_figures(results, NOW)
    notes = [reason for _, reason in unread]
    return readiness(
        CATALOGUE, [], contract_sha256=CONTRACT, generated=NOW, figures=figures, notes=notes, baseline=current,
        results=results,
    )  # fmt: skip


def row(results: Path, row_id: str = "LOAD-01", current: Baseline | None = None) -> RowResult:
    """One row of it."""
    return next(each for each in report(results, current).rows if each.id == row_id)


def test_a_figure_settles_its_row(tmp_path: Path) -> None:
    """With the run as evidence."""
    load_run(tmp_path)
    found = row(tmp_path)
    assert found.verdict is RowVerdict.PASS
    assert found.reason == "load buffer: 1,200 mined"
    (evidence,) = found.evidence
    assert evidence.figures == ("1,200 transactions", "n = 1,200, 0 failed", "assumes: a synthetic network")
    assert (evidence.folder, evidence.files) == ("load/buffer-20261124-110000", ("load.json",))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"verdict": "FAIL"}, RowVerdict.FAIL),
        ({"verdict": "INFEASIBLE"}, RowVerdict.INFEASIBLE),
        ({"verdict": "UNDECIDED"}, RowVerdict.UNKNOWN),
        ({"verdict": "great"}, RowVerdict.UNKNOWN),
        ({"verdict": None}, RowVerdict.UNKNOWN),
        ({"figure": ""}, RowVerdict.UNKNOWN),
        ({"n": "many", "interval": [1], "evidence": 7, "assumptions": {}}, RowVerdict.PASS),
    ],
)
def test_other_words(tmp_path: Path, changes: dict[str, Any], expected: RowVerdict) -> None:
    """A pass needs a figure, and a verdict is one that is known."""
    load_run(tmp_path, **changes)
    assert row(tmp_path).verdict is expected


def test_an_edited_file_proves_nothing(tmp_path: Path) -> None:
    """Its digest is in the manifest, which has to be there."""
    folder = load_run(tmp_path, verdict="FAIL")
    text = (folder / "rows.json").read_text().replace("FAIL", "PASS")
    (folder / "rows.json").write_text(text)
    found = row(tmp_path)
    assert found.verdict is RowVerdict.UNKNOWN
    assert "rows.json: its digest is not the one that the run recorded" in found.reason
    (folder / "manifest.json").unlink()
    assert row(tmp_path).verdict is RowVerdict.UNKNOWN


def test_damage_does_not_soften_a_failure(tmp_path: Path) -> None:
    """The row stays FAIL, and the damage is said."""
    folder = load_run(tmp_path, verdict="FAIL")
    (folder / "rows.json").write_text((folder / "rows.json").read_text() + " ")
    found = row(tmp_path)
    assert found.verdict is RowVerdict.FAIL
    assert "its digest is not" in found.reason


def test_a_mutation_run_that_did_not_end_makes_its_row_unknown(tmp_path: Path) -> None:
    """Its folder is the same for every run: what an earlier one left there no longer counts."""
    folder = load_run(tmp_path).rename(tmp_path / "mutation")
    assert row(tmp_path).verdict is RowVerdict.PASS
    write_started(folder, {"profile": "mutation"})
    found = row(tmp_path)
    assert found.verdict is RowVerdict.UNKNOWN
    assert "did not end" in found.reason


@pytest.mark.parametrize("died", [True, False], ids=["did not end", "lost its rows"])
def test_a_later_run_without_rows_makes_those_of_the_last_one_unknown(tmp_path: Path, died: bool) -> None:
    """It would have served the same rows: they are UNKNOWN until the profile ran again."""
    load_run(tmp_path, "20261124-110000")
    later = tmp_path / "load" / "20261125-110000"
    later.mkdir()
    (write_started if died else lambda folder, facts: write_sealed(folder, facts, ()))(later, {"profile": "buffer"})
    found = row(tmp_path)
    assert found.verdict is RowVerdict.UNKNOWN
    assert "20261125-110000" in found.reason
    load_run(tmp_path, "20261126-110000")
    assert row(tmp_path).verdict is RowVerdict.PASS


def test_stale_by_dependency(tmp_path: Path) -> None:
    """Another commit of the lab, another contract."""
    load_run(tmp_path)
    assert row(tmp_path, current=Baseline(lab_commit="cd" * 20)).verdict is RowVerdict.STALE
    assert row(tmp_path, current=Baseline(lab_commit="ab" * 20)).verdict is RowVerdict.PASS


@pytest.mark.parametrize("content", ["", "[", "7", '{"rows": 3}', '"x"', "[" * 5_000])
def test_what_is_no_such_file_is_noted(tmp_path: Path, content: str) -> None:
    """Never a stack trace, never a pass."""
    folder = load_run(tmp_path, sealed=False)
    (folder / "rows.json").write_text(content)
    found = report(tmp_path)
    assert "measure again" in found.notes[0]
    assert next(each for each in found.rows if each.id == "LOAD-01").verdict is RowVerdict.NOT_RUN


def test_only_the_newest_run_of_a_profile_counts(tmp_path: Path) -> None:
    """An older failure was repaired; another profile's failure still counts."""
    load_run(tmp_path, "buffer-20261123-110000", verdict="FAIL")
    load_run(tmp_path, "buffer-20261124-110000")
    (tmp_path / "load" / "latest").symlink_to("buffer-20261123-110000")
    assert row(tmp_path).verdict is RowVerdict.PASS


@pytest.mark.parametrize("own", ["mine/buffer.yaml", None])
def test_two_profiles_of_one_name_are_two(tmp_path: Path, own: str | None) -> None:
    """A user's own one under the name of another hides no failure of that; the same file again does."""
    load_run(tmp_path, "20261124-110000", file="loads/buffer.yaml", verdict="FAIL")
    load_run(tmp_path, "20261125-110000", file=own)
    assert row(tmp_path).verdict is RowVerdict.FAIL
    load_run(tmp_path, "20261126-110000", file="loads/buffer.yaml")
    assert row(tmp_path).verdict is RowVerdict.PASS


def test_a_run_that_could_not_tell_does_not_stand_in_the_way_of_one_that_could(tmp_path: Path) -> None:
    """Whichever came first. Evidence that was changed does, and so does a failure."""
    load_run(tmp_path, verdict="UNKNOWN", reason="too short")
    assert row(tmp_path).verdict is RowVerdict.UNKNOWN
    other = load_run(tmp_path, "flow-1", sealed=False)
    content = json.loads((other / "rows.json").read_text()) | {"profile": "flow"}
    (other / "rows.json").write_text(json.dumps(content))
    write_sealed(other, {}, ["rows.json"])
    found = row(tmp_path)
    assert found.verdict is RowVerdict.PASS
    assert len(found.evidence) == 1
    for name, word in (("mixed-1", "FAIL"), ("ramp-1", "UNKNOWN")):
        bad = load_run(tmp_path, name, verdict=word)
        (bad / "manifest.json").write_text(json.dumps({"profile": name, "digests": {"rows.json": "changed"}}))
        assert row(tmp_path).verdict is RowVerdict[word]
        shutil.rmtree(bad)


def test_shares_are_rejudge_by_exact_bounds(tmp_path: Path) -> None:
    """A run that calls 0 of 100 a pass is told how many it takes."""
    load_run(tmp_path, row="TEC-06", figure="0 of 100", n=100, failures=0)
    found = report(tmp_path)
    assert next(each for each in found.rows if each.id == "TEC-06").verdict is RowVerdict.UNKNOWN
    criterion = next(each for each in found.criteria if each.row == "TEC-06")
    assert (criterion.state, criterion.needed) == ("UNKNOWN", "199 more trials without another failure")


def test_enough_trials_decide(tmp_path: Path) -> None:
    """2,995 probes without a failure are 99.9%, and one failure among them is not."""
    load_run(tmp_path, "up-1", row="TEC-01", figure="100%", n=2_995, failures=0)
    assert row(tmp_path, "TEC-01").verdict is RowVerdict.LAB_PASS


@pytest.mark.parametrize(("interval", "shown"), [([49.99999, 50.0], ""), ([49.0, 50.0], "49 to 50 tx/s")])
def test_an_interval_without_width_is_not_shown(tmp_path: Path, interval: list[float], shown: str) -> None:
    """And a figure in the unit of its target has a value to draw."""
    load_run(tmp_path, "rate-1", row="TEC-04", verdict="UNKNOWN", figure=50.0, unit="tx/s", interval=interval)
    criterion = next(each for each in report(tmp_path).criteria if each.row == "TEC-04")
    assert (criterion.interval, criterion.value) == (shown, 50.0)


@pytest.mark.parametrize("counts", [{"n": None}, {"failures": None}, {"n": 0}, {"n": 10, "failures": 11}])
@pytest.mark.parametrize(("verdict", "expected"), [("PASS", RowVerdict.UNKNOWN), ("FAIL", RowVerdict.FAIL)])
def test_a_share_without_trials_is_none(
    tmp_path: Path, counts: dict[str, Any], verdict: str, expected: RowVerdict
) -> None:
    """A claim is no proof, and a failure stays one."""
    claim: dict[str, Any] = {"row": "TEC-01", "verdict": verdict, "n": 9_999, "failures": 0}
    load_run(tmp_path, "up-1", **claim | counts)
    assert row(tmp_path, "TEC-01").verdict is expected


def test_a_run_that_was_too_short_for_its_fault(tmp_path: Path) -> None:
    """It stays undecided, and the criterion says how many probes are missing."""
    load_run(tmp_path, "up-1", row="TEC-01", verdict="UNKNOWN", figure=99.3333, unit="%", n=600, failures=4)
    assert row(tmp_path, "TEC-01").verdict is RowVerdict.UNKNOWN
    criterion = next(each for each in report(tmp_path).criteria if each.row == "TEC-01")
    assert (criterion.state, criterion.value) == ("UNKNOWN", 99.3333)
    assert criterion.needed == "8,551 more trials without another failure"


def test_future_and_foreign_rows(tmp_path: Path) -> None:
    """A clock that is ahead is doubted, an unknown row left out."""
    load_run(tmp_path, row="ZZZ-99")
    figures, _ = read_figures(tmp_path, NOW)
    assert [figure.row for figure in figures] == ["ZZZ-99"]
    assert report(tmp_path).decision == "INCOMPLETE"
    early = datetime(2026, 11, 20, tzinfo=UTC)
    (found,) = read_figures(tmp_path, early)[0]
    assert isinstance(found, Figure)
    assert "in the future" in found.reason


def test_a_load_with_another_relayer_is_out_of_date_where_the_row_is_about_it(tmp_path: Path) -> None:
    """Known by its sources, or by its command alone; a load without one speaks for each."""
    folder = load_run(tmp_path)
    content = json.loads((folder / "rows.json").read_text())
    for relayer, expected in [
        ({"kind": "reference", "sha256": "4e"}, RowVerdict.PASS),
        ({"kind": "none"}, RowVerdict.PASS),
        ({"kind": "command", "command": "relay", "sha256": "4f"}, RowVerdict.STALE),
        ({"kind": "command", "command": "node relay.js", "sha256": None}, RowVerdict.STALE),
    ]:
        entries = [ENTRY, ENTRY | {"row": "LOAD-03"}]
        (folder / "rows.json").write_text(json.dumps(content | {"relayer": relayer, "rows": entries}))
        write_sealed(folder, {"profile": "buffer"}, ["rows.json"])
        assert row(tmp_path, current=Baseline(relayer_sha256="4e")).verdict is expected, relayer
        assert row(tmp_path, "LOAD-03", Baseline(relayer_sha256="4e")).verdict is RowVerdict.PASS
