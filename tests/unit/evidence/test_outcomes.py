"""What stands beside the folders of runs: of many runs in one file, which a command reads once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from lab.bounded_files import UnfitFile
from lab.evidence import outcome_index, outcomes
from lab.evidence.newest import all_runs_of, newest_runs
from lab.evidence.outcomes import OUTCOMES, RunOutcome, names_against, names_in, note_outcome, outcome_of

SESSION = "20261126-090000-0000"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read from end to end."""
    read: list[Path] = []
    whole = outcome_index.all_lines

    def counted(path: Path) -> Iterator[bytes]:
        read.append(path)
        return whole(path)

    monkeypatch.setattr(outcome_index, "all_lines", counted)
    return read


def write(folder: Path, *lines: dict[str, Any]) -> Path:
    """A file with these lines."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / OUTCOMES).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def test_a_file_is_read_once_for_all_its_folders(tmp_path: Path, reads: list[Path]) -> None:
    """However many there are, and however often each is asked for."""
    lines = [{"folder": f"run-{number % 100}", "verdict": "PASS", "item": str(number)} for number in range(1000)]
    session = write(tmp_path / SESSION, *lines)
    for number in range(100):
        (session / f"run-{number}").mkdir()
        assert outcome_of(session / f"run-{number}").item == str(900 + number)
    assert len(newest_runs(tmp_path).runs) == 100
    assert all(run.outcome().verdict == "PASS" for run in all_runs_of(session))
    assert reads == [session / OUTCOMES]


def test_a_line_that_was_added_is_seen(tmp_path: Path, reads: list[Path]) -> None:
    """The file is another one then."""
    write(tmp_path, {"folder": "pays", "verdict": "PASS"})
    assert outcome_of(tmp_path / "pays").verdict == "PASS"
    note_outcome(tmp_path / "pays", {}, "FAIL", made_with=None)
    assert outcome_of(tmp_path / "pays").verdict == "FAIL"
    assert len(reads) == 2


def test_names_that_share_a_group_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group is of many names."""
    monkeypatch.setattr(outcome_index, "_GROUPS", 1)
    write(tmp_path, *({"folder": name, "item": name.upper()} for name in ("a", "b", "c")))
    assert [outcome_of(tmp_path / name).item for name in ("a", "b", "c", "d")] == ["A", "B", "C", None]


def line(random: Random) -> dict[str, Any]:
    """Of one run."""
    rows = {kind: {random.choice("XYZ"): str(random.random())} for kind in ("failed", "infeasible")}
    stated = {kind: value for kind, value in rows.items() if random.random() < 0.3}
    return {
        "folder": "run",
        "verdict": random.choice(["PASS", "PASS", "FAIL", None]),
        "item": str(random.random()),
    } | stated


@pytest.mark.parametrize("seed", range(200))
def test_many_lines_say_what_two_by_two_they_would(seed: int, tmp_path: Path) -> None:
    """The first failure, else the last line, and of each row the reason of the line that counts."""
    random = Random(seed)
    lines = [line(random) for _ in range(random.randint(1, 6))]
    expected = RunOutcome()
    for one in map(RunOutcome.read, lines):
        expected = expected.both(one) if expected.is_failure else one.both(expected)
    folder = write(tmp_path, *lines) / "run"
    assert outcome_of(folder) == expected
    assert outcome_of(folder, last=True) == RunOutcome.read(lines[-1])
    assert ("run" in names_against(tmp_path)) is any(RunOutcome.read(one).is_against for one in lines)
    assert names_in(tmp_path) == {"run"}


def test_more_failures_than_anybody_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would be a run of the report: the file is named, and no failure is left out."""
    monkeypatch.setattr(outcome_index, "AGAINST_MAX", 2)
    write(tmp_path / SESSION, *({"folder": f"gone-{number}", "verdict": "FAIL"} for number in range(3)))
    with pytest.raises(UnfitFile, match=r"verdicts\.jsonl: expected failures of at most 2 runs, got more"):
        newest_runs(tmp_path)


def test_what_is_kept_in_mind_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of long lines only few, and of many files some."""
    monkeypatch.setattr(outcomes, "KEPT_BYTES_MAX", 10_000)
    monkeypatch.setattr(outcome_index, "_FILES_MAX", 3)
    kept = outcomes._Kept()
    monkeypatch.setattr(outcomes, "_KEPT", kept)
    write(tmp_path, *({"folder": f"run-{number}", "item": "x" * 1000} for number in range(100)))
    assert all(outcome_of(tmp_path / f"run-{number}").item for number in range(100))
    assert 0 < len(kept.outcomes) < 10
    for number in range(10):
        outcome_of(write(tmp_path / str(number), {"folder": "a"}) / "a")
    assert len(outcome_index._KEPT) <= 3


def test_very_many_rows_of_one_run_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line of a folder may name others; what is kept of all is bounded, and so is a folder's name."""
    monkeypatch.setattr(outcomes, "ROWS_MAX", 2)
    lines = [{"folder": "a", "failed": {f"A-{number}": "x" * 1_000}} for number in range(2)]
    lines += [{"folder": "b" * 300, "verdict": "FAIL"}]
    path = tmp_path / "verdicts.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert {len(why) for why in outcomes.outcome_of(tmp_path / "a").failed.values()} == {400}
    assert outcomes.names_against(tmp_path) == {"a"}
    path.write_text(path.read_text() + json.dumps({"folder": "a", "failed": {"A-2": ""}}) + "\n")
    with pytest.raises(UnfitFile, match="at most 2 rows"):
        outcomes.outcome_of(tmp_path / "a")
