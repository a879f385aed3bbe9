"""A load that is repeated until it passes, and what is left of one whose files are lost."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.evidence.manifest import Against, MeasuredRow, MeasurementManifest
from lab.evidence.outcomes import OUTCOMES, note_outcome
from lab.evidence.seal import write_sealed
from lab.report.evidence.figures import read_figures
from lab.report.pruning import prune
from lab.report.records.row_verdict import RowVerdict

from ..evidence.test_figures import ENTRY, row
from ..fakes import CONTRACT, NOW

MONDAY, TUESDAY, WEDNESDAY = (f"2026112{day}-110000-0000" for day in (2, 3, 4))
MADE = {
    "schema_version": 1, "profile": "buffer", "item": "load buffer", "started": "2026-11-22T11:00:00+00:00",
    "lab": {"commit": "ab" * 20, "dirty": False}, "contract": {"bytecode_sha256": CONTRACT},
    "relayer": {"kind": "command", "command": "relay", "sha256": "4e"}, "profile_sha256": "f1",
}  # fmt: skip


def ran(results: Path, name: str, verdict: str = "PASS", **changes: Any) -> Path:
    """A load as it is left: its rows, its manifest, and its line beside the folder."""
    folder = results / "load" / name
    folder.mkdir(parents=True)
    made = MADE | changes
    (folder / "rows.json").write_text(json.dumps(made | {"rows": [ENTRY | {"verdict": verdict}]}))
    made |= Against.of([MeasuredRow.read(ENTRY | {"verdict": verdict})]).as_json()
    write_sealed(folder, made, ["rows.json"])
    note_outcome(folder, made, None, made_with=MeasurementManifest.read(made).made_with)
    return folder


@pytest.mark.parametrize("verdict", ["FAIL", "INFEASIBLE"])
def test_a_second_try_stands_beside_the_first(tmp_path: Path, verdict: str) -> None:
    """Of the same things: what it decided counts, and says which run it was and which does not take it back."""
    ran(tmp_path, MONDAY, verdict)
    ran(tmp_path, TUESDAY)
    ran(tmp_path, WEDNESDAY)
    found = row(tmp_path)
    assert found.verdict is RowVerdict(verdict)
    assert f"so it was in {MONDAY}, and {WEDNESDAY} repeats that with the same things" in found.reason
    assert [shown.folder for shown in found.evidence] == [f"load/{WEDNESDAY}", f"load/{MONDAY}"]
    assert prune(tmp_path, 1, dry_run=True).gone == (tmp_path / "load" / TUESDAY,)


@pytest.mark.parametrize(
    "change",
    [
        {"contract": {"bytecode_sha256": "c1"}},
        {"relayer": {"kind": "command", "command": "relay", "sha256": "4f"}},
        {"relayer": {"kind": "reference"}},
        {"lab": {"commit": "cd" * 20, "dirty": False}},
        {"lab": {"commit": "ab" * 20, "dirty": True}},
        {"profile_sha256": "f2"},
        {"profile_sha256": None},
    ],
)
def test_a_failure_of_something_else_is_history(tmp_path: Path, change: dict[str, Any]) -> None:
    """What was mended since does not stand against what is there now, whatever of it was lost."""
    folder = ran(tmp_path, MONDAY, "FAIL", **change)
    ran(tmp_path, TUESDAY)
    assert row(tmp_path).verdict is RowVerdict.PASS
    for name in FILES[:2]:
        (folder / name).unlink()
        assert row(tmp_path).verdict is RowVerdict.PASS


def test_one_that_could_not_tell_is_no_failure(tmp_path: Path) -> None:
    """A generator that was late once is no fault of the system."""
    ran(tmp_path, MONDAY, "UNKNOWN")
    ran(tmp_path, TUESDAY)
    assert row(tmp_path).verdict is RowVerdict.PASS


def test_two_projects_do_not_stand_for_each_other(tmp_path: Path) -> None:
    """One results folder, the lab's own profile: a pass of one hides no failure of the other."""
    ran(tmp_path, MONDAY, "FAIL", project=["a"], contract={"bytecode_sha256": "c1"})
    folder = ran(tmp_path, TUESDAY, project=["b"])
    assert [(figure.verdict.name, figure.source.folder) for figure in read_figures(tmp_path, NOW)[0]] == [
        ("FAIL", f"load/{MONDAY}"), ("PASS", f"load/{TUESDAY}"),
    ]  # fmt: skip
    ran(tmp_path, WEDNESDAY, project=["a"])
    shutil.rmtree(folder)
    assert row(tmp_path).verdict is RowVerdict.PASS


DAMAGES: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "overwritten": lambda path: path.write_bytes(b"\xff" * 9 + path.read_bytes()[9:]),
}
FILES = ("rows.json", "manifest.json", f"../{OUTCOMES}")


@pytest.mark.parametrize("verdict", ["PASS", "FAIL", "INFEASIBLE"])
@pytest.mark.parametrize("how", DAMAGES)
def test_every_part_destroyed(tmp_path: Path, how: str, verdict: str) -> None:
    """A failure stays one while a file is left that says so; a pass needs all but the line beside its folder."""
    sets = [names for size in (1, 2, 3) for names in itertools.combinations(FILES, size)]
    for number, names in enumerate(sets):
        results = tmp_path / str(number)
        folder = ran(results, TUESDAY, verdict)
        for name in names:
            DAMAGES[how](folder / name)
        found = row(results).verdict
        if verdict != "PASS":
            assert (found is RowVerdict(verdict)) == (len(names) < len(FILES)), names
            assert found is not RowVerdict.PASS
        else:
            assert (found is RowVerdict.PASS) == (names == FILES[2:]), names
            assert found is not RowVerdict.FAIL, names


def test_a_repeated_failure_is_not_softened_by_damage(tmp_path: Path) -> None:
    """Without its rows, and without its manifest, the first try still says what it failed, and with what."""
    folder = ran(tmp_path, MONDAY, "FAIL")
    ran(tmp_path, TUESDAY)
    for name in FILES[:2]:
        (folder / name).unlink()
        assert row(tmp_path).verdict is RowVerdict.FAIL
