"""A run that takes many times what the reference takes is named; what has no basis is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.evidence.manifest import RunManifest
from lab.paths import DATA
from lab.report.causes import effort

FILE, ITEM = "scenarios/dependencies/single_dependency.yaml", "single_dependency"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"transactions": 20_000, "duration_s": 1.0}, "made 20,000 transactions; with the reference it makes"),
        ({"transactions": 10, "duration_s": 600.0}, "took 600 s; with the reference it took"),
        ({"transactions": 10, "duration_s": 30.0}, None),
        ({"transactions": 150, "duration_s": 1.0}, None),
        ({"transactions": 10, "duration_s": 600.0, "clock": "real"}, None),
        ({"transactions": 20_000, "scenario_file": "scenarios/mine.yaml"}, None),
        ({}, None),
    ],
)
def test_many_times_the_reference(facts: dict[str, object], words: str | None) -> None:
    """Transactions of any run, seconds of one under the virtual clock that takes longer than a minute."""
    made = RunManifest.read({"scenario_file": FILE, "item": ITEM, "clock": "virtual"} | facts)
    said = effort.excesses([made])
    assert len(said) == (words is not None), said
    assert all(words is not None and words in sentence for sentence in said), said


def test_the_basis_is_of_this_library() -> None:
    """Most scenarios that it names are there; of one that was renamed it says nothing."""
    recorded = effort.Efforts.model_validate_json(effort.EFFORT.read_text())
    there = [file for file in recorded.scenarios if (DATA / file).is_file()]
    assert len(there) > 0.8 * len(recorded.scenarios) > 40


def test_the_basis_is_recorded_from_a_session(tmp_path: Path) -> None:
    """Of runs that ended, by file and item, as the manifests have it."""
    runs: dict[str, dict[str, object]] = {"pays": {"transactions": 12, "duration_s": 1.26}, "died": {"transactions": 3}}
    for item, facts in runs.items():
        folder = tmp_path / item
        folder.mkdir()
        made = {"scenario_file": FILE, "item": item, **facts}
        (folder / "manifest.json").write_text(json.dumps(made))
    recorded = effort.record([tmp_path])
    assert recorded.as_json() == {"scenarios": {FILE: {"pays": {"transactions": 12, "seconds": 1.3}}}}
