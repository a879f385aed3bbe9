"""Commands work in the folder where they are printed, and say nothing where none would."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path

import pytest

from lab.paths import DATA
from lab.report.catalogue.rows import Proof
from lab.report.judge.commands import Commands
from tests.unit.forked import forked

LIBRARY = "scenarios/failures/parent_reorged.yaml"


def project(root: Path) -> Path:
    """A user's folder with one scenario."""
    (root / "scenarios" / "own").mkdir(parents=True)
    (root / "scenarios" / "own" / "payment.yaml").write_text("name: x\n")
    return root


def test_in_the_checkout() -> None:
    """By the paths of the library, from its root and from within."""
    here = Commands(DATA, DATA, DATA / "results")
    assert here.all_scenarios == "pytest scenarios/"
    assert here.recorded(LIBRARY) == f"pytest {LIBRARY}"
    assert here.proof(Proof(scenario="failures/parent_reorged")) == "pytest scenarios/failures -k parent_reorged"
    below = Commands(DATA / "docs", DATA, DATA / "results")
    assert below.all_scenarios == "pytest --lab-results ../results ../scenarios/"
    assert below.measured_by("lab load flow") == "lab load flow --results ../results"


def test_in_a_users_folder(tmp_path: Path) -> None:
    """The library by name, the user's own by path; what nobody has gets no command."""
    root = project(tmp_path)
    here = Commands(root, root, root / "results")
    assert here.all_scenarios == "pytest --library"
    assert here.recorded(LIBRARY) == "pytest --library -k parent_reorged"
    assert here.recorded("scenarios/own/payment.yaml") == "pytest scenarios/own/payment.yaml"
    assert here.recorded("elsewhere-12345678/x/payment.yaml") == ""
    assert here.proof(Proof(scenario="failures/parent_reorged")) == "pytest --library -k parent_reorged"
    assert here.proof(Proof(scenario="payment")) == "pytest scenarios/own/payment.yaml"
    assert here.proof(Proof(scenario="failures/never_written")) == ""
    assert here.proof(Proof(scenario="failures/*")) == "pytest --library"
    assert here.measured_by("lab load flow") == "lab load flow"


def test_a_namesake_is_not_what_a_proof_needs(tmp_path: Path) -> None:
    """Nor are a user's own scenarios all that a pattern takes; a copy of the library's is as good as that."""
    root = project(tmp_path)
    here, path = Commands(root, root, root / "results"), root / "scenarios" / "failures" / "parent_reorged.yaml"
    path.parent.mkdir()
    path.write_text("name: another\n")
    assert here.proof(Proof(scenario="failures/parent_reorged")) == "pytest --library -k parent_reorged"
    assert here.proof(Proof(scenario="*/*")) == "pytest --library"
    path.write_bytes((DATA / LIBRARY).read_bytes())
    copied = Commands(root, root, root / "results")
    assert copied.proof(Proof(scenario="failures/parent_reorged")) == f"pytest {LIBRARY}"


def test_below_and_beside_a_users_folder(tmp_path: Path) -> None:
    """Paths lead from where the command is typed, and the evidence goes where the report looks for it."""
    root = project(tmp_path / "a b")
    below = Commands(root / "scenarios", root, root / "results")
    assert shlex.split(below.recorded("scenarios/own/payment.yaml")) == [
        "pytest", "--lab-results", "../results", "own/payment.yaml"
    ]  # fmt: skip
    beside = Commands(tmp_path, root, root / "results")
    assert shlex.split(beside.recorded("scenarios/own/payment.yaml"))[2:] == [
        "a b/results", "a b/scenarios/own/payment.yaml"
    ]  # fmt: skip


def test_pytest_takes_them_in_a_foreign_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They select tests there, and only those that are meant."""
    here = Commands(tmp_path, tmp_path, tmp_path / "results")
    one = here.recorded(LIBRARY)
    assert here.proof(Proof(scenario="failures/parent_reorged")) == one
    monkeypatch.chdir(tmp_path)
    for command in (here.all_scenarios, one):
        program, *words = shlex.split(command)
        assert program == "pytest"
        words += ["--collect-only", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
        code, listed, errors = forked(partial(pytest.main, words), tmp_path)
        assert code == 0, listed + errors
        assert "parent_reorged" in listed
        assert ("every_pair" in listed) is (command != one)
