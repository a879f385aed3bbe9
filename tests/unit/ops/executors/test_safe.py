"""Procedures of an owner that is a 2-of-3 Safe: proposed as files, signed, carried out by one command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lab.live.execution.waiting import Waiting
from lab.live.journaling.journal import Journal
from lab.ops.procedures.operators import AddOperator
from lab.ops.procedures.pausing import Pause
from lab.ops.report import ChainReport
from lab.safe.folder import file_name
from lab.safe.proposal import read_proposal
from tests.unit.real_safes import EXECUTOR, OTHER_EXECUTOR, signed

from .conftest import FIRST, SECOND, THIRD, Owned

SOMEBODY, OTHER = "0x" + "5a" * 20, "0x" + "6b" * 20


def outcomes(report: ChainReport) -> list[str]:
    """Of all calls."""
    return [result.outcome for result in report.results]


@pytest.mark.parametrize("version", ["1.4.1", "1.5.0"])
def test_add_an_operator_and_pause(owned: Callable[..., Owned], version: str) -> None:
    """The same command proposes, waits for signers, and carries out; the third signer takes the second's place."""
    there = owned(version)
    report = there.run(AddOperator(SOMEBODY))
    assert (outcomes(report), report.standing) == (["proposed"], "differs")
    assert any("2 more of" in line for line in report.left)
    path = there.proposal(nonce=1)
    assert read_proposal(path).text.startswith("add_operator(operator=0x5a5A")
    assert outcomes(there.run(AddOperator(SOMEBODY))) == ["proposed"]
    assert there.proposal(nonce=1) == path
    there.sign(path, FIRST)
    assert any("1 more of" in line for line in there.run(AddOperator(SOMEBODY)).left)
    # The second signer is lost between proposal and execution.
    there.sign(path, THIRD)
    report = there.run(AddOperator(SOMEBODY))
    assert (outcomes(report), report.standing) == (["confirmed"], "equal")
    assert there.run(AddOperator(SOMEBODY)).standing == "equal"
    assert there.run(Pause()).standing == "differs"
    there.sign(there.proposal(nonce=2), SECOND, THIRD)
    assert there.run(Pause()).standing == "equal"


def test_the_nonce_was_taken(owned: Callable[..., Owned]) -> None:
    """What others carried out with it makes the proposal stale: a new one is written, the old one never used."""
    there = owned()
    there.run(Pause())
    there.sign(there.proposal(nonce=1), FIRST, SECOND)
    rival = signed(there.lab.propose(there.contract, "add_operator", SOMEBODY, nonce=1), SECOND, THIRD)
    there.lab.executions(OTHER_EXECUTOR).carry_out(rival)
    report = there.run(Pause())
    assert (outcomes(report), report.standing) == (["proposed"], "differs")
    there.sign(there.proposal(nonce=2), FIRST, SECOND)
    assert there.run(Pause()).standing == "equal"


def test_a_proposal_of_somebody_else_s(owned: Callable[..., Owned]) -> None:
    """What another command proposed, in words of its own, is the one that is signed and carried out."""
    there = owned()
    proposal = there.lab.propose(there.contract, "pause", nonce=1)
    (call,) = proposal.calls
    path = there.folder / file_name(proposal)
    renamed = call.model_copy(update={"contract": "TesseractCoordinator"})
    proposal.model_copy(update={"calls": (renamed,)}).write(path)
    there.sign(path, FIRST)
    report = there.run(Pause())
    assert (outcomes(report), [one.path for one in report.results]) == (["proposed"], [path])
    assert any("1 more of" in line for line in report.left)
    assert {read_proposal(one).hash for one in there.folder.glob("*.proposal.json")} == {proposal.hash}
    there.sign(path, SECOND)
    assert there.run(Pause()).standing == "equal"


def test_a_second_proposal_queues(owned: Callable[..., Owned]) -> None:
    """It takes the next nonce, and waits for the one before it."""
    there = owned()
    there.run(Pause())
    there.run(AddOperator(SOMEBODY))
    there.sign(there.proposal(nonce=2), FIRST, SECOND)
    assert any("1 transactions come before it" in line for line in there.run(AddOperator(SOMEBODY)).left)
    there.sign(there.proposal(nonce=1), FIRST, SECOND)
    assert there.run(Pause()).standing == "equal"
    assert there.run(AddOperator(SOMEBODY)).standing == "equal"


def test_a_stop_goes_before_what_waits_for_signers(owned: Callable[..., Owned]) -> None:
    """It takes the nonce of the first that is open, and says so; what it displaces is proposed anew."""
    there = owned()
    there.run(AddOperator(SOMEBODY))
    first = there.proposal(nonce=1)
    there.run(AddOperator(OTHER))
    queued = there.lab.propose(there.contract, "pause", nonce=3)
    queued.write(there.folder / file_name(queued))
    line = next(line for line in there.run(Pause()).left if "2 more of" in line)
    assert line.endswith(f"nonce 1 is also that of {first.name}: what is carried out first ends the others")
    (stop,) = {path for path in there.folder.glob("*-nonce-1-*") if path != first}
    there.sign(stop, FIRST, SECOND)
    assert there.run(Pause()).standing == "equal"
    there.sign(first, FIRST, SECOND)
    there.run(AddOperator(SOMEBODY))
    assert read_proposal(there.proposal(nonce=4)).text.startswith("add_operator(operator=0x5a5A")


@pytest.mark.parametrize("owners", [(FIRST,), (FIRST, SECOND)])
def test_the_signature_of_somebody_else(owned: Callable[..., Owned], owners: tuple[Any, ...]) -> None:
    """Whether enough owners signed or not: refused by name, nothing is sent, and what to do is said."""
    there = owned()
    there.run(Pause())
    there.sign(there.proposal(nonce=1), *owners, EXECUTOR)
    nonce = there.lab.rpc.nonce(EXECUTOR.address, "pending")
    report = there.run(Pause())
    assert (outcomes(report), report.standing) == (["refused"], "differs")
    assert EXECUTOR.address in str(report.results[0].reason).lower()
    assert "--without" in str(report.results[0].reason)
    assert there.lab.rpc.nonce(EXECUTOR.address, "pending") == nonce


@pytest.mark.parametrize("version", ["1.4.1", "1.5.0"])
def test_a_failure_inside_is_no_stop(owned: Callable[..., Owned], version: str) -> None:
    """The transaction succeeds, its call reverted: the event counts, and it is proposed anew."""
    there = owned(version)
    there.run(Pause())
    path = there.proposal(nonce=1)
    proposal = read_proposal(path)
    path.unlink()
    # As other people's tools write it: with a safeTxGas a call that fails does not take the transaction with it.
    transaction = proposal.transaction.model_copy(update={"safeTxGas": 100_000})
    hashes = transaction.hashes(proposal.chain_id, proposal.safe)
    wasteful = proposal.model_copy(update={"transaction": transaction, "hashes": hashes})
    signed(wasteful, FIRST, SECOND).write(path)
    rpc, code = there.lab.rpc, there.lab.rpc.call("eth_getCode", there.contract, "latest")

    def sleep(seconds: float) -> None:
        """In its block the contract refuses everything."""
        rpc.call("anvil_setCode", there.contract, "0x60006000fd")
        rpc.call("evm_mine")
        rpc.call("anvil_setCode", there.contract, code)
        there.lab.world.waiting().sleep(seconds)

    report = there.run(Pause(), waiting=replace(there.lab.world.waiting(), sleep=sleep))
    # As of its block nothing can be read.
    assert (outcomes(report), report.standing) == (["refused"], "unknown")
    assert "status 1, and the Safe says ExecutionFailure: the call reverted" in str(report.results[0].reason)
    assert rpc.receipt(str(report.results[0].tx))["status"] == "0x1"  # type: ignore[index]  # it is in a block
    for _ in range(3):
        there.lab.world.mine()
    assert outcomes(there.run(Pause())) == ["proposed"]
    there.sign(there.proposal(nonce=2), SECOND, THIRD)
    assert there.run(Pause()).standing == "equal"


def test_a_changed_file(owned: Callable[..., Owned]) -> None:
    """Refused with its name, and nothing is sent."""
    there = owned()
    there.run(AddOperator(SOMEBODY))
    path = there.proposal(nonce=1)
    there.sign(path, FIRST, SECOND)
    path.write_text(path.read_text().replace("5a5a5a", "5a5a5b", 1))
    report = there.run(AddOperator(SOMEBODY))
    assert outcomes(report) == ["refused"]
    assert "the file was changed after it was made" in str(report.results[0].reason)


def test_killed_at_every_step(owned: Callable[..., Owned]) -> None:
    """Before the proposal, and at each line of the journal: what resumes carries it out once."""
    there = owned()
    sent = there.lab.rpc.nonce(EXECUTOR.address)
    for place in range(1, 4):
        procedure = AddOperator(f"0x{place:02x}" + "5b" * 19)
        there.run(procedure)
        there.sign(there.proposal(nonce=place), FIRST, SECOND)
        journal = Mortal(there.lab.journal().path, there.lab.journal().of("sepolia"))
        journal.left = place
        with pytest.raises(Killed):
            there.run(procedure, journal=journal)
        assert there.run(procedure).standing == "equal"
        sent += 1
        assert (there.lab.rpc.nonce(EXECUTOR.address), there.lab.reader.state().nonce) == (sent, place + 1)


class Killed(BaseException):
    """As a SIGKILL would."""


class Mortal(Journal):
    """Ends the process once the n-th line is written."""

    left = 0

    def add(self, entry: Any) -> None:
        """See `Journal.add`."""
        super().add(entry)
        self.left -= 1
        if self.left == 0:
            raise Killed


def test_a_reorg_of_the_executing_block(owned: Callable[..., Owned]) -> None:
    """It is carried out on the branch that stays."""
    there = owned()
    there.run(Pause())
    there.sign(there.proposal(nonce=1), FIRST, SECOND)
    lab, looks = there.lab, list[bool]()
    snapshot = lab.rpc.call("evm_snapshot")
    plain = lab.world.waiting()

    def sleep(seconds: float) -> None:
        lab.world.simulated_s += seconds
        taken = lab.reader.state().nonce == 2
        if taken and True not in looks:
            assert lab.rpc.call("evm_revert", snapshot)
        looks.append(taken)
        lab.world.mine()

    reorganising = Waiting(look_s=1, stuck_s=30, deadline_s=600, sleep=sleep, now=plain.now)
    report = there.run(Pause(), waiting=reorganising)
    assert (outcomes(report), report.standing, lab.reader.state().nonce) == (["confirmed"], "equal", 2)
    assert any("reorganised away" in text for text in lab.world.said)
