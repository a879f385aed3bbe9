"""What to do next, in the order in which it helps."""

from __future__ import annotations

from pathlib import Path

from lab.model.verdict import Verdict
from lab.report.catalogue.library import library_scenarios
from lab.report.catalogue.rows import Catalogue, Proof, Stage, load_catalogue
from lab.report.evidence.figures import Figure, Source
from lab.report.judge.commands import Commands
from lab.report.judge.path_to_go import path_to_go
from lab.report.records.report import PathStep
from lab.report.records.row_verdict import RowVerdict, worst

from ..fakes import CONTRACT, NOW, FakeFolder, readiness, run
from .test_readiness import ONE, TWO, catalogue


def steps(found: Catalogue, *folders: FakeFolder, stage: Stage = "lab") -> tuple[PathStep, ...]:
    """The path of a report."""
    return readiness(found, folders, contract_sha256=CONTRACT, generated=NOW, stage=stage).path_to_go


def test_each_piece_of_evidence_by_what_is_wrong_with_it() -> None:
    """One proof fails, the other never ran: repair first, run second."""
    first, second = steps(catalogue(ONE, TWO, owner="core"), run("failures/one", Verdict.FAIL))
    assert (first.action, first.command, first.owner) == (
        "repair what fails", "pytest scenarios/failures/one.yaml", "core"
    )  # fmt: skip
    assert (second.action, second.command) == (
        "run what is missing or out of date", "pytest scenarios/failures -k two"
    )  # fmt: skip


def _library() -> list[str]:
    """Folder and stem of each scenario that the lab brings."""
    return [name.removeprefix("scenarios/") for name in sorted(library_scenarios(Proof(scenario="*/*")))]


def test_go_needs_nothing() -> None:
    """An empty path."""
    assert steps(catalogue(TWO), run("failures/two")) == ()


def test_an_empty_results_folder_says_run_everything_first() -> None:
    """Many scenarios for the same reason are one command; no row waits for somebody to write its proof."""
    found = steps(load_catalogue())
    assert found[0].command == "pytest scenarios/"
    assert found[0].must_pass > 5
    measures = {step.command: step.rows for step in found if step.action == "measure it"}
    assert measures["lab mutate"] == ("RTE-01",)
    assert measures["lab load pairs"] == ("TEC-02",)
    assert [step for step in found if step.action.startswith("write the proof")] == []


def test_a_row_that_needs_a_figure_besides_its_scenarios_is_measured(tmp_path: Path) -> None:
    """The scenario has passed, and that alone settles nothing."""
    (step,) = steps(catalogue(TWO, measured_by="lab mutate"), run("failures/two"))
    assert (step.action, step.command, step.verdict) == ("measure it", "lab mutate", RowVerdict.NOT_RUN)


def test_a_scenario_that_is_missing_of_all_is_run_as_its_own_row_says() -> None:
    """One step with what it needs, not the whole library once more."""
    library = [run(name) for name in _library() if name != "quality/test_code_freeze"]
    found = steps(load_catalogue(), *library)
    (step,) = [each for each in found if "CQ-02" in each.rows and "test_code_freeze" in each.command]
    assert step.command == "pytest scenarios/quality -k test_code_freeze"
    assert {"SCS-04", "CQ-02", "RTE-01"} <= set(step.rows)
    assert "lab freeze --audited SHA256" in step.needs
    assert not any(each.command == "pytest scenarios/" for each in found)


def test_people_are_asked_by_owner() -> None:
    """One step for each owner, the row itself where it is alone; must-pass rows first."""
    found = [step for step in steps(load_catalogue(), stage="mainnet") if step.action == "attest it"]
    assert found[0].must_pass > 0
    assert len({step.owner for step in found}) == len(found)
    alone = next(step for step in found if len(step.rows) == 1)
    assert alone.command == f"lab attest {alone.rows[0]}"


def test_steps_of_other_stages_are_left_out(tmp_path: Path) -> None:
    """A mainnet row does not block the lab."""
    assert steps(catalogue(**{"class": "attested", "stage": "mainnet"})) == ()


def test_a_step_says_of_its_rows_what_the_rows_say() -> None:
    """There is one way to decide a row: each step has the worst verdict of its own rows, whoever found it out."""
    folders = [run("failures/one", Verdict.FAIL), run("failures/window_boundaries"), run("failures/two")]
    report = readiness(load_catalogue(), folders, contract_sha256=CONTRACT, generated=NOW, stage="mainnet")
    verdicts = {row.id: row.verdict for row in report.rows}
    assert {"TEC-02", "TEC-06"} <= {row for step in report.path_to_go for row in step.rows}
    for step in report.path_to_go:
        assert step.verdict is worst(verdicts[row] for row in step.rows)
        assert all(row.is_open for row in report.rows if row.id in step.rows)


def test_a_figure_from_scenario_runs_that_cannot_tell_is_measured_further() -> None:
    """It is UNKNOWN everywhere, and not a measurement that nobody made."""
    figure = Figure("AA-01", RowVerdict.UNKNOWN, "too few", source=Source("scenario runs"))
    given = catalogue(measured_by="lab load flow")
    report = readiness(given, [], contract_sha256=CONTRACT, generated=NOW, stage="lab", figures=(figure,))
    (step,) = report.path_to_go
    assert report.rows[0].verdict is step.verdict is RowVerdict.UNKNOWN
    assert (step.action, step.command) == ("measure more, or again", "lab load flow")


def test_in_a_users_folder_the_library_is_run_by_name(tmp_path: Path) -> None:
    """Nothing there is called scenarios/."""
    found = path_to_go("lab", readiness(load_catalogue()).rows, Commands(tmp_path, tmp_path, tmp_path / "results"))
    commands = [step.command for step in found]
    assert "pytest --library" in commands
    assert not [command for command in commands if "scenarios/" in command]
