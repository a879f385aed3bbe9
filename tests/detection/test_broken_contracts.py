"""Each deliberately broken contract is caught, by the check named for its bug; the correct ones pass the same runs.

The contract that calls out, the one that trusts tx.origin and the one that buffers nothing are caught elsewhere in this
folder.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.model.verdict import CheckResult, Verdict
from lab.runner.runner import Result

from .conftest import ROOT, RunScenario

REFERENCE, PLAIN, BROKEN = Path("TesseractCoordinator.vy"), Path("plain/PlainCoordinator.vy"), Path("broken")
LIBRARY, OWN = Path("scenarios"), Path("tests/detection/cases")
WINDOW, ROLES = LIBRARY / "failures/window_boundaries.yaml", LIBRARY / "failures/roles_and_reverts.yaml"
DRILL, PAYLOADS = LIBRARY / "failures/breaker_drill.yaml", LIBRARY / "failures/payload_limits.yaml"
ORDER, STOP = OWN / "child_before_parent.yaml", OWN / "stopped_by_owner.yaml"

# The bug, the scenario in which it shows, the check that must name it, and words of its finding.
DETECTIONS = [
    ("missing_auth", ROLES, "S6", "resolve_dependency on optimism to succeed only for an operator; attacker"),
    ("window_too_long", WINDOW, "S4", "made it READY 31 s after its timestamp"),
    ("window_too_short", WINDOW, "S4", '30 s after it, says "Transaction expired"'),
    ("early_ready", WINDOW, "S4", "made it READY 1 s before its timestamp"),
    ("late_ready", WINDOW, "S4", '0 s after it, says "Dependencies not satisfied"'),
    ("no_expiry", WINDOW, "S4", "made it READY 31 s after its timestamp"),
    ("event_without_transition", WINDOW, "S11", "state: expected READY, stored BUFFERED"),
    ("transition_without_event", WINDOW, "S11", "and emitted nothing"),
    ("breaker_rolled_back", DRILL, "S10", "which rolls a count back"),
    ("executes_while_paused", STOP, "S10", "expected mark_executed to be refused while paused"),
    ("payload_511", PAYLOADS, "S7", "expected a payload of 512 bytes to be accepted"),
    ("dependency_ignored", ORDER, "S2", "to become READY only on a final parent"),
]


def check(result: Result, name: str) -> CheckResult:
    """One check's result of a run."""
    return next(each for each in result.verdict.checks if each.check == name)


@pytest.mark.parametrize(("bug", "scenario", "named", "words"), DETECTIONS, ids=[bug for bug, *_ in DETECTIONS])
def test_the_check_named_for_the_bug_finds_it(
    run: RunScenario, bug: str, scenario: Path, named: str, words: str
) -> None:
    """FAIL by that check, with the finding that tells this bug from others."""
    result = run(BROKEN / f"{bug}.vy", scenario)
    found = check(result, named)
    assert (result.verdict.verdict, found.verdict) == (Verdict.FAIL, Verdict.FAIL)
    assert any(words in finding.message for finding in found.findings), found.reason


@pytest.mark.parametrize("scenario", sorted({scenario for _, scenario, *_ in DETECTIONS}), ids=lambda path: path.stem)
def test_the_reference_passes_the_same_scenario(run: RunScenario, scenario: Path) -> None:
    """A check that fails the reference too would detect nothing."""
    result = run(REFERENCE, scenario)
    assert result.verdict.verdict is Verdict.PASS, result.verdict.reasons


@pytest.mark.parametrize(
    "scenario",
    [
        LIBRARY / "dependencies/single_dependency.yaml",
        LIBRARY / "failures/expired_parent.yaml",
        LIBRARY / "failures/parent_reorged.yaml",
        PAYLOADS,
        WINDOW,
        ORDER,
    ],
    ids=lambda path: path.stem,
)
def test_the_plain_contract_passes_what_needs_no_optional_part(run: RunScenario, scenario: Path) -> None:
    """The documented interface is enough: no breaker, no state EXPIRED, no hand-over."""
    result = run(PLAIN, scenario)
    assert result.verdict.verdict is Verdict.PASS, result.verdict.reasons


@pytest.mark.parametrize(
    ("scenario", "missing"),
    [(ROLES, "the contract has no function pause"), (DRILL, "the contract has no function set_breaker_threshold")],
    ids=["roles_and_reverts", "breaker_drill"],
)
def test_the_plain_contract_fails_what_needs_more_by_name(run: RunScenario, scenario: Path, missing: str) -> None:
    """Its safety is not in doubt; the reason names the function that is missing."""
    result = run(PLAIN, scenario)
    assert result.verdict.verdict is Verdict.FAIL
    assert any(missing in reason for reason in result.verdict.reasons)
    assert not [each.check for each in result.verdict.checks if each.verdict is Verdict.FAIL]


def test_every_broken_contract_has_its_detection() -> None:
    """A contract added to the folder without a test would be a claim."""
    elsewhere = {"reentrancy", "tx_origin_auth", "zero_default_state"}
    files = {path.stem for path in (ROOT / "contracts/broken").glob("*.vy")}
    assert files == {bug for bug, *_ in DETECTIONS} | elsewhere
