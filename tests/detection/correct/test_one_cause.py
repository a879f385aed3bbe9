"""One byte of a correct contract changed is one cause, however many scenarios it fails and whichever checks object."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.deploy.deployer import Deployable
from lab.explore.mutate.library import load_library
from lab.paths import SCENARIOS
from lab.report.causes.find import find_causes
from lab.rpc import Rpc
from lab.session.suite import compile_target
from lab.session.under_test import system_under_test

from .test_correct import HERE, played, scenario_name

SEQUENCES = ("model/test_model", "mutation/test_every_rule", "security/test_input_fuzzing")


@dataclass(frozen=True, slots=True)
class Planted:
    """A bug of one of the correct contracts: `here` becomes `instead`. Each of the scenarios fails by it."""

    which: str
    here: str
    instead: str
    scenarios: tuple[str, ...]
    title: str


PLANTED = {
    # Several checks see one event: it is about another transaction, comes without a call, and is one too many.
    "ready_names_parent": Planted(
        "turnstile",
        "    log TransactionReady(tx_id=tx_id)\n",
        "    log TransactionReady(tx_id=dependency if dependency != empty(bytes32) else tx_id)\n",
        (*SEQUENCES, "dependencies/single_dependency", "model/test_orphaned_effects", "dependencies/parallel_flows"),
        "S11 storage (resolve_dependency)",
    ),
    # A getter works it out, whatever was called before.
    "ready_of_parent": Planted(
        "turnstile",
        "    return self._state(tx_id) == 2\n",
        "    parent: bytes32 = self.requests[tx_id].dependency\n"
        "    return self._state(tx_id if parent == empty(bytes32) else parent) == 2\n",
        SEQUENCES[:2],
        "an expectation is not met (resolve_dependency)",
    ),
    # Flows end half done, and late: before anybody reads the window.
    "dependency_resets_window": Planted(
        "plain",
        "    self.transaction_count += 1\n",
        "    self.transaction_count += 1\n    if dependency_tx_id != empty(bytes32):\n"
        "        self.coordination_window = 30\n",
        ("model/test_model", "failures/parent_reorged", "failures/partition"),
        "S11 storage",
    ),
    # A relayer counts by it, and waits for what it never sees.
    "resolution_counts": Planted(
        "plain",
        "        self.transactions[tx_id].state = READY\n",
        "        self.transactions[tx_id].state = READY\n        self.transaction_count += 1\n",
        ("model/test_model", "failures/window_boundaries", "dependencies/single_dependency", "failures/parent_reorged"),
        "S11 storage",
    ),
    # Another event comes first, and ids on two chains lose the field as all do.
    "event_of_other_time": Planted(
        "scribe",
        "log TransactionBuffered(tx_id, origin_rollup, target_rollup, timestamp)",
        "log TransactionBuffered(tx_id, origin_rollup, target_rollup, block.timestamp)",
        (*SEQUENCES[:2], "dependencies/same_id_on_two_chains", "dependencies/single_dependency"),
        "S11 storage (buffer_transaction)",
    ),
    # A second role is kept, and a third one lost: the getter of the second tells at once.
    "other_role_removed": Planted(
        "lane",
        "self._set(EXECUTOR, account, False)",
        "self._set(RESOLVER, account, False)",
        ("model/test_model",),
        "an expectation is not met (remove_executor)",
    ),
    # All of the operators' functions go through it.
    "guard_lets_owner_by": Planted(
        "scribe",
        'assert self.authorized_operators[msg.sender] == 1, "Not authorized"',
        'assert self.authorized_operators[msg.sender] == 1 or msg.sender == self.owner, "Not authorized"',
        ("model/test_model", "security/test_input_fuzzing"),
        "an expectation is not met (buffer_transaction)",
    ),
    # Batches of different lengths, and with other results beside.
    "ready_twice": Planted(
        "metered",
        "        done.append(self._resolve(tx_id))\n",
        "        ok: bool = self._resolve(tx_id)\n        if ok and len(done) == 1:\n"
        "            log TransactionReady(tx_id=tx_id)\n        done.append(ok)\n",
        SEQUENCES[:2],
        "an expectation is not met (resolve_batch)",
    ),
    # Single calls and batches share a function of the contract's own.
    "family_in_one_block": Planted(
        "metered",
        "or parent >= 2\n",
        "or (parent >= 2 and self.transactions[leg.dependency_tx_id].block_number != leg.block_number)\n",
        SEQUENCES[:2],
        "an expectation is not met (resolve_dependency)",
    ),
    # One check quotes the refusal as what the call says, another as why it reverted.
    "needs_first_operator": Planted(
        "metered",
        '    assert leg.state == 1, "Transaction not in buffered state"\n',
        '    assert leg.state == 1, "Transaction not in buffered state"\n'
        '    assert self.authorized_operators[leg.by], "Not authorized"\n',
        ("model/test_model", "security/test_input_fuzzing"),
        "an expectation is not met (resolve_dependency)",
    ),
    # Sequences that read the getter at their end only.
    "addition_resets_window": Planted(
        "plain",
        "    self.authorized_operators[account] = True\n",
        "    self.authorized_operators[account] = True\n    self.coordination_window = 30\n",
        SEQUENCES,
        "an expectation is not met (add_operator)",
    ),
}


def planted(bug: Planted, folder: Path) -> Deployable:
    """The contract with the bug."""
    shutil.copytree(HERE / bug.which, folder)
    (source,) = folder.glob("*.vy")
    assert source.read_text().count(bug.here) == 1
    source.write_text(source.read_text().replace(bug.here, bug.instead))
    return compile_target(system_under_test(contract=None, relayer_cmd=None, working_folder=folder))


def test_what_generated_inputs_find_is_soon_short_and_plain(
    shared_backend: ProcessBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but the role is the matter with the call. To find it took 170 simulations and more draws once."""
    target, simulated, call = planted(PLANTED["guard_lets_owner_by"], tmp_path / "project"), [], Rpc.call

    def counted(self: Rpc, method: str, *params: Any, **how: Any) -> Any:
        simulated.extend([method] * (method == "eth_simulateV1"))
        return call(self, method, *params, **how)

    monkeypatch.setattr(Rpc, "call", counted)
    (entry,) = load_library(SCENARIOS, lambda path: scenario_name(path) == SEQUENCES[-1]).items.values()
    (reason,) = played(target, entry, shared_backend, tmp_path / "run").verdict.reasons
    assert reason.endswith("by owner: expected a revert with Not authorized, it succeeded")
    assert len(simulated) <= 60


@pytest.mark.parametrize("name", PLANTED)
def test_one_bug_is_one_cause(shared_backend: ProcessBackend, tmp_path: Path, name: str) -> None:
    """With the check and the function that say most of it."""
    bug = PLANTED[name]
    target = planted(bug, tmp_path / "project")
    entries = load_library(SCENARIOS, lambda path: scenario_name(path) in bug.scenarios).items
    folders = [
        played(target, entry, shared_backend, tmp_path / "session" / str(number)).folder
        for number, entry in enumerate(entries.values())
    ]
    report = find_causes(tmp_path, folders, name)
    assert [cause.title for cause in report.causes] == [bug.title]
    failed = {Path(run.scenario).stem for run in report.causes[0].runs}
    assert failed == {Path(scenario).stem for scenario in bug.scenarios}
