"""SIGKILL at each step of a command, then the command again: it ends as it should, and nothing took effect twice.

The usual run kills at four steps of each; LAB_TORTURE=20 at every one. LAB_SEED draws others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from lab.monitor.collect.maintenance import in_force
from lab.ops.backup.file import differences, read, write
from lab.ops.backup.migrate import Migration
from lab.ops.backup.restore import Restoration
from lab.ops.backup.take import take
from lab.ops.opening import Opened
from lab.ops.planning import Procedure
from lab.ops.procedure import carry_out
from lab.ops.procedures import maintenance
from lab.ops.procedures.operators import RemoveOperator, SyncOperators
from lab.ops.procedures.pausing import Pause, Unpause
from lab.ops.procedures.rotation import AcceptOwner, Drain, ProposeOwner, rotate_operator
from lab.ops.report import EVIDENCE

from .conftest import Site, address
from .killing import killed, moments, steps_of

pytestmark = pytest.mark.reliability
Start = Callable[..., Site]
CHAIN, COUNT = "sepolia", 6
USER, OPERATOR, OWNER, NEXT = address("user"), address("operator"), address("owner"), address("newowner")


@dataclass
class Trial:
    """One command on a chain that is as it was before every trial; its records are in a folder of its own."""

    here: Site
    new: str
    folder: Path

    def opened(self) -> Opened:
        """As a command opens it."""
        there = self.here.opened()
        operation = replace(there.operation, folder=self.folder / "records")
        return replace(there, operation=operation, journals=self.folder / "journals")

    def run(self, *procedures: Procedure, by: str = OWNER) -> int:
        """Procedures one after another, each by a command; the worst exit code."""
        there = self.opened()
        with there.executor(by) as executor:
            return max(carry_out(there.operation, procedure, executor).exit_code for procedure in procedures)

    def told(self) -> str:
        """The newest evidence."""
        paths = sorted((self.folder / "records").glob(f"*/{EVIDENCE}"))
        return paths[-1].read_text() if paths else "no evidence"

    def nonces(self) -> tuple[int, ...]:
        """How many transactions the accounts have sent."""
        return tuple(self.here.rpc(CHAIN).nonce(one) for one in (OWNER, OPERATOR, NEXT))

    def sent_since(self, before: tuple[int, ...]) -> tuple[int, ...]:
        """How many each has sent since then."""
        return tuple(after - first for first, after in zip(before, self.nonces(), strict=True))

    def reverted(self) -> list[str]:
        """Transactions that had no effect."""
        rpc = self.here.rpc(CHAIN)
        blocks = [rpc.call("eth_getBlockByNumber", hex(number), False) for number in range(rpc.block_number() + 1)]
        sent = [tx for block in blocks for tx in block["transactions"]]
        return [tx for tx in sent if (rpc.receipt(tx) or {"status": "0x1"})["status"] != "0x1"]


def sync(trial: Trial) -> int:
    """One is added, one is removed."""
    return trial.run(SyncOperators(trial.opened().operation))


def pause(trial: Trial) -> int:
    """The stop."""
    return trial.run(Pause())


def unpause(trial: Trial) -> int:
    """And its end."""
    return trial.run(Unpause())


def revoke(trial: Trial) -> int:
    """Of a compromised operator."""
    declared = trial.opened().operation.declared
    return trial.run(RemoveOperator(OPERATOR, declared, last=True, name="revoke"))


def rotate(trial: Trial) -> int:
    """Added, drained, removed."""
    there = trial.opened()
    with there.executor(OWNER) as executor:
        reports = rotate_operator(there.operation, OPERATOR, USER, executor, drain=Drain(quiet_s=2, within_s=600))
    return max(report.exit_code for report in reports)


def hand_over(trial: Trial) -> int:
    """Proposed by the owner, accepted by the next."""
    operation = trial.opened().operation
    trial.run(ProposeOwner(operation, NEXT))
    return trial.run(AcceptOwner(operation, NEXT), by=NEXT)


def begin(trial: Trial) -> int:
    """Banner and stop."""
    there = trial.opened()
    with there.executor(OWNER) as executor:
        words = {"reason": "a drill", "banner": trial.folder}
        return maintenance.begin(there.operation, executor, for_s=3600, **words).exit_code  # type: ignore[arg-type]


def end(trial: Trial) -> int:
    """Both ended. Once they are there is nothing to end."""
    there = trial.opened()
    if not maintenance.begun_file(there.operation).exists():
        return 0
    with there.executor(OWNER) as executor:
        return maintenance.end(there.operation, executor, banner=trial.folder).exit_code


def backup(trial: Trial) -> int:
    """Into a file that an earlier one spares work."""
    operation, path = trial.opened().operation, trial.folder / "backup.json"
    (chain,) = operation.chains
    write(take(operation, chain, earlier=read(path) if path.exists() else None), path)
    return 0


def restore(trial: Trial) -> int:
    """Of the contract onto another one."""
    there = trial.opened()
    (chain,) = there.operation.chains
    path = trial.folder / "saved.json"
    if not path.exists():
        write(take(there.operation, chain), path)
    new = replace(chain, contract=trial.new)
    onto = replace(there.operation, chains=(new,), folder=trial.folder / "onto")
    with there.executor(OWNER) as owner, there.executor(OPERATOR) as operator:
        bulk = owner.bulk(at_once=3), operator.bulk(at_once=3)
        return Restoration(onto, new, read(path), *bulk).run().exit_code


def migrate(trial: Trial) -> int:
    """What is open goes to another contract."""
    there = trial.opened()
    (chain,) = there.operation.chains
    onto = replace(there.operation, chains=(replace(chain, contract=trial.new),), folder=trial.folder / "onto")
    with there.executor(OWNER) as owner, there.executor(OPERATOR) as operator:
        return Migration(there.operation, onto, CHAIN, owner, operator).run(drain_s=600).exit_code


def operators(trial: Trial) -> set[str]:
    """Those of a final block, of all accounts in question."""
    reader = trial.opened().operation.chains[0].getters
    return {one for one in (OWNER, OPERATOR, USER, NEXT) if reader.get("authorized_operators", one)}


def is_paused(trial: Trial) -> bool:
    """Now."""
    return bool(trial.opened().operation.chains[0].getters.get("paused"))


def moved(trial: Trial) -> bool:
    """Whether the new contract holds all that was open."""
    (chain,) = trial.opened().operation.chains
    reader = replace(chain, contract=trial.new).reader
    return [reader.state(f"0x{number:064x}") for number in range(1, COUNT + 1)] == ["BUFFERED"] * COUNT


def is_whole(trial: Trial) -> bool:
    """Whether the backup is what the chain says."""
    operation = trial.opened().operation
    return differences(read(trial.folder / "backup.json"), take(operation, operation.chains[0])) == []


def begun_and_ended(trial: Trial) -> bool:
    """It is in force, and its end still knows what it stopped."""
    there = trial.opened()
    stands = is_paused(trial) and in_force(trial.folder, there.operation.timing.unix())
    return stands and end(trial) == 0 and not is_paused(trial)


@dataclass(frozen=True)
class Case:
    """A command, what comes before it, and whether all is as it should be after it."""

    command: Callable[[Trial], int]
    good: Callable[[Trial], bool]
    before: Callable[[Trial], object] = lambda trial: None
    once: bool = True


def strangers(trial: Trial) -> None:
    """One too many, one too few."""
    trial.here.send(CHAIN, "owner", "add_operator", USER)
    trial.here.send(CHAIN, "owner", "remove_operator", OPERATOR)
    trial.here.mine(3)


def fill(trial: Trial) -> None:
    """Open transactions."""
    for number in range(1, COUNT + 1):
        trial.here.send(CHAIN, "operator", "buffer_transaction", *trial.here.buffer_args(CHAIN, number, in_s=500_000))
    trial.here.mine(3)


def ended(trial: Trial) -> None:
    """Two are READY, one is EXECUTED."""
    fill(trial)
    rpc = trial.here.rpc(CHAIN)
    for number in (11, 12, 13):
        trial.here.send(CHAIN, "operator", "buffer_transaction", *trial.here.buffer_args(CHAIN, number, in_s=30))
    rpc.call("evm_increaseTime", 31)
    rpc.call("evm_mine")
    ids = [f"0x{number:064x}" for number in (11, 12, 13)]
    trial.here.send(CHAIN, "operator", "resolve_batch", ids)
    trial.here.send(CHAIN, "operator", "mark_executed", ids[0])
    # The command waits by the chain's time.
    rpc.call("anvil_setBlockTimestampInterval", 4)
    trial.here.mine(3)


def all_moved(trial: Trial) -> bool:
    """Whether those have become so again, in the window that was saved."""
    (chain,) = trial.opened().operation.chains
    reader = replace(chain, contract=trial.new).reader
    states = [reader.state(f"0x{number:064x}") for number in (11, 12, 13)]
    return moved(trial) and states == ["EXECUTED", "READY", "READY"] and reader.get("coordination_window") == 60


CASES = {
    "operators sync": Case(sync, lambda trial: operators(trial) == {OWNER, OPERATOR}, strangers),
    "pause": Case(pause, is_paused),
    "unpause": Case(unpause, lambda trial: not is_paused(trial), pause),
    "revoke": Case(revoke, lambda trial: operators(trial) == {OWNER}),
    "rotate operator": Case(rotate, lambda trial: operators(trial) == {OWNER, USER}),
    "rotate owner": Case(hand_over, lambda trial: trial.opened().operation.chains[0].getters.get("owner") == NEXT),
    "maintenance begin": Case(begin, begun_and_ended),
    "maintenance end": Case(end, lambda trial: not is_paused(trial), begin),
    "backup": Case(backup, is_whole, fill),
    # Batches are other ones after a resumption; what is there already is not sent again.
    "restore": Case(restore, moved, fill, once=False),
    "restore of what had ended": Case(restore, all_moved, ended, once=False),
    "migrate": Case(migrate, moved, fill, once=False),
}


@pytest.fixture
def fresh(site: Start, tmp_path: Path) -> Callable[[Case, str], Trial]:
    """`fresh(case, name)`: a new node, with a second contract that is empty; the one before it is stopped."""
    running: list[Site] = []

    def start(case: Case, name: str) -> Trial:
        if running:
            running.pop().nodes[CHAIN].stop()
        made = site(CHAIN)
        running.append(made)
        created = made.send_data(CHAIN, "owner", None, made.target.contract.bytecode, gas=10_000_000)
        assert created is not None
        new = str(created["contractAddress"]).lower()
        for function, args in (("set_coordination_window", [60]), ("add_operator", [OPERATOR])):
            made.send_data(CHAIN, "owner", new, made.target.codec.encode(function, args))
        made.mine(3)
        trial = Trial(made, new, tmp_path / name)
        trial.folder.mkdir()
        case.before(trial)
        return trial

    return start


@pytest.mark.parametrize("name", CASES)
def test_killed_at_each_step(fresh: Callable[[Case, str], Trial], name: str) -> None:
    """Whatever it was doing: the same command, run again, ends equal, once, with no call that reverts."""
    case, trials = CASES[name], 0
    trial = fresh(case, "whole")
    before = trial.nonces()
    count = steps_of(partial(case.command, trial))
    sent = trial.sent_since(before)
    assert case.good(trial)
    for at in moments(count):
        where = f"step {at} of {count}"
        trial = fresh(case, where)
        before = trial.nonces()
        trials += killed(partial(case.command, trial), at)
        trial.here.mine()
        assert case.command(trial) == 0, f"{where}: {trial.told()}"
        if case.once:
            assert trial.sent_since(before) == sent, where
        assert trial.reverted() == [], where
        assert case.good(trial), where
    assert trials
