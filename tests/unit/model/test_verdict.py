"""How verdicts merge, and that a recorded verdict reads back as it was."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.model.verdict import CheckResult, Finding, RunVerdict, Verdict, merge

PASS, FAIL, UNKNOWN, NOT_EXERCISED = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.NOT_EXERCISED


@pytest.mark.parametrize(
    ("verdicts", "merged"),
    [
        ([PASS], PASS),
        ([PASS, PASS], PASS),
        ([PASS, UNKNOWN], UNKNOWN),
        ([PASS, UNKNOWN, FAIL], FAIL),
        ([FAIL, PASS], FAIL),
        ([NOT_EXERCISED, PASS], PASS),
        ([NOT_EXERCISED, FAIL], FAIL),
        ([NOT_EXERCISED], UNKNOWN),
        ([], UNKNOWN),
    ],
)
def test_merge(verdicts: list[Verdict], merged: Verdict) -> None:
    """FAIL over UNKNOWN over PASS; nothing proven is UNKNOWN, never PASS."""
    for order in itertools.permutations(verdicts):
        assert merge(order) is merged


@given(st.lists(st.sampled_from(Verdict)), st.lists(st.sampled_from(Verdict)))
def test_merging_in_parts_never_hides_a_failure(one: list[Verdict], two: list[Verdict]) -> None:
    """Whatever is merged first, a FAIL anywhere is a FAIL of the whole, and PASS needs a PASS."""
    whole = merge([*one, *two])
    assert (whole is FAIL) == (FAIL in one or FAIL in two)
    if whole is PASS:
        assert PASS in one + two
        assert UNKNOWN not in one + two


def test_a_run_verdict_reads_back() -> None:
    """What is in verdict.json is all there is."""
    finding = Finding(message="late", t_ms=5, chain="ethereum", tx_id="0x01", evidence=(3, 4))
    check = CheckResult(check="S4", verdict=FAIL, reason="1 late", judged=2, findings=(finding,))
    verdict = RunVerdict(
        scenario="A", item="a", verdict=FAIL, reasons=("S4: 1 late",), checks=(check,), repeat="pytest a.yaml::a"
    )
    assert RunVerdict.model_validate_json(verdict.model_dump_json()) == verdict
