"""The reference without one optional part at a time is a correct contract: no scenario of the library fails it.

Without LAB_LIBRARY=whole a contract that lacks every optional getter and one that lacks the optional functions are
tried with few scenarios; with it each part alone with all that run under the virtual clock (`make detection`).
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.deploy.deployer import Deployable
from lab.explore.mutate.library import LibraryItem
from lab.model.verdict import Verdict
from lab.paths import CONTRACTS
from lab.session.suite import compile_target
from lab.session.under_test import system_under_test

from .test_correct import RUNS, played

REFERENCE = "TesseractCoordinator.vy"
# Name -> the functions that a contract of that kind does not have.
PARTS = {
    "paused": ("paused",),
    "pause": ("pause", "unpause", "paused"),
    "breaker_threshold": ("breaker_threshold",),
    "failure_count": ("failure_count",),
    "pending_owner": ("pending_owner",),
    "handover": ("propose_owner", "accept_ownership", "pending_owner"),
    "execution_window": ("execution_window",),
    "deadline": ("set_execution_window", "execution_window"),
    "buffer_batch": ("buffer_batch",),
    "resolve_batch": ("resolve_batch",),
    "execute_batch": ("execute_batch",),
    "mark_failed": ("mark_failed",),
    "expire_transaction": ("expire_transaction",),
}
GETTERS = ("paused", "breaker_threshold", "failure_count", "pending_owner", "execution_window")
FUNCTIONS = ("pause", "handover", "deadline", "buffer_batch", "execute_batch", "mark_failed", "expire_transaction")
TOGETHER = {
    "getters": GETTERS,
    "functions": tuple(function for part in FUNCTIONS for function in PARTS[part]),
}
WHOLE = os.environ.get("LAB_LIBRARY") == "whole"
TRIED = {**PARTS, **TOGETHER} if WHOLE else TOGETHER


def without(source: str, function: str) -> str:
    """A contract without an exported or an own external function. Fails where it has neither."""
    exported = re.sub(rf"^    \w+\.{function},\n", "", source, flags=re.M)
    definition = rf"^@external\n(?:@\w+\n)*def {function}\(.*?(?=^@|^event|^struct|\Z)"
    own = re.sub(definition, "", exported, flags=re.M | re.S)
    assert own != source, f"{REFERENCE} has no function {function}"
    return own


@pytest.fixture(scope="module", params=TRIED)
def contract(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Deployable]:
    """One of them, compiled, beside the modules that it imports."""
    folder = tmp_path_factory.mktemp("part")
    shutil.copytree(CONTRACTS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("broken", "plain"))
    path = folder / REFERENCE
    source = path.read_text(encoding="utf-8")
    for function in TRIED[request.param]:
        source = without(source, function)
    path.write_text(source, encoding="utf-8")
    return request.param, compile_target(system_under_test(contract=path, relayer_cmd=None, working_folder=folder))


@pytest.mark.parametrize(("name", "entry"), RUNS, ids=[entry.name for _, entry in RUNS])
def test_no_scenario_finds_a_fault(
    shared_backend: ProcessBackend, tmp_path: Path, contract: tuple[str, Deployable], name: str, entry: LibraryItem
) -> None:
    """PASS, or not exercised by name of the capability that it lacks; never FAIL, never UNKNOWN."""
    which, target = contract
    assert not target.codec.has(*TRIED[which][:1])
    verdict = played(target, entry, shared_backend, tmp_path / "run").verdict
    assert verdict.verdict in (Verdict.PASS, Verdict.NOT_EXERCISED), verdict.reasons
    assert verdict.verdict is Verdict.PASS or verdict.lacks, verdict.reasons
