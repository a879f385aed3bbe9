"""The catalogue holds exactly the lines of the checklist, and a bad catalogue is refused with a place."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from lab.errors import InvalidFile
from lab.model.units import duration_ms
from lab.report.catalogue.claims import unmatched_claims
from lab.report.catalogue.rows import Proof, load_catalogue

ROOT = Path(__file__).parents[4]

ROWS = load_catalogue().rows


def test_every_line_of_the_checklist_has_its_row() -> None:
    """178 checkboxes, 12 of them ticked, and 18 risks; counts by class as planned."""
    assert len(ROWS) == len({row.id for row in ROWS}) == 196
    assert Counter((row.kind, row.row_class) for row in ROWS) == {
        ("item", "attested"): 48,
        ("item", "lab"): 55,
        ("item", "lab-bounded"): 43,
        ("item", "live"): 32,
        ("risk", "attested"): 10,
        ("risk", "lab"): 3,
        ("risk", "lab-bounded"): 5,
    }
    assert sum(row.claimed for row in ROWS) == 12
    assert all(row.section for row in ROWS)


def test_only_rows_that_the_lab_settles_have_proofs() -> None:
    """A live or attested row cannot be proven by a scenario; every lab row says what its evidence depends on."""
    for row in ROWS:
        if row.row_class in ("live", "attested"):
            assert row.proofs == (), row.id
        else:
            assert row.depends_on, row.id


def test_proofs_match_scenario_files_from_the_right() -> None:
    """The folder and the stem count; globs work; a longer name is another scenario."""
    proof = Proof(scenario="failures/relayer_killed")
    assert proof.matches("scenarios/failures/relayer_killed.yaml")
    assert proof.matches("failures/relayer_killed.yaml")
    assert not proof.matches("scenarios/failures/relayer_killed_twice.yaml")
    assert not proof.matches("scenarios/other/relayer_killed.yaml")
    assert Proof(scenario="congestion/*").matches("scenarios/congestion/gas_limit_cut.yaml")
    assert not Proof(scenario="congestion/*").matches("scenarios/failures/flaky_rpc.yaml")
    for file in ("pays.yaml", "scenarios/pays.yaml", "mine/pays.yaml", "test_pays.py"):
        assert Proof(scenario="*/*").matches(file)


def test_bad_catalogue_is_refused_with_every_problem(tmp_path: Path) -> None:
    """A duplicate id and a fact about no row, each with its line."""
    path = tmp_path / "checklist.yaml"
    words = "item: i, detail: d, proof: p"
    row = f"{{id: AA-01, kind: item, class: lab, stage: lab, must_pass: true, claimed: false, {words}}}"
    path.write_text(
        "schema_version: 1\ndocument: D\nfacts:\n  - {id: f, rows: [ZZ-99], stated: s, found: t}\n"
        f"sections:\n  - title: T\n    rows:\n      - {row}\n      - {row}\n",
        encoding="utf-8",
    )
    with pytest.raises(InvalidFile) as caught:
        load_catalogue(path)
    text = str(caught.value)
    assert ":9:" in text
    assert "the row AA-01 exists already" in text
    assert "no row has the id ZZ-99" in text


@pytest.mark.parametrize("scenario_file", ["", ".", "/", "..", "scenarios/"])
def test_what_names_no_file_is_no_proof(scenario_file: str) -> None:
    """A manifest may say anything; the report is written all the same."""
    assert not Proof(scenario="failures/relayer_killed").matches(scenario_file)


def test_claims_that_no_proof_matches_are_reported() -> None:
    """A claim of an unknown row, a claim by the wrong scenario, and a good one."""
    found = unmatched_claims(
        load_catalogue(),
        [
            {"scenario_file": "scenarios/failures/window_boundaries.yaml", "rows": ["XCB-05", "XCB-5x", "SEC-03"]},
            {"scenario_file": "scenarios/failures/window_boundaries.yaml", "rows": ["XCB-05", "XCB-5x", "SEC-03"]},
            {"scenario_file": "scenarios/mine.yaml", "rows": None},
        ],
    )
    assert [(problem.path, problem.message.split(":")[0]) for problem in found] == [
        ("rows[1]", "no row has the id XCB-5x (did you mean XCB-05?)"),
        ("rows[2]", "SEC-03 does not accept this scenario as proof"),
    ]


def test_the_commands_that_measure_rows_are_commands() -> None:
    """A profile that is there, and a duration with its unit: who copies the line gets a measurement."""
    commands = {row.measured_by for row in load_catalogue().rows if row.measured_by} - {"lab mutate"}
    assert len(commands) >= 5
    for command in commands:
        words = command.split()
        assert words[:2] == ["lab", "load"], command
        assert (ROOT / "loadtests" / f"{words[2]}.yaml").is_file(), command
        options = dict(zip(words[3::2], words[4::2], strict=True))
        assert set(options) <= {"--tps", "--duration"}, command
        assert duration_ms(options.get("--duration", "1s")) > 0


def set_ups() -> dict[str, str]:
    """The text of every scenario of the library, by its file as manifests name it."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in (ROOT / "scenarios").rglob("*")
        if path.suffix == ".yaml" or path.match("test_*.py")
    }


def test_every_claim_has_its_proof_and_every_proof_its_claim() -> None:
    """The catalogue accepts whatever a scenario says that it serves; only a pattern covers more than it names."""
    claims = {
        file: {
            row for line in re.findall(r"^ *rows(?:: \[|=\")([A-Z].*)[\]\"]", text, re.M) for row in line.split(", ")
        }
        for file, text in set_ups().items()
    }
    assert sum(map(len, claims.values())) > 100
    manifests = [{"scenario_file": file, "rows": sorted(rows)} for file, rows in claims.items()]
    assert list(unmatched_claims(load_catalogue(), manifests)) == []
    for row in ROWS:
        assert len({proof.scenario for proof in row.proofs}) == len(row.proofs), row.id
        for proof in row.proofs:
            files = [file for file in claims if proof.matches(file)]
            assert files, (row.id, proof.scenario)
            assert "*" in proof.scenario or all(row.id in claims[file] for file in files), (row.id, proof.scenario)


def test_a_row_depends_on_whatever_its_scenarios_run_with() -> None:
    """Each has a contract under test, and some a relayer: evidence of another one is stale, and no verdict on this."""
    texts = set_ups()
    for row in ROWS:
        proven_by = [text for proof in row.proofs for file, text in texts.items() if proof.matches(file)]
        if proven_by:
            assert "contract" in row.depends_on, row.id
        if any("relayer: none" not in text for text in proven_by):
            assert "relayer" in row.depends_on, row.id
