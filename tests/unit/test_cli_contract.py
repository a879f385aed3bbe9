"""`lab contract`: the report of one contract, on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.chains.nodes.provision import AnvilBinary
from lab.cli import app

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"


def told(*arguments: str) -> tuple[int, list[str]]:
    """Exit code and lines."""
    result = CliRunner().invoke(app, ["contract", *arguments, "--backend", "process"])
    return result.exit_code, result.stdout.splitlines()


def test_a_sound_contract(anvil: AnvilBinary) -> None:
    """Complete, with its optional parts and its state numbers."""
    code, lines = told(str(CONTRACTS / "TesseractCoordinator.vy"))
    assert code == 0
    assert lines[0].startswith("contract TesseractCoordinator (")
    assert "from the command line" in lines[0]
    assert "14 of 14 documented functions, with all events and reverts" in lines[1]
    assert lines[2:] == [
        "  capabilities: has stop, breaker, expiry, handover, deadline, batch",
        "  states: EMPTY 1, BUFFERED 2, READY 4, EXECUTED 8, EXPIRED 16",
    ]


@pytest.mark.older_vyper
def test_a_contract_that_never_succeeds(anvil: AnvilBinary) -> None:
    """The failure first, with its line; exit code 1. State numbers were not seen, so they are not told."""
    code, lines = told(str(CONTRACTS / "broken/zero_default_state.vy"))
    assert code == 1
    assert lines[1].startswith("smoke run: buffer_transaction never succeeds: it reverts with")
    assert "State.EMPTY" in lines[2]
    assert not any("states:" in line for line in lines)


def test_the_contract_of_the_project(anvil: AnvilBinary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """lab.yaml of the working directory names it; an argument wins over it."""
    (tmp_path / "lab.yaml").write_text("contract: mine/Plain.vy\n")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/Plain.vy").write_text((CONTRACTS / "plain/PlainCoordinator.vy").read_text())
    monkeypatch.chdir(tmp_path)
    assert told()[1][0].startswith("contract Plain (mine/Plain.vy, from lab.yaml)")
    assert told(str(CONTRACTS / "TesseractCoordinator.vy"))[1][0].startswith("contract TesseractCoordinator")
    (tmp_path / "mine/deeper").mkdir()
    monkeypatch.chdir(tmp_path / "mine/deeper")
    assert told()[1][0].startswith("contract Plain (../Plain.vy, from ../../lab.yaml)")


def test_no_contract_at_all() -> None:
    """A usage error."""
    assert told("nowhere.vy")[0] == 2


@pytest.mark.parametrize("project", ["", "contract: null\n"])
def test_no_map_is_proposed_for_the_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: str) -> None:
    """Where nobody named a contract: it needs none, and the file would look like one of the reader's own contract."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab.yaml").write_text(project)
    assert told("--write-map")[0] == 2
    assert [file.name for file in tmp_path.iterdir()] == ["lab.yaml"]


def test_a_proposed_map_never_takes_the_place_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written where there is none; beside it where there is one, and it says so."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Mine.vy").write_text((CONTRACTS / "plain/PlainCoordinator.vy").read_text())
    code, lines = told("Mine.vy", "--write-map")
    assert (code, len(lines)) == (0, 1)
    (tmp_path / "lab.yaml").write_text("contract: Mine.vy  # mine\n")
    code, lines = told("--write-map")
    assert (code, lines[0].endswith("lab.yaml already exists and was not changed")) == (0, True)
    assert "lab.proposed.yaml: 0 lines are uncertain" in lines[1]
    assert "# mine" in (tmp_path / "lab.yaml").read_text()
    assert "(replaced)" in told("--write-map")[1][1]
