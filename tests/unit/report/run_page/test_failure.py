"""A failure says what was expected, what happened, what happened around it, and how to see it again."""

from __future__ import annotations

from lab.model.verdict import Verdict
from lab.report.run_page.failure import failure_text

from ..fakes import HOSTILE, eventful, verdict


def test_failure_has_its_four_parts() -> None:
    """Expectation, events around the failed check's moment, and the command."""
    text = failure_text(verdict(Verdict.FAIL, checks={"S2": Verdict.FAIL}), eventful(met=False))
    assert "expected  leg swap.settle is EXPIRED" in text
    assert "because   its parent never came back" in text
    assert "happened  EXECUTED" in text
    assert "where     scenarios/failures/parent_reorged.yaml:31:5" in text
    assert "S2 FAIL (parent final): S2 says FAIL\n    demands: A child is READY only on a final parent" in text
    assert "events around 46.000 s\n" in text
    assert "swap.pay (mirror) buffered" in text
    assert text.endswith('repeat it\n  pytest "scenarios/failures/parent_reorged.yaml" -k 3 --seed 7')


def test_unmet_expectation_sets_the_moment_when_no_check_failed() -> None:
    """Without a failed check the events around the expectation are shown."""
    assert "events around 95.000 s" in failure_text(verdict(Verdict.FAIL), eventful(met=False))


def test_unknown_shows_its_reasons() -> None:
    """UNKNOWN fails the item, so it must say why."""
    text = failure_text(verdict(Verdict.UNKNOWN, reasons=("fault lose-parent never acted",)), eventful())
    assert text.startswith("UNKNOWN")
    assert "fault lose-parent never acted" in text


def test_unreadable_history_still_gives_a_message() -> None:
    """The verdict and the command remain."""
    text = failure_text(verdict(Verdict.FAIL), None)
    assert "the history could not be read" in text
    assert "repeat it" in text


def test_hostile_reasons_do_not_reach_the_terminal() -> None:
    """No escape sequence, and a megabyte is cut."""
    text = failure_text(verdict(Verdict.FAIL, reasons=(HOSTILE, "B" * 1_000_000)), eventful(revert=HOSTILE))
    assert "\x1b" not in text
    assert len(text) < 10_000
