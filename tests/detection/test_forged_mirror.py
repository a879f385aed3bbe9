"""A mirror without a real parent, resolved together with its child by a compromised operator, is caught by S2."""

from __future__ import annotations

from pathlib import Path

from lab.coordinator import rollup_address
from lab.model.verdict import Verdict

from .conftest import ROOT, RunScenario

CASE = Path("tests/detection/cases/forged_mirror_resolved.yaml")


def test_a_child_of_a_forged_mirror_fails_s2(run: RunScenario) -> None:
    """No other check can know: every call was an operator's, and every state in order."""
    result = run(Path("TesseractCoordinator.vy"), CASE)
    failed = [check for check in result.verdict.checks if check.verdict is Verdict.FAIL]
    assert [check.check for check in failed] == ["S2"]
    (finding,) = failed[0].findings
    assert finding.message.startswith("expected swap.settle on optimism to become READY only on a final parent")
    assert "its parent is not READY on the canonical polygon" in finding.message


def test_the_cases_name_the_rollups_of_their_chains() -> None:
    """Addresses in a file are literal; they are derived from the chains' names."""
    for path in (ROOT / CASE, ROOT / "scenarios/failures/forged_mirror.yaml"):
        text = path.read_text(encoding="utf-8")
        assert rollup_address("polygon") in text
        assert rollup_address("optimism") in text
