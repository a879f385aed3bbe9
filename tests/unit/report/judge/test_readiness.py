"""Rows are earned by evidence: every way in which a row does not pass, and what follows for a release."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from lab.model.verdict import RowJudgement, RunVerdict, Verdict
from lab.paths import SCENARIOS
from lab.report.catalogue.rows import Catalogue, load_catalogue
from lab.report.evidence.figures import Figure, Source
from lab.report.judge.decision import decide
from lab.report.records.report import Readiness
from lab.report.records.row_result import RowResult
from lab.report.records.row_verdict import SETTLED, RowVerdict

from ..fakes import CONTRACT, NOW, FakeFolder, broken, readiness, run

ONE = {"scenario": "failures/one", "check": ("S2",)}
TWO = {"scenario": "failures/two"}
OTHER = {"bytecode_sha256": "00" * 32}
GOOD = {"S1": Verdict.PASS, "S2": Verdict.PASS}


def catalogue(*proofs: dict[str, Any], **changes: Any) -> Catalogue:
    """A checklist of one row."""
    row = {
        "id": "AA-01", "kind": "item", "class": "lab", "stage": "lab", "must_pass": True, "claimed": False,
        "item": "It works", "detail": "as said", "proof": "shown by runs", "depends_on": ("contract",),
        "proofs": proofs,
    }  # fmt: skip
    section = {"title": "Section", "rows": (row | changes,)}
    return Catalogue.model_validate({"schema_version": 1, "document": "Checklist", "sections": (section,)})


def build(found: Catalogue, *folders: FakeFolder, contract: str | None = CONTRACT) -> Readiness:
    """The report over some folders."""
    return readiness(found, folders, contract_sha256=contract, generated=NOW)


def only(found: Catalogue, *folders: FakeFolder, contract: str | None = CONTRACT) -> RowResult:
    """The one row of a report."""
    return build(found, *folders, contract=contract).rows[0]


def test_all_proofs_shown_is_pass() -> None:
    """Two proofs, one of them with two matrix items."""
    runs = [run("failures/one", checks=GOOD, param=param) for param in ("3", "4")]
    row = only(catalogue(ONE, TWO), *runs, run("failures/two"))
    assert row.verdict is RowVerdict.PASS
    assert [found.item for found in row.evidence] == ["failures/one[3]", "failures/one[4]", "failures/two"]
    assert row.evidence[0].folder == "20261124-110000/failures-one[3]"
    assert (row.evidence[0].digest, row.evidence[0].commit) == ("d1" * 32, "ab" * 20)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (("AA-01", Verdict.PASS), RowVerdict.PASS),
        (("AA-01", Verdict.FAIL), RowVerdict.FAIL),
        (("AA-01", Verdict.UNKNOWN), RowVerdict.UNKNOWN),
        (("BB-02", Verdict.PASS), RowVerdict.FAIL),
    ],
)
def test_what_a_run_says_of_a_row_counts_for_it(own: tuple[str, Verdict], expected: RowVerdict) -> None:
    """Though the run failed by another row's expectation; a row of which it says nothing falls with the run."""
    failed = run("failures/two", Verdict.FAIL)
    said = cast(RunVerdict, failed.verdict_value)
    judged = RowJudgement(row=own[0], verdict=own[1], reasons=("as seen",))
    folder = replace(failed, verdict_value=said.model_copy(update={"rows": (judged,)}))
    assert only(catalogue(TWO), folder).verdict is expected


def test_bounded_rows_never_get_more_than_lab_pass() -> None:
    """The lab's own conditions are all that it can speak of."""
    assert only(catalogue(TWO, **{"class": "lab-bounded"}), run("failures/two")).verdict is RowVerdict.LAB_PASS


@pytest.mark.parametrize(
    ("folder", "expected", "reason"),
    [
        (run("failures/one", Verdict.FAIL, checks=GOOD), RowVerdict.FAIL, "the run is FAIL"),
        (run("failures/one", checks=GOOD | {"S2": Verdict.FAIL}), RowVerdict.FAIL, "S2 parent final failed"),
        (run("failures/one", Verdict.UNKNOWN, checks=GOOD), RowVerdict.UNKNOWN, "the run is UNKNOWN"),
        (run("failures/one", Verdict.NOT_EXERCISED, checks=GOOD), RowVerdict.UNKNOWN, "NOT EXERCISED"),
        (
            run("failures/one", checks=GOOD | {"S2": Verdict.NOT_EXERCISED}),
            RowVerdict.UNKNOWN,
            "final is NOT EXERCISED",
        ),
        (run("failures/one", checks=GOOD | {"S2": Verdict.UNKNOWN}), RowVerdict.UNKNOWN, "S2 parent final is UNKNOWN"),
        (run("failures/one", checks={"S1": Verdict.PASS}), RowVerdict.UNKNOWN, "S2 parent final was not judged"),
        (run("failures/one", checks=GOOD, contract=OTHER), RowVerdict.STALE, "another contract"),
        (run("failures/one", checks=GOOD, contract=None), RowVerdict.UNKNOWN, "does not say which contract"),
        (run("failures/one", checks=GOOD, schema_version=2), RowVerdict.UNKNOWN, "expected schema_version 1, got 2"),
        (run("failures/one", checks=GOOD, started="2031-01-01T00:00:00Z"), RowVerdict.UNKNOWN, "in the future"),
        (run("failures/one", checks=GOOD, started="soon"), RowVerdict.UNKNOWN, "ISO time"),
        (run("failures/one", checks=GOOD, item="another"), RowVerdict.UNKNOWN, "different items"),
        (run("failures/other", checks=GOOD), RowVerdict.NOT_RUN, "no run of failures/one is recorded"),
    ],
)
def test_one_bad_proof_takes_the_row(folder: FakeFolder, expected: RowVerdict, reason: str) -> None:
    """The other proof is good, and does not help."""
    row = only(catalogue(ONE, TWO), folder, run("failures/two"))
    assert row.verdict is expected
    assert reason in row.reason


@pytest.mark.parametrize("damaged", ["digests", "metrics", "manifest", "schema"])
@pytest.mark.parametrize("failing", ["run", "check"])
def test_damage_never_softens_a_failure(failing: str, damaged: str) -> None:
    """A run that failed and cannot be trusted has failed; a sound PASS beside it does not help."""
    folder = run("failures/one", Verdict.FAIL if failing == "run" else Verdict.PASS, checks=GOOD)
    if failing == "check":
        folder = run("failures/one", checks=GOOD | {"S2": Verdict.FAIL})
    if damaged == "manifest":
        folder.manifest_value = broken()
    elif damaged == "schema":
        assert isinstance(folder.manifest_value, dict)
        folder.manifest_value["schema_version"] = 9
    else:
        folder.differences = [f"{damaged}.json: changed"]
    row = only(catalogue(ONE, TWO), folder, run("failures/two"))
    assert row.verdict is RowVerdict.FAIL
    assert "; besides, " in row.reason


def test_damage_of_a_passing_run_is_still_unknown() -> None:
    """It is the failure that damage cannot take away, and no failure that it makes."""
    folder = run("failures/one", checks=GOOD)
    folder.differences = ["metrics.json: changed"]
    assert only(catalogue(ONE, TWO), folder, run("failures/two")).verdict is RowVerdict.UNKNOWN


def test_a_damaged_run_does_not_hide_its_failed_safety_checks() -> None:
    """The count of failed safety checks is of all runs at hand."""
    folder = run("failures/one", checks={"S1": Verdict.FAIL})
    folder.differences = ["metrics.json: changed"]
    rows = {row.id: row for row in build(load_catalogue(), folder).rows}
    assert rows["TEC-05"].verdict is RowVerdict.FAIL


def test_a_check_that_judged_nothing_proves_nothing() -> None:
    """Whatever it calls itself."""
    folder = run("failures/one", checks=GOOD)
    assert isinstance(folder.verdict_value, RunVerdict)
    nothing = tuple(check.model_copy(update={"judged": 0}) for check in folder.verdict_value.checks)
    folder.verdict_value = folder.verdict_value.model_copy(update={"checks": nothing})
    row = only(catalogue(ONE), folder)
    assert (row.verdict, "judged nothing" in row.reason) == (RowVerdict.UNKNOWN, True)


@pytest.mark.parametrize("row_id", ["TEC-01", "TEC-02", "TEC-04", "TEC-06", "LOAD-01", "LOAD-02", "STR-05", "RTE-01"])
@pytest.mark.parametrize("failures", [None, 0])
def test_a_measurement_of_nothing_is_no_pass(row_id: str, failures: int | None) -> None:
    """n = 0 under any row: UNKNOWN, and its criterion is not MET."""
    figure = Figure(
        row_id, RowVerdict.PASS, "all of them", Source("load", "load/x"), figure="100%", n=0, failures=failures
    )
    report = readiness(load_catalogue(), generated=NOW, figures=(figure,))
    row = next(row for row in report.rows if row.id == row_id)
    assert row.verdict not in SETTLED
    assert not [criterion for criterion in report.criteria if criterion.row == row_id and criterion.state == "MET"]


def test_worst_of_several_wins_and_all_are_shown() -> None:
    """One matrix item fails, an older run of it passed, another proof is missing: FAIL, and all reasons."""
    runs = [
        run("failures/one", Verdict.FAIL, checks=GOOD, param="3"),
        run("failures/one", checks=GOOD, param="3", session="20261123-090000"),
    ]
    row = only(catalogue(ONE, TWO), *runs)
    assert row.verdict is RowVerdict.FAIL
    assert len(row.evidence) == 2
    assert "no run of failures/two is recorded" in row.reason


def test_what_a_proof_needs_is_said_where_there_is_no_run() -> None:
    """On the row, and on the path to GO."""
    needing = catalogue({**TWO, "needs": "an audit"})
    assert only(needing).reason.endswith("no run of failures/two is recorded; it needs an audit")
    assert any(step.needs == "an audit" for step in build(needing).path_to_go)
    assert "needs" not in only(needing, run("failures/two")).reason


def test_missing_matrix_items_are_named() -> None:
    """Where the manifest lists the scenario's items, each must be there."""
    siblings = ["failures/two[3]", "failures/two[4]"]
    row = only(catalogue(TWO), run("failures/two", param="3", scenario_items=siblings))
    assert row.verdict is RowVerdict.NOT_RUN
    assert "failures/two[4]" in row.reason


def test_changed_or_unreadable_evidence_is_unknown_without_paths_of_this_machine() -> None:
    """A digest that differs, a truncated verdict, a manifest that is gone: the row that it was for says so."""
    changed, truncated, gone = (run("failures/two") for _ in range(3))
    changed.differences = [f"{changed.path}/history.jsonl: its digest is not the one that the run recorded"]
    truncated.verdict_value = broken(f"{truncated.path}/verdict.json: truncated")
    gone.manifest_value = broken()
    for folder in (changed, truncated, gone):
        row = only(catalogue(TWO), folder)
        assert row.verdict is RowVerdict.UNKNOWN
        assert "/nowhere" not in row.reason
    assert "its digest is not" in only(catalogue(TWO), changed).reason


def test_evidence_of_no_row_that_cannot_be_trusted_keeps_the_stage_from_go() -> None:
    """Everything is settled, but a folder nobody can attribute is broken."""
    stranger = run("failures/stranger")
    stranger.manifest_value = broken()
    report = build(catalogue(TWO), run("failures/two"), stranger)
    assert report.rows[0].verdict is RowVerdict.PASS
    assert report.decision == "INCOMPLETE"
    assert "truncated after 12 bytes" in report.problems[0]


def test_evidence_of_two_contracts_needs_to_know_which_ships() -> None:
    """Without a contract to compare with, one row's evidence must at least agree."""
    runs = [run("failures/one", checks=GOOD), run("failures/two", contract=OTHER)]
    row = only(catalogue(ONE, TWO), *runs, contract=None)
    assert row.verdict is RowVerdict.UNKNOWN
    assert "2 different contracts" in row.reason
    assert only(catalogue(TWO), runs[1], contract=None).verdict is RowVerdict.PASS


def test_other_contracts_do_not_matter_to_rows_that_do_not_depend_on_it() -> None:
    """Only rows that name the contract go STALE with it."""
    folder = run("failures/two", contract=OTHER)
    assert only(catalogue(TWO, depends_on=("networks",)), folder).verdict is RowVerdict.PASS


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"class": "live"}, RowVerdict.LIVE),
        ({"class": "attested"}, RowVerdict.ATTESTATION_MISSING),
        ({}, RowVerdict.NOT_RUN),
    ],
)
def test_rows_without_proof_are_honest(changes: dict[str, Any], expected: RowVerdict) -> None:
    """No evidence can settle them, whatever ran."""
    assert only(catalogue(**changes), run("failures/two")).verdict is expected


def test_empty_results_are_incomplete() -> None:
    """No run at all: no FAIL, no GO, and nothing passed."""
    report = build(load_catalogue())
    assert [stage.decision for stage in report.stages] == ["INCOMPLETE"] * 3
    assert report.counts == {
        RowVerdict.NOT_RUN: 106,
        RowVerdict.LIVE: 32,
        RowVerdict.ATTESTATION_MISSING: 58,
    }


def test_go_and_back() -> None:
    """All settled is GO; one failing run of the same row makes it NO-GO."""
    assert build(catalogue(TWO), run("failures/two")).decision == "GO"
    assert build(catalogue(TWO), run("failures/two", Verdict.FAIL)).decision == "NO-GO"


def test_stages_include_the_ones_before() -> None:
    """A lab row counts for mainnet; a mainnet row does not count for the lab."""
    report = build(catalogue(TWO, stage="testnet"), run("failures/two", Verdict.FAIL))
    assert [(stage.stage, stage.decision, stage.rows) for stage in report.stages] == [
        ("lab", "INCOMPLETE", 0),
        ("testnet", "NO-GO", 1),
        ("mainnet", "NO-GO", 1),
    ]


@pytest.mark.parametrize(
    ("verdict", "must_pass", "decision"),
    [
        (RowVerdict.ATTESTED, True, "GO"),
        (RowVerdict.WAIVED, False, "GO"),
        (RowVerdict.WAIVED, True, "INCOMPLETE"),
        (RowVerdict.INFEASIBLE, False, "INCOMPLETE"),
        (RowVerdict.INFEASIBLE, True, "NO-GO"),
        (RowVerdict.STALE, True, "INCOMPLETE"),
        (RowVerdict.FAIL, False, "NO-GO"),
    ],
)
def test_decisions_by_verdict(verdict: RowVerdict, must_pass: bool, decision: str) -> None:
    """A waiver never opens a must-pass row, and what cannot be done forbids a release that must have it."""
    row = only(catalogue(TWO), run("failures/two")).model_copy(update={"verdict": verdict, "must_pass": must_pass})
    assert decide("lab", [row], ()).decision == decision


def test_contradictions_of_the_checklist_are_facts_of_the_report() -> None:
    """The summary's arithmetic, the byte count, the retired network, and the ticks without evidence."""
    found = {entry.id: entry for entry in build(load_catalogue()).contradictions}
    assert "7/104" in found["summary-miscounts"].stated
    assert found["summary-miscounts"].found.endswith("12/178")
    assert "3,638 bytes" in found["bytes-are-hex-characters"].found
    assert "Amoy" in found["mumbai-is-retired"].found
    assert len(found["ticked-without-evidence"].rows) == 12


def test_a_ticked_row_that_fails_is_a_contradiction() -> None:
    """The tick is a claim, and the evidence speaks against it."""
    report = build(catalogue(TWO, claimed=True), run("failures/two", Verdict.FAIL))
    assert [(entry.id, entry.rows) for entry in report.contradictions] == [("ticked-but-failing", ("AA-01",))]


def test_provenance_names_what_the_evidence_was_made_with() -> None:
    """Values that differ among runs are all there."""
    made = build(
        catalogue(TWO), run("failures/two"), run("failures/one", lab={"commit": "cd" * 20, "dirty": True})
    ).provenance
    assert made.lab_commits == ("ab" * 20, "cd" * 20)
    assert made.dirty
    assert made.versions["anvil"] == ("1.7.1",)
    assert made.runs == 2


def test_folders_need_no_particular_order(tmp_path: Path) -> None:
    """The report is the same whatever order the file system gives."""
    runs = [run("failures/one", checks=GOOD, param=str(number), root=tmp_path) for number in range(4)]
    assert build(catalogue(ONE), *runs) == build(catalogue(ONE), *reversed(runs))


def lacking(scenario: str, *parts: str) -> FakeFolder:
    """A run of a contract that lacks something."""
    folder = run(scenario, Verdict.NOT_EXERCISED)
    assert isinstance(folder.verdict_value, RunVerdict)
    folder.verdict_value = folder.verdict_value.model_copy(update={"lacks": parts})
    return folder


def test_what_a_contract_lacks_is_said_once_with_the_rows_that_wait_for_it() -> None:
    """The row is not proven, and no verdict on the contract; a capability that no open row needs is not mentioned."""
    report = build(catalogue(ONE, TWO), lacking("failures/one", "handover (no propose_owner)"), run("failures/two"))
    (row,) = report.rows
    assert row.verdict is RowVerdict.UNKNOWN
    assert "the run is NOT EXERCISED" in row.reason
    assert "the contract lacks handover (no propose_owner): AA-01 needs it" in report.notes
    action = "give the contract what it lacks (handover (no propose_owner)), and run it again"
    assert action in [step.action for step in report.path_to_go]
    beside = build(catalogue(TWO), lacking("failures/one", "handover"), run("failures/two"))
    assert not [note for note in beside.notes if "lacks" in note]


def test_a_row_about_many_scenarios_goes_by_those_that_could_be_played() -> None:
    """Of a row about one scenario that one is missing; a row whose scenarios were all left out is not proven."""
    every = {"scenario": "mine/*"}
    assert only(catalogue(every), lacking("mine/one", "stop"), run("mine/two")).verdict is RowVerdict.PASS
    assert only(catalogue(every), lacking("mine/one", "stop")).verdict is RowVerdict.UNKNOWN
    mixed = only(catalogue(every), lacking("mine/one", "stop"), run("mine/two", Verdict.FAIL))
    assert mixed.verdict is RowVerdict.FAIL


def test_a_row_about_the_library_wants_all_of_it() -> None:
    """One of six scenarios is no proof of the six; neither is a namesake of a user's. What is missing is named."""
    stems = sorted(path.stem for path in (SCENARIOS / "congestion").glob("*.yaml"))
    all_six = [run(f"congestion/{stem}") for stem in stems]
    every = {"scenario": "congestion/*"}
    assert only(catalogue(every), *all_six).verdict is RowVerdict.PASS
    found = only(catalogue(every), *all_six[1:])
    assert found.verdict is RowVerdict.NOT_RUN
    assert found.reason == f"1 scenario of congestion/* did not run: scenarios/congestion/{stems[0]}"
    assert only(catalogue(every), run(f"congestion/{stems[0]}", library=""), *all_six[1:]).verdict is RowVerdict.NOT_RUN


def test_a_namesake_of_a_library_scenario_proves_nothing_and_can_fail() -> None:
    """What passed is not what the row asks for; a copy of it is, and so is what no file of the library is called."""
    stem, mine = {"scenario": "congestion/pool_full"}, {"scenario": "mine/pays"}
    found = only(catalogue(stem), run("congestion/pool_full", library=""))
    assert found.verdict is RowVerdict.UNKNOWN
    assert "is not the lab's own scenario of that name: run `pytest --library -k pool_full`" in found.reason
    assert only(catalogue(stem), run("congestion/pool_full", Verdict.FAIL, library="")).verdict is RowVerdict.FAIL
    copied = run("copies/congestion/pool_full", library="scenarios/congestion/pool_full.yaml")
    assert only(catalogue(stem), copied).verdict is RowVerdict.PASS
    assert only(catalogue(mine), run("mine/pays")).verdict is RowVerdict.PASS
