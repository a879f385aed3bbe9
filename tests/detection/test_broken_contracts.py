"""Each deliberately broken contract is caught, by the check named for its bug; the correct ones pass the same runs.

The contract that calls out, the one that trusts tx.origin and the one that buffers nothing are caught elsewhere in this
folder.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.broken import MODEL, SMOKE_RUN, read_bugs
from lab.checks import CHECKS
from lab.model.checks import check_name
from lab.model.verdict import CheckResult, Verdict
from lab.report.causes.find import find_causes
from lab.runner.runner import Result

from .conftest import ROOT, RunScenario

REFERENCE, PLAIN, BROKEN = Path("TesseractCoordinator.vy"), Path("plain/PlainCoordinator.vy"), Path("broken")
LIBRARY, OWN = Path("scenarios"), Path("tests/detection/cases")
WINDOW, ROLES = LIBRARY / "failures/window_boundaries.yaml", LIBRARY / "failures/roles_and_reverts.yaml"
DRILL, PAYLOADS = LIBRARY / "failures/breaker_drill.yaml", LIBRARY / "failures/payload_limits.yaml"
ORDER, STOP = OWN / "child_before_parent.yaml", OWN / "stopped_by_owner.yaml"

# The tests below prove what the patches' heads claim: check, scenario and words of the finding stand there.
BUGS = read_bugs()
PLAYED = {name: Path(bug.proof) for name, bug in BUGS.items() if bug.proof.endswith(".yaml")}


def check(result: Result, name: str) -> CheckResult:
    """One check's result of a run."""
    return next(each for each in result.verdict.checks if each.check == name)


@pytest.mark.parametrize("name", PLAYED)
def test_the_check_named_for_the_bug_finds_it(run: RunScenario, name: str) -> None:
    """FAIL by that check, with the finding that tells this bug from others, and named as one cause."""
    bug = BUGS[name]
    result = run(BROKEN / f"{name}.vy", PLAYED[name])
    found = check(result, bug.caught_by)
    assert (result.verdict.verdict, found.verdict) == (Verdict.FAIL, Verdict.FAIL)
    assert bug.finding
    assert any(bug.finding in finding.message for finding in found.findings), found.reason
    (cause,) = find_causes(result.folder.path.parent, [result.folder], name).causes
    assert cause.title.startswith(check_name(bug.caught_by))


@pytest.mark.parametrize(
    "scenario", sorted({path for path in PLAYED.values() if LIBRARY not in path.parents}), ids=lambda path: path.stem
)
def test_the_reference_passes_the_same_scenario(run: RunScenario, scenario: Path) -> None:
    """A check that fails the reference too would detect nothing. The library's are run by `make scenarios`."""
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


def test_the_plain_contract_is_not_exercised_where_it_lacks_a_capability(run: RunScenario) -> None:
    """No verdict on what is not there, and the reason names the functions that are missing; roles are documented."""
    result = run(PLAIN, DRILL)
    assert result.verdict.verdict is Verdict.NOT_EXERCISED
    assert "the contract lacks breaker (no breaker_threshold, set_breaker_threshold)" in result.verdict.reasons[0]
    assert run(PLAIN, ROLES).verdict.verdict is Verdict.PASS


@pytest.mark.parametrize("base", sorted({bug.base for bug in BUGS.values()}))
def test_a_base_is_correct(run: RunScenario, base: str) -> None:
    """What the check finds is the bug, not the base: that passes the boundaries of the window and becomes EXECUTED."""
    for scenario in (WINDOW, LIBRARY / "dependencies/single_dependency.yaml"):
        result = run(Path(base), scenario)
        assert result.verdict.verdict is Verdict.PASS, result.verdict.reasons


def test_every_bug_has_its_detection() -> None:
    """A check that exists, in a file that does; what no scenario shows is named in the test that shows it."""
    for name, bug in BUGS.items():
        assert bug.caught_by in {*CHECKS, SMOKE_RUN, MODEL}, bug.path
        assert (ROOT / bug.proof).is_file(), bug.path
        if name in PLAYED:
            assert bug.finding, bug.path
        elif bug.caught_by != MODEL:
            assert bug.proof.startswith("tests/detection/test_"), bug.path
            assert f'"{name}"' in (ROOT / bug.proof).read_text(), bug.path
