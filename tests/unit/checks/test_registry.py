"""The registry of checks, the selection, and what becomes of crashes and of checks without a subject."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from lab import checks
from lab.checks import CHECKS, DEFAULT_CHECKS, Check, judge, selected
from lab.model.history import History
from lab.model.records import RECORD
from lab.model.verdict import CheckResult, Verdict

from .histories import Story
from .swap import swap


@dataclass(frozen=True)
class Chosen:
    """What a scenario selects."""

    default: bool = True
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def test_the_registry_is_complete() -> None:
    """Every invariant, under its own id, and all are default."""
    ids = [f"S{number}" for number in range(1, 13)] + [f"L{number}" for number in range(1, 8)]
    assert list(CHECKS) == ids == list(DEFAULT_CHECKS)
    assert all(check.id == id and check.title for id, check in CHECKS.items())


@pytest.mark.parametrize("id", list(CHECKS))
def test_each_check_answers_under_its_own_id(id: str) -> None:
    """Results of different checks cannot be mixed up."""
    assert CHECKS[id].judge(swap()).check == id


# What a run without shared ids, emergency stops, a readable store, crashes, outages and counted requests leaves out.
UNTOUCHED = {"S8", "S10", "S12", "L4", "L5", "L7"}


def test_a_clean_run_fails_nothing() -> None:
    """The reference story passes every check that finds its subject."""
    verdicts = {result.check: result.verdict for result in judge(swap(), Chosen())}
    assert {id for id, verdict in verdicts.items() if verdict is not Verdict.PASS} == UNTOUCHED
    assert {verdicts[id] for id in UNTOUCHED} == {Verdict.NOT_EXERCISED}


def test_selection_adds_and_removes() -> None:
    """In the registry's order; removing what does not exist is harmless."""
    assert selected(Chosen(removed=("S2", "S99"))) == tuple(id for id in CHECKS if id != "S2")
    assert selected(Chosen(default=False, added=("L1", "S1"))) == ("S1", "L1")


def test_a_named_check_without_a_subject_is_unknown() -> None:
    """Naming a check is a claim that the scenario exercises it."""
    (named,) = judge(swap(), Chosen(default=False, added=("S8",)))
    assert named.verdict is Verdict.UNKNOWN
    assert "no tx_id was an original on two chains" in named.reason


def test_naming_a_check_that_does_not_exist_is_unknown() -> None:
    """The verdict cannot be better than the claim."""
    (result,) = judge(swap(), Chosen(default=False, added=("S99",)))
    assert result.verdict is Verdict.UNKNOWN
    assert "S99" in result.reason


def test_a_crashed_check_is_unknown_and_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its exception is the reason."""

    def crash(history: History) -> CheckResult:
        raise RuntimeError("out of thread")

    monkeypatch.setitem(checks.CHECKS, "S1", Check("S1", "crashes", crash))
    results = {result.check: result for result in judge(swap(), Chosen())}
    assert results["S1"].verdict is Verdict.UNKNOWN
    assert "RuntimeError: out of thread" in results["S1"].reason
    assert results["S2"].verdict is Verdict.PASS


def test_results_survive_the_file() -> None:
    """A history read back from its lines is judged the same."""
    history = swap()
    lines = [record.model_dump_json() for record in sorted(history.records, key=lambda record: record.seq)]
    again = History([RECORD.validate_json(line) for line in lines])
    assert judge(history, Chosen()) == judge(again, Chosen())


def test_a_run_of_which_only_the_header_was_written_fails_nothing() -> None:
    """No evidence, no verdict against anybody."""
    verdicts = {result.verdict for result in judge(Story().history(), Chosen())}
    assert verdicts == {Verdict.NOT_EXERCISED, Verdict.UNKNOWN}
