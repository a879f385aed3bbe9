"""A relayer that takes the events of one transaction for one event is caught, where an application makes several."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from lab.chains.nodes.process import ProcessBackend
from lab.explore.mutate.library import load_library
from lab.model.verdict import Verdict
from lab.relayer import Parts, Relayer
from lab.runner.runner import Options, run_item

from ..conftest import ROOT, compiled
from . import keeping


def test_a_relayer_that_knows_events_by_their_transaction_is_caught(
    shared_backend: ProcessBackend, tmp_path: Path
) -> None:
    """The first payment is carried through; of the second it never hears."""
    entry = load_library(ROOT / "scenarios/dependencies").items["test_application.test_application"]
    relayer = partial(Relayer, parts=Parts(scan=keeping.one_event_each, complete=keeping.trusting))
    target = compiled(Path("TesseractCoordinator.vy"))
    options = Options(shared_backend, "a test", target, "detection", relayer_factory=relayer)
    result = run_item(entry.item, options, tmp_path, "", play=entry.play)
    judged = {check.check: check for check in result.verdict.checks}
    assert result.verdict.verdict is Verdict.FAIL
    assert judged["L1"].verdict is Verdict.FAIL
    assert "expected b.pay to be READY on polygon" in judged["L1"].findings[0].message
