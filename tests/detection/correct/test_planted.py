"""One bug in a correct contract of another style: found under the names that its lab.yaml gives, and as one cause."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.explore.mutate.library import load_library
from lab.model.verdict import Verdict
from lab.paths import SCENARIOS
from lab.runner.model_based.search import KINDS
from lab.session.suite import compile_target
from lab.session.under_test import system_under_test

from .test_correct import HERE, played, put_together, scenario_name

PLANTED = [
    ("mask", "self.roles[account] | mask", "self.roles[account] ^ mask", "mutation/test_every_rule",
     "add_operator", "expected authorized_operators afterwards to be True, got False"),
    ("mask", "    self._only(2)", "    self._only(3)", "model stop",
     "expire_transaction", "expected it to revert (Coordinator is paused), it succeeded while paused"),
    ("mask", "self.roles[account] & ~mask", "self.roles[account] & ~(mask & 3)", "model accounts",
     "remove_curator", "expected has_curator afterwards to be False, got True"),
    ("ledger", "id=id, old=1, new=2", "id=id, old=2, new=1", "failures/window_boundaries",
     "edge.first", "and emitted nothing"),
    ("ledger", "    parent: uint8 = self.lines[line.parent].state\n",
     "    parent: uint8 = self.lines[line.parent].state\n    if parent == 0:\n"
     "        parent = self.lines[convert(convert(line.parent, uint256) % 2**128, bytes32)].state\n",
     "model identifiers", "resolve_dependency", "expected TransactionFailed, got TransactionReady (kind identifiers"),
    ("ledger", "self.next_admin = account\n", "self.next_admin = account\n    if account == self.admin:\n"
     "        self.admin = empty(address)\n", "mutation/test_every_rule", "propose_owner", "expected owner afterwards"),
    ("packed", "& ~(255 << 160) | state", "& ~(65535 << 160) | state", "model life",
     "resolve_dependency", "timestamp of get_transaction_details"),
    ("proxy", "    self.owner = msg.sender\n", "    self.owner = msg.sender\n"
     "    self.authorized_operators[msg.sender] = False\n", "model accounts",
     "accept_ownership", "expected authorized_operators afterwards to be True, got False"),
    ("proxy", '    assert self.version == 0, "Initialized before"\n', "", "security/test_role_matrix",
     "initialize by attacker", "it succeeded"),
    ("metered", "    done: DynArray[bool, 50] = []\n    for r: Request", "    assert len(requests) != 32\n"
     "    done: DynArray[bool, 50] = []\n    for r: Request", "mutation/test_every_rule",
     "buffer_batch", "expected 33 items to be too many as 32 were, it succeeded"),
    ("metered", "convert(leg.block_number, uint256) + 2", "convert(leg.block_number, uint256) + 1", "model life",
     "expected the declared delay to be kept", "got it after 1 block"),
    ("metered", "        done.append(self._execute(tx_id))", "        if len(done) < 7:\n"
     "            done.append(self._execute(tx_id))", "mutation/test_every_rule",
     "execute_batch", "expected state of transactions afterwards to be EXECUTED, got READY"),
    ("packed", "    self.keepers[who] = False\n", "    self.keepers[who] = False\n    if who == self.heir:\n"
     "        self.heir = empty(address)\n", "model accounts",
     "accept_ownership", "expected it to succeed, it reverted"),
    ("packed", "    self.owner = msg.sender\n    self.heir", "    self.settings &= ~(1 << 128)\n"
     "    self.owner = msg.sender\n    self.heir", "model accounts", "accept_ownership", "paused afterwards"),
    ("scribe", "    if block.timestamp > due and block", "    if self.authorized_operators[self.owner] == 1 and "
     "block.timestamp > due and block", "model accounts", "resolve_dependency", "expected TransactionFailed"),
    ("metered", "        done.append(self._execute(tx_id))", "        if len(tx_ids) < 3 or "
     "self.transactions[tx_id].state != 3:\n            done.append(self._execute(tx_id))", "model batches",
     "execute_batch", "expected it to revert"),
    ("plain", "    self.transaction_count += 1\n", "    self.transaction_count += 1\n"
     "    if self.transaction_count == 512:\n        self.coordination_window += 1\n", "model history",
     "history", "expected TransactionFailed, got TransactionReady"),
    ("rich", "def complete_leg(leg_id: bytes32):\n    self._require_operator()", "def complete_leg(leg_id: bytes32):\n"
     '    assert self.hasRole[OPERATOR_ROLE][msg.sender], "Not authorized"\n    assert not self.halted or '
     'self.consecutive_failures >= self.circuit_breaker_threshold, "Hub is halted"', "failures/breaker_drill",
     "mark_executed", "paused"),
]  # fmt: skip


@pytest.mark.parametrize(("which", "here", "instead", "scenario", "what", "words"), PLANTED)
def test_the_bug_is_found(
    shared_backend: ProcessBackend,
    tmp_path: Path,
    which: str,
    here: str,
    instead: str,
    scenario: str,
    what: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the scenario that is about it, in words that name the call; of the model, by the kind that shows it alone."""
    named, _, kind = scenario.partition(" ")
    if named == "model":
        scenario = "model/test_model"
        for other in set(KINDS) - {kind}:
            monkeypatch.delitem(KINDS, other)
    folder = tmp_path / "project"
    shutil.copytree(HERE / which, folder)
    (source,) = (path for path in folder.glob("*.vy") if here in path.read_text())
    source.write_text(source.read_text().replace(here, instead, 1))
    if which == "proxy":
        put_together(folder)
    target = compile_target(system_under_test(contract=None, relayer_cmd=None, working_folder=folder))
    (entry,) = load_library(SCENARIOS, lambda path: scenario_name(path) == scenario).items.values()
    verdict = played(target, entry, shared_backend, tmp_path / "run").verdict
    assert verdict.verdict is Verdict.FAIL, verdict.reasons
    assert any(what in reason and words in reason for reason in verdict.reasons), verdict.reasons
