"""One seed: idle faults are drawn again, a FAIL counts at once and is shrunk."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from lab.explore.swarm import seed as module
from lab.explore.swarm.case import DRAWS_MAX, Drawing, draw
from lab.explore.swarm.seed import SeedOutcome, explore_seed, write_minimal
from lab.explore.swarm.tally import Tally
from lab.explore.swarm.trial import Trial
from lab.faults.drawing import NOTHING_LACKING
from lab.model.verdict import Verdict

BENCH: Any = Mock()  # nothing is run
SEED = next(seed for seed in range(500) if sum("fault" in step for step in draw(Drawing(seed))["timeline"]) == 1)


def answers(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[dict[str, Any]]:
    """Lets `answer` judge every case; the cases that were tried."""
    tried: list[dict[str, Any]] = []

    def judge(bench: object, document: dict[str, Any], name: str) -> Trial:
        tried.append(document)
        assert name == str(SEED)
        trial: Trial = answer(document)
        return trial

    monkeypatch.setattr(module, "try_case", judge)
    monkeypatch.setattr(module, "drawn_contract", lambda target: NOTHING_LACKING)
    return tried


def faults(document: dict[str, Any]) -> tuple[str, ...]:
    """Ids of its faults."""
    return tuple(step["id"] for step in document["timeline"] if "fault" in step)


def test_a_fault_that_never_bites_is_drawn_again_and_at_last_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as is allowed, and then without it."""
    tried = answers(
        monkeypatch, lambda case: Trial(Verdict.UNKNOWN if faults(case) else Verdict.PASS, idle_faults=faults(case))
    )
    outcome = explore_seed(BENCH, SEED)
    assert outcome.verdict is Verdict.PASS
    assert faults(tried[-1]) == ()
    assert outcome.runs == len(tried) > DRAWS_MAX
    assert all(faults(case) for case in tried[:-1])


def test_a_case_that_cannot_be_run_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """All its faults are."""
    answers(monkeypatch, lambda case: Trial(Verdict.UNKNOWN if faults(case) else Verdict.PASS, broke=True))
    assert explore_seed(BENCH, SEED).runs > DRAWS_MAX


def test_what_fails_is_shrunk_for_the_same_check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Any other failure on the way does not count."""

    def judge(case: dict[str, Any]) -> Trial:
        failed = ("S4",) if faults(case) else ("L1",)
        return Trial(Verdict.FAIL, failed=failed, reasons=(f"{failed[0]}: why",), idle_faults=faults(case))

    answers(monkeypatch, judge)
    outcome = explore_seed(BENCH, SEED)
    assert outcome.failed == ("S4",)
    assert outcome.shrunk is not None
    assert faults(outcome.shrunk.document) == ("fault-0",)
    path = write_minimal(tmp_path, outcome)
    assert path == tmp_path / "swarm" / f"{SEED}.yaml"
    assert "S4 window fails (swarm seed" in path.read_text()


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([Verdict.PASS] * 20, 0),
        ([Verdict.PASS] * 19 + [Verdict.UNKNOWN], 0),
        ([Verdict.PASS] * 18 + [Verdict.UNKNOWN] * 2, 3),
        ([Verdict.PASS] * 18 + [Verdict.NOT_EXERCISED] * 2, 3),
        ([Verdict.UNKNOWN] * 3 + [Verdict.FAIL], 1),
        ([], 3),
    ],
)
def test_exit_codes(verdicts: list[Verdict], code: int) -> None:
    """FAIL goes first; one in twenty may stay without a judgement; nothing is no proof."""
    tally = Tally()
    for number, verdict in enumerate(verdicts):
        tally.add(SeedOutcome(number, verdict, (), (), (), "", 1, 1.0, 1.0))
    assert tally.exit_code == code
