"""A relayer that believes an effect which a reorg took back is caught, whichever effect it is."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.explore.mutate.library import load_library
from lab.model.verdict import Verdict
from lab.relayer import Parts, Relayer
from lab.runner.runner import Options, run_item

from ..conftest import ROOT, compiled
from . import believing


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        (Parts(ledger=believing.KeepsReady), "L2"),
        (Parts(ledger=believing.KeepsExecuted), "S12"),
        (Parts(ledger=believing.KeepsMirrors), "S12"),
    ],
    ids=["keeps READY", "keeps EXECUTED", "keeps mirrors"],
)
def test_a_relayer_that_believes_orphans_is_caught(
    shared_backend: ProcessBackend, tmp_path: Path, parts: Parts, named: str
) -> None:
    """FAIL by the check named, over a run in which each effect was lost."""
    entry = load_library(ROOT / "scenarios/model").items["test_orphaned_effects.test_orphaned_effects"]
    relayer = partial(Relayer, parts=parts)
    target = compiled(Path("TesseractCoordinator.vy"))
    options = Options(shared_backend, "a test", target, "detection", relayer_factory=relayer)
    result = run_item(entry.item, options, tmp_path, "", play=entry.play)
    failed = {check.check: check.reason for check in result.verdict.checks if check.verdict is Verdict.FAIL}
    assert result.verdict.verdict is Verdict.FAIL
    assert named in failed, (failed, result.verdict.reasons)
