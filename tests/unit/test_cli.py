"""The commands that start no chain: what they print, and the exit codes that scripts go by."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lab.checks.verdict import judge_recorded
from lab.cli import app
from lab.commands.ending import end_with
from lab.evidence import Recorder, RunFolder
from lab.model.checks import CheckSelection
from lab.model.records import Expectation, Header
from lab.model.verdict import Verdict
from lab.scenario.schema import render

SCENARIO = """\
name: A test
description: It tests.
networks:
  ethereum: {}
flows:
  swap:
    pay: {chain: ethereum, at: +30s}
timeline:
  - buffer: swap
"""
HEADER = Header(
    t_ms=0, scenario="A test", item="case", seed=1, clock="virtual", genesis_time=1_800_000_000, window_s=30,
    chains={}, roles={}, operators={}, legs=(), capabilities=(), poll_ms=0, rpc_budget_ms=0, execution_order="ready",
)  # fmt: skip


def test_an_error_of_the_system_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """Which file, what came, and what next; an error with nothing to be done about it stays as it is."""
    for number, next_step in (
        (errno.EACCES, "Let this user have access"),
        (errno.ENOSPC, "Free space"),
        (errno.EIO, ""),
    ):
        assert end_with(OSError(number, os.strerror(number), "/out.yaml")) == 4
        (said, _) = capsys.readouterr().err.splitlines()
        assert said.startswith(f"error: /out.yaml: {os.strerror(number)}")
        assert next_step in said


def lab(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


def recorded_run(folder: Path, *, met: bool = True, selection: CheckSelection | None = None) -> Path:
    """A sealed run folder whose only subject is one expectation."""
    checks = selection or CheckSelection(False, (), ())
    folder.mkdir(parents=True)
    recorder = Recorder(folder / "history.jsonl")
    recorder.add(HEADER)
    recorder.add(Expectation(t_ms=5, id="e", where="case.yaml:9:5", expected="state READY", actual="as seen", met=met))
    recorder.close()
    verdict = judge_recorded(recorder.history(), checks, "pytest case.yaml")
    (folder / "verdict.json").write_text(verdict.model_dump_json())
    (folder / "metrics.json").write_text("{}")
    RunFolder(folder).seal(
        {
            "schema_version": 1,
            "item": "case",
            "name": "A test",
            "scenario_file": "scenarios/case.yaml",
            "rows": [],
            "started": "2026-11-24T00:00:00+00:00",
            "checks": {"default": checks.default, "added": checks.added, "removed": checks.removed},
            "contract": {"bytecode_sha256": "c0" * 32},
        }
    )
    return folder


def test_help_names_every_command_without_loading_what_they_need() -> None:
    """`lab --help` is there at once: neither pydantic nor compiler, web3, Docker or signing is loaded for it."""
    heavy = ("pydantic", "vyper", "web3", "docker", "eth_account", "pytest", "rich.table")
    script = f"""
import sys
from typer.testing import CliRunner
import lab.cli
print([name for name in {heavy} if name in sys.modules])
print(CliRunner().invoke(lab.cli.app, ["--help"]).output)
"""
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    loaded, _, help_text = output.partition("\n")
    assert loaded == "[]"
    for command in ("doctor", "image", "networks", "lint", "schema", "check", "report", "up", "status", "down"):
        assert f" {command} " in help_text, command


def test_networks_are_listed_with_their_figures() -> None:
    """The table holds all five main networks; one network shows each figure with its source."""
    table = lab("networks")
    one = lab("networks", "base")

    assert (table.exit_code, one.exit_code) == (0, 0)
    rows = {line.split()[0]: line for line in table.output.splitlines() if line.strip()}
    assert all(name in rows for name in ("ethereum", "polygon", "arbitrum", "optimism", "base"))
    assert "1.75 s" in rows["polygon"]
    assert " no " in rows["arbitrum"]
    block_time = next(line for line in one.output.splitlines() if line.startswith("block_time_ms"))
    assert " 200 " in block_time
    assert "2026-11" in block_time


@pytest.mark.parametrize("command", ["networks", "up"])
def test_a_retired_network_names_its_successor(command: str) -> None:
    """Mumbai is gone: the message says so and names Amoy; nothing else is printed."""
    result = lab(command, "mumbai")

    assert result.exit_code == 2
    assert "'mumbai' is retired: use amoy" in result.stderr
    assert not result.stdout
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["networks", "up"])
def test_an_unknown_network_names_the_nearest(command: str) -> None:
    """A slip of the pen is answered with the name that was meant."""
    result = lab(command, "optimsm")

    assert result.exit_code == 2
    assert "did you mean optimism?" in result.stderr


def test_schema_is_the_committed_one() -> None:
    """What editors get is what the models say."""
    result = lab("schema")

    assert result.exit_code == 0
    assert result.stdout == render()
    assert "timeline" in json.loads(result.stdout)["properties"]


def test_lint_accepts_a_sound_folder(tmp_path: Path) -> None:
    """No problem, exit code 0."""
    (tmp_path / "case.yaml").write_text(SCENARIO)

    result = lab("lint", tmp_path)

    assert (result.exit_code, result.stdout) == (0, "")
    assert "1 file, 1 run: no problems" in result.stderr


def test_lint_reports_every_problem_of_every_file(tmp_path: Path) -> None:
    """Two files, three problems of different kinds: each on its line, with file, line and column."""
    first = tmp_path / "a.yaml"
    first.write_text(SCENARIO.replace("buffer: swap", "bufer: swap") + "checks: [default, -S99]\n")
    second = tmp_path / "b.yaml"
    second.write_text(SCENARIO + "rows: [XCB-99]\n")

    result = lab("lint", first, second)

    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"{first}:9:5 ")
    assert "did you mean buffer?" in lines[0]
    assert lines[1].startswith(f"{first}:10:19 ")
    assert "S99" in lines[1]
    assert lines[2].startswith(f"{second}:10:8 rows[0]: no row has the id XCB-99")


def test_lint_places_a_claim_that_no_proof_accepts(tmp_path: Path) -> None:
    """A row that exists but does not take this scenario as proof is an error, once for all runs of the matrix."""
    folder = tmp_path / "failures"
    folder.mkdir()
    accepted, strange = folder / "window_boundaries.yaml", folder / "strange.yaml"
    accepted.write_text(SCENARIO + "rows: [XCB-05]\n")
    strange.write_text(SCENARIO + "rows: [XCB-05]\nmatrix:\n  seed: [1, 2]\n")

    result = lab("lint", folder)

    assert result.exit_code == 2
    assert result.stdout.splitlines() == [line for line in result.stdout.splitlines() if line.startswith(str(strange))]
    assert result.stdout.startswith(f"{strange}:10:8 rows[0]: XCB-05 does not accept this scenario")


@pytest.mark.parametrize("name", ["nothing.yaml", "empty"])
def test_lint_of_nothing_is_an_error(tmp_path: Path, name: str) -> None:
    """A mistyped path or an empty folder must not look like a clean bill."""
    (tmp_path / "empty").mkdir()

    result = lab("lint", tmp_path / name)

    assert result.exit_code == 2
    assert name in result.stderr


@pytest.mark.parametrize(("met", "exit_code", "word"), [(True, 0, "PASS"), (False, 1, "FAIL")])
def test_check_judges_recorded_evidence(tmp_path: Path, met: bool, exit_code: int, word: str) -> None:
    """The verdict comes from the history; a failure tells its story and how to repeat it."""
    run = recorded_run(tmp_path / "run", met=met)

    result = lab("check", run)

    assert result.exit_code == exit_code
    assert result.stdout.startswith(word)
    assert ("state READY" in result.stdout) is not met
    assert ("pytest case.yaml" in result.stdout) is not met


def test_check_goes_by_the_history_and_not_by_the_recorded_verdict(tmp_path: Path) -> None:
    """A run that recorded PASS over a failing history is FAIL, and the difference is said."""
    run = recorded_run(tmp_path / "run", met=False)
    folder = RunFolder(run)
    (run / "verdict.json").write_text(
        folder.verdict().model_copy(update={"verdict": Verdict.PASS, "reasons": ()}).model_dump_json()
    )
    folder.seal(folder.manifest())

    result = lab("check", run)

    assert result.exit_code == 1
    assert "the run itself recorded PASS" in result.stdout


def test_check_does_not_trust_changed_evidence(tmp_path: Path) -> None:
    """A history that passes but is not what the run wrote proves nothing: UNKNOWN, exit code 3."""
    run = recorded_run(tmp_path / "run")
    history = run / "history.jsonl"
    history.write_text(history.read_text().replace("as seen", "as sewn"))

    result = lab("check", run)

    assert result.exit_code == 3
    assert result.stdout.startswith("UNKNOWN")
    assert "history.jsonl: its digest is not the one that the run recorded" in result.stdout


def test_check_uses_the_selection_of_the_scenario(tmp_path: Path) -> None:
    """A check that the scenario named and whose subject never occurred makes the run UNKNOWN, as it did then."""
    run = recorded_run(tmp_path / "run", selection=CheckSelection(False, ("L6",), ()))

    result = lab("check", run)

    assert result.exit_code == 3
    assert "L6" in result.stdout
    assert "1 UNKNOWN" in result.stdout


def test_check_of_several_runs_ends_with_the_worst(tmp_path: Path) -> None:
    """A folder of runs: each is judged, one failure fails them all."""
    recorded_run(tmp_path / "one")
    recorded_run(tmp_path / "two", met=False)

    result = lab("check", tmp_path)

    assert result.exit_code == 1
    assert [line.split()[0] for line in result.stdout.splitlines() if str(tmp_path) in line] == ["PASS", "FAIL"]


def test_check_of_a_folder_without_runs_is_an_error(tmp_path: Path) -> None:
    """Usage, exit code 2, and what a run folder is."""
    result = lab("check", tmp_path)

    assert result.exit_code == 2
    assert "expected a run folder" in result.stderr


def test_check_says_that_evidence_is_cut_off(tmp_path: Path) -> None:
    """A truncated history is named with its line; no stack trace; the runs beside it are judged."""
    history = recorded_run(tmp_path / "one") / "history.jsonl"
    history.write_text(history.read_text()[:-20])
    recorded_run(tmp_path / "two")

    result = lab("check", tmp_path)

    assert result.exit_code == 3
    assert "history.jsonl:2:1" in result.stdout
    assert [line.split()[0] for line in result.stdout.splitlines() if line.endswith(("one", "two"))] == [
        "UNKNOWN",
        "PASS",
    ]


@pytest.mark.parametrize("name", ["history.jsonl", "verdict.json", "metrics.json", "manifest.json"])
def test_damage_does_not_soften_a_failure(tmp_path: Path, name: str) -> None:
    """Neither for `lab check` nor for the report, whichever file lost its end."""
    run = RunFolder(recorded_run(tmp_path / "latest" / "window_boundaries", met=False))
    run.seal(run.manifest() | {"scenario_file": "scenarios/failures/window_boundaries.yaml"})
    (run.path / name).write_text((run.path / name).read_text()[:-1])

    assert lab("check", run.path).exit_code == 1
    assert lab("report", tmp_path).exit_code == 1


def test_report_is_rebuilt_from_the_latest_runs(tmp_path: Path) -> None:
    """`latest` is followed, evidence is called by the run's own name, and an unfinished stage is INCOMPLETE: 3."""
    recorded_run(tmp_path / "20261124" / "case")
    (tmp_path / "latest").symlink_to("20261124")

    result = lab("report", tmp_path)

    assert result.exit_code == 3
    first, second, *_ = result.stdout.splitlines()
    assert first.startswith("contract unknown (as the newest run recorded it); relayer reference; project none: no lab")
    assert second.startswith("INCOMPLETE  stage lab, 1 run of 1 session")
    readiness = json.loads((tmp_path / "readiness" / "readiness.json").read_text())
    assert len(readiness["rows"]) == 196
    assert readiness["provenance"]["contract_sha256"] == "c0" * 32
    assert (tmp_path / "20261124" / "index.html").is_file()


def test_report_reads_the_newest_run_of_each_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was repeated until it met its expectation still fails its row; a killed session gets its pages."""
    state = {"version": "0.1.0", "commit": "ab" * 20, "dirty": False}
    monkeypatch.setattr("lab.commands.release.current.lab_state", lambda: state)
    for session, item, met in [("1", "case", False), ("2", "other", True), ("3", "case", True)]:
        folder = recorded_run(tmp_path / f"2026112{session}-090000-0000" / item, met=met)
        manifest = RunFolder(folder).manifest()
        file = f"scenarios/failures/{'window_boundaries' if item == 'case' else 'elsewhere'}.yaml"
        facts = {"scenario_file": file, "item": item, "started": f"2026-11-2{session}T09:00:00+00:00"}
        RunFolder(folder).seal(manifest | facts | {"lab": state})
    (tmp_path / "latest").symlink_to("20261123-090000-0000")

    result = lab("report", tmp_path, "--stage", "mainnet")

    assert "\nNO-GO  stage mainnet, 3 runs of 3 sessions" in result.stdout
    report = json.loads((tmp_path / "readiness" / "readiness.json").read_text())
    row = next(row for row in report["rows"] if row["id"] == "XCB-05")
    assert row["verdict"] == "FAIL"
    assert [found["folder"] for found in row["evidence"]] == ["20261121-090000-0000/case", "20261123-090000-0000/case"]
    assert (tmp_path / "20261122-090000-0000" / "other" / "report.html").is_file()
    assert "other/report.html" not in (tmp_path / "20261123-090000-0000" / "index.html").read_text()


def test_report_says_no_go_when_a_row_fails(tmp_path: Path) -> None:
    """A failed scenario that a row rests on makes the decision NO-GO: exit code 1."""
    run = RunFolder(recorded_run(tmp_path / "latest" / "case", met=False))
    run.seal(run.manifest() | {"scenario_file": "scenarios/failures/window_boundaries.yaml"})

    result = lab("report", tmp_path, "--stage", "mainnet")

    assert result.exit_code == 1
    assert "\nNO-GO  stage mainnet" in result.stdout
    assert "XCB-05" in result.stdout


def test_report_without_runs_is_incomplete(tmp_path: Path) -> None:
    """It says what to run first; nothing passes for want of evidence."""
    result = lab("report", tmp_path)

    assert result.exit_code == 3
    assert "\nINCOMPLETE  stage lab, 0 runs of 0 sessions" in result.stdout
    # As a person writes it: relative where that is shorter.
    near = min(str(tmp_path), os.path.relpath(tmp_path), key=len)
    assert f"run `pytest --lab-results {near} scenarios/` first" in result.stdout
    assert '"verdict": "PASS"' not in (tmp_path / "readiness" / "readiness.json").read_text()


def test_doctor_fails_without_the_engine_it_was_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--backend docker` on a machine without an engine: exit code 4 and the red line; `process` can do without."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")

    asked = lab("doctor", "--backend", "docker")

    assert asked.exit_code == 4
    assert any(line.startswith("error") and "Docker engine" in line for line in asked.output.splitlines())
    assert lab("doctor", "--backend", "process").exit_code == 0


def test_a_folder_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    """A file where the results folder should be: exit code 2, the path, no stack trace."""
    (tmp_path / "results").write_text("not a folder")

    result = lab("up", "base", "--results", tmp_path / "results")

    assert result.exit_code == 2
    assert str(tmp_path / "results") in result.stderr.replace("│", "").replace("\n", "").replace(" ", "")
    assert "Traceback" not in result.output


def test_an_unknown_command_or_option_is_usage() -> None:
    """Exit code 2, as everywhere."""
    assert lab("liint").exit_code == 2
    assert lab("up", "--backend", "podman").exit_code == 2
