"""What a relayer finds where its session says that keys are: its own, and nobody else's."""

from __future__ import annotations

import json
from pathlib import Path

from lab.chains.nodes.process import ProcessBackend
from lab.checks import CHECKS
from lab.coordinator import role_account
from lab.deploy.deployer import deployable
from lab.model.session import Session
from lab.model.verdict import Verdict
from lab.paths import REFERENCE_CONTRACT, SCENARIOS
from lab.runner.runner import Options, run_item
from lab.scenario.resolve import load_scenario
from tests.compiling import compile_once


def test_a_run_hands_its_relayer_one_key(shared_backend: ProcessBackend, tmp_path: Path) -> None:
    """It relays with it; no file of the run has the owner's, an operator's or an attacker's."""
    (item,) = load_scenario(SCENARIOS / "dependencies" / "single_dependency.yaml", known_checks=CHECKS)
    options = Options(shared_backend, "a test", deployable(compile_once(REFERENCE_CONTRACT)), "keys")

    assert run_item(item, options, tmp_path / "run", "").verdict.verdict is Verdict.PASS
    session = Session.read(tmp_path / "run" / "session.json")
    key = "0x" + role_account("relayer").key.hex()
    assert json.loads(Path(session.key_file).read_text()) == {session.relayer_role: key}
    others = [role_account(role).key.hex().encode() for role in session.accounts if role != session.relayer_role]
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert others
    assert not [path for path in files if any(other in path.read_bytes() for other in others)]
