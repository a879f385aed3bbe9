"""Mutation results and load series, as their tools write them and as they may look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.evidence.in_force import InForce
from lab.evidence.mutation_runs import MUTATION
from lab.evidence.seal import MANIFEST, write_sealed
from lab.report.catalogue.rows import load_catalogue
from lab.report.evidence.detection import read_detection
from lab.report.evidence.load_series import read_series
from lab.report.evidence.mutation_counts import FILE, Mutation, read_mutation
from lab.report.readiness_page.charts import charts

from ..fakes import CONTRACT, NOW, readiness

CATALOGUE = load_catalogue()

COUNTS = {"killed": 9, "survived": 1, "undecided": 0}
WRITTEN = {
    "schema_version": 1, "mutants": {"valid": 10, "killed": 9, "survived": 1, "equivalent": 0},
    "killed_by_check": {"S6": 4, "S4": 5}, "survived": [{"key": "a"}], "killed": [],
}  # fmt: skip


def write(results: Path, content: str) -> None:
    """As the tool leaves it."""
    path = results / MUTATION / FILE
    path.parent.mkdir()
    path.write_text(content)
    write_sealed(path.parent, {}, (path.name,))


def test_counts_and_who_caught(tmp_path: Path) -> None:
    """As `lab mutate` writes it; rows say how many mutants their checks caught."""
    write(tmp_path, json.dumps(WRITTEN))
    found, notes = read_mutation(tmp_path)
    assert (found, notes) == (Mutation(COUNTS, {"S6": 4, "S4": 5}), [])
    report = readiness(CATALOGUE, [], contract_sha256=CONTRACT, generated=NOW, mutation=found)
    rows = {row.id: row for row in report.rows}
    assert rows["SEC-01"].can_fail[-1] == "S6 authority caught 4 mutants"


@pytest.mark.parametrize(
    "content", ["", "[]", "7", '{"schema_version": 1, "mutants": {"killed": "many"}}', "[" * 5_000]
)
def test_anything_else_is_noted(tmp_path: Path, content: str) -> None:
    """And shown as nothing."""
    write(tmp_path, content)
    found, notes = read_mutation(tmp_path)
    assert found == Mutation()
    assert "the mutation score is not shown" in notes[0]


def series(tmp_path: Path, text: str) -> None:
    """A load run with a series."""
    folder = tmp_path / "load" / "one"
    folder.mkdir(parents=True)
    (folder / "rows.json").write_text('{"schema_version": 1, "rows": []}')
    (folder / "series.csv").write_text(text)


def test_rates_over_all_chains(tmp_path: Path) -> None:
    """Seconds are added up over the chains, thinned, and drawn."""
    lines = [f"{chain},{second},10,9,8" for chain in ("a", "b") for second in range(1_000)]
    series(tmp_path, "chain,t,offered,mined,succeeded\n" + "\n".join(lines) + "\n")
    points = read_series(tmp_path)
    assert len(points) <= 240
    assert (points[0].succeeded, points[0].offered, points[-1].second > 990) == (16, 20, True)
    report = readiness(CATALOGUE, [], contract_sha256=CONTRACT, generated=NOW, rates=points)
    assert [chart.title for chart in charts(report)] == ["Throughput over time"]


@pytest.mark.parametrize(
    "text", ["", "t,succeeded\n1,2\n", "t,succeeded,offered\nx,1,1\n", "t,succeeded,offered\n1,inf,1\n"]
)
def test_a_broken_series_is_left_out(tmp_path: Path, text: str) -> None:
    """Nothing raises."""
    series(tmp_path, text)
    assert read_series(tmp_path) == ()


DETECTED = {
    "schema_version": 1,
    "kinds": {"reorg": {"alerts": ["Deep"], "runs": 20, "fired": 20, "median_s": 15, "seconds": [15]}},
    "quiet_runs": 300, "false_alarms": [], "verdict": "MET",
}  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new"), [("mutation", '"killed": 9', '"killed": 99'), ("monitor", "20", "90")])
@pytest.mark.parametrize("how", ["edited", "its manifest gone", "its manifest edited", "its digest gone"])
def test_what_was_edited_does_not_count(tmp_path: Path, name: str, old: str, new: str, how: str) -> None:
    """A mutation score, and a measurement of alerts: neither is shown, and the report says why."""
    folder = tmp_path / name
    folder.mkdir()
    file = folder / ("mutation.json" if name == "mutation" else "detection.json")
    read = read_mutation if name == "mutation" else read_detection
    file.write_text(json.dumps(WRITTEN if name == "mutation" else DETECTED))
    write_sealed(folder, {"item": "x"}, (file.name,))
    assert read(tmp_path)[1] == []
    if how == "edited":
        file.write_text(file.read_text().replace(old, new))
    elif how == "its manifest gone":
        (folder / MANIFEST).unlink()
    elif how == "its manifest edited":
        (folder / MANIFEST).write_text((folder / MANIFEST).read_text().replace('"x"', '"y"'))
    else:
        write_sealed(folder, {"item": "x"}, ())
    found, notes = read(tmp_path)
    assert found in (None, Mutation())
    assert "does not count" in notes[0]
    assert str(tmp_path) not in notes[0]


def test_the_score_of_another_contract_is_not_shown(tmp_path: Path) -> None:
    """It says of other checks than those of this contract that they can fail."""
    path = tmp_path / MUTATION / FILE
    path.parent.mkdir()
    path.write_text(json.dumps(WRITTEN))
    write_sealed(path.parent, {"contract": {"bytecode_sha256": CONTRACT}}, (path.name,))
    assert read_mutation(tmp_path, InForce(CONTRACT))[0].counts == COUNTS
    found, notes = read_mutation(tmp_path, InForce("c1"))
    assert (found, notes) == (Mutation(), ["the mutation score is of another contract: it is not shown"])
