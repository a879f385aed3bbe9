"""The reference without one optional part, or with one in another way, is correct: no scenario finds a fault in it.

With LAB_LIBRARY=whole every scenario under the virtual clock is tried on each (`make detection`).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.deploy.deployer import Deployable, deployable
from lab.explore.mutate.library import LibraryItem, load_library
from lab.model.verdict import Verdict
from lab.paths import SCENARIOS
from tests.compiling import compile_once

from ..parts import PARTS, replace, written, written_without
from .test_correct import played, scenario_name

WHOLE = os.environ.get("LAB_LIBRARY") == "whole"
# What the lab once took for granted: where it then found a fault, and what it must say now.
ONCE_WRONG = {
    ("stop", "model/test_model"): Verdict.PASS,
    ("stop getter", "mutation/test_every_rule"): Verdict.PASS,
    ("threshold getter", "mutation/test_every_rule"): Verdict.PASS,
    ("pending owner", "drills/test_multisig"): Verdict.PASS,
    ("pending owner", "drills/test_live_rehearsal"): Verdict.PASS,
    ("word of proposals", "drills/test_multisig"): Verdict.PASS,
    ("event of stops", "failures/breaker_drill"): Verdict.UNKNOWN,
    ("word of stops", "mutation/test_every_rule"): Verdict.PASS,
    ("most functions", "mutation/test_every_rule"): Verdict.PASS,
    ("most functions", "security/test_input_fuzzing"): Verdict.PASS,
    ("stop told first", "failures/breaker_drill"): Verdict.PASS,
    ("empty batches refused", "mutation/test_every_rule"): Verdict.PASS,
    ("lowering stops", "security/test_lowered_threshold"): Verdict.PASS,
    ("lowering counts anew", "security/test_lowered_threshold"): Verdict.PASS,
    ("lowering refused", "security/test_lowered_threshold"): Verdict.PASS,
}
NAMES = {name for _, name in ONCE_WRONG}
# Only these are read: every worker collects this file.
LIBRARY = load_library(SCENARIOS, lambda path: WHOLE or scenario_name(path) in NAMES).items.values()
RUNS = [(scenario_name(entry.item.file), entry) for entry in LIBRARY]
TRIED = [(part, name, entry) for part in PARTS for name, entry in RUNS if WHOLE or (part, name) in ONCE_WRONG]


def compiled_without(part: str, folder: Path) -> Deployable:
    """The contract without a part."""
    return deployable(compile_once(written_without(part, folder)))


@pytest.mark.parametrize(("part", "name", "entry"), TRIED, ids=[f"{part}-{entry.name}" for part, _, entry in TRIED])
def test_to_lack_an_optional_part_is_no_fault(
    shared_backend: ProcessBackend, tmp_path: Path, part: str, name: str, entry: LibraryItem
) -> None:
    """PASS, or not exercised by name of the capability that it lacks, or UNKNOWN with what is missing; never FAIL."""
    verdict = played(compiled_without(part, tmp_path / "contracts"), entry, shared_backend, tmp_path / "run").verdict
    wanted = ONCE_WRONG.get((part, name))
    assert verdict.verdict in ([wanted] if wanted else [Verdict.PASS, Verdict.NOT_EXERCISED, Verdict.UNKNOWN]), (
        verdict.reasons
    )
    assert verdict.verdict is Verdict.PASS or verdict.lacks or verdict.reasons


def test_what_was_wrong_once_is_tried() -> None:
    """A scenario or a part that was renamed would no longer be."""
    assert {(part, name) for part, name, _ in TRIED} >= set(ONCE_WRONG)


def test_a_contract_that_tells_of_no_stop_may_not_refuse_at_will(
    shared_backend: ProcessBackend, tmp_path: Path
) -> None:
    """A refusal is looked into: while a buffering without a fault succeeds the contract has not stopped."""
    source = written_without("word of stops", tmp_path / "contracts")
    sound = '    assert timestamp >= block.timestamp, "Timestamp cannot be in the past"\n'
    replace(source, sound, sound + "    assert len(payload) != 512\n")
    (entry,) = (entry for name, entry in RUNS if name == "mutation/test_every_rule")
    verdict = played(deployable(compile_once(source)), entry, shared_backend, tmp_path / "run").verdict
    assert verdict.verdict is Verdict.FAIL, verdict.reasons
    assert any("buffer_transaction" in reason and "revert" in reason for reason in verdict.reasons), verdict.reasons


def test_a_breaker_that_only_trips_at_its_very_threshold_is_caught(
    shared_backend: ProcessBackend, tmp_path: Path
) -> None:
    """Lowered below what is counted, the count never meets it again."""
    reached = "settings.failure_count >= settings.breaker_threshold"

    def change(folder: Path) -> None:
        replace(folder / "controls.vy", reached, reached.replace(">=", "=="))

    (entry,) = (entry for name, entry in RUNS if name == "security/test_lowered_threshold")
    target = deployable(compile_once(written(change, tmp_path / "contracts")))
    verdict = played(target, entry, shared_backend, tmp_path / "run").verdict
    assert verdict.verdict is Verdict.FAIL
    assert [check.check for check in verdict.checks if check.verdict is Verdict.FAIL] == ["S10"], verdict.reasons
