"""Proposals of a real 2-of-3 Safe: carried out once, whatever ends the command, and refused where they cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.coordinator import Codec, role_account
from lab.live.journaling.journal import Journal
from lab.safe.calls import ProposedCall
from lab.safe.proposal import Proposal, ProposalRefused, make_proposal
from lab.safe.signatures import approval
from lab.safe.standing import call_data, read_standing
from tests.unit.real_safes import EXECUTOR, OTHER_EXECUTOR, OWNERS, SafeWorld, send, signed

OpenSafe = Callable[..., SafeWorld]
FIRST, SECOND, THIRD = OWNERS
SOMEBODY = "0x" + "5a" * 20


def view(lab: SafeWorld, contract: str, function: str, *arguments: Any) -> Any:
    """What a getter of the coordinator answers."""
    codec = Codec(lab.world.target.contract.abi)
    return codec.decode_result(function, lab.rpc.eth_call(contract, codec.encode(function, arguments)))[0]


def owned(lab: SafeWorld) -> str:
    """A coordinator that the Safe owns; its address."""
    contract = lab.deploy()
    ended = lab.executions().carry_out(signed(lab.propose(contract, "accept_ownership"), FIRST, SECOND))
    assert ended.ended == "success"
    assert view(lab, contract, "owner").lower() == lab.safe
    return contract


@pytest.mark.parametrize("version", ["1.4.1", "1.5.0"])
def test_the_owner_is_a_safe(safe_world: OpenSafe, version: str) -> None:
    """It takes the ownership, adds an operator and pauses in a batch; the third signer takes the second's place."""
    lab = safe_world(version)
    contract = owned(lab)
    batch = lab.propose_all(contract, [("add_operator", [SOMEBODY]), ("set_coordination_window", [77]), ("pause", [])])
    assert batch.transaction.operation == 1
    batch = signed(batch, FIRST)
    assert read_standing(batch, lab.reader).kind == "incomplete"
    with pytest.raises(ProposalRefused, match=r"1 more of .* must sign"):
        lab.executions().carry_out(batch)
    # The second signer is gone: the third takes over.
    batch = signed(batch, THIRD)
    ended = lab.executions().carry_out(batch)
    assert ended.ended == "success"
    assert (view(lab, contract, "paused"), view(lab, contract, "coordination_window")) == (True, 77)
    assert view(lab, contract, "authorized_operators", SOMEBODY)
    assert lab.reader.state().nonce == 2
    # Once more: it is seen to be done, and nothing is sent.
    sent = lab.rpc.nonce(EXECUTOR.address)
    assert lab.executions().carry_out(batch) == ended
    assert lab.executions(OTHER_EXECUTOR).carry_out(batch) == ended
    assert lab.rpc.nonce(EXECUTOR.address) == sent


def test_the_nonce_was_taken(safe_world: OpenSafe) -> None:
    """Another proposal of the same nonce was carried out: refused before anything is sent, and so for one queued."""
    lab = safe_world()
    contract = owned(lab)
    slow, quick = lab.propose(contract, "add_operator", SOMEBODY), lab.propose(contract, "pause")
    later = lab.propose(contract, "unpause", nonce=3)
    assert slow.nonce == quick.nonce == 1
    lab.executions().carry_out(signed(quick, FIRST, SECOND))
    sent = lab.rpc.nonce(EXECUTOR.address)
    with pytest.raises(ProposalRefused, match=r"STALE: nonce 1 .*\(it is at 2\), .* propose it anew with nonce 2"):
        lab.executions().carry_out(signed(slow, FIRST, SECOND))
    with pytest.raises(ProposalRefused, match="1 transactions come before it"):
        lab.executions().carry_out(signed(later, FIRST, SECOND))
    assert lab.rpc.nonce(EXECUTOR.address) == sent


def test_a_stranger_signed(safe_world: OpenSafe) -> None:
    """Named, with how to be rid of it; also where enough owners signed beside."""
    lab = safe_world()
    contract = lab.deploy()
    proposal = signed(lab.propose(contract, "accept_ownership"), FIRST, SECOND, role_account("user"))
    with pytest.raises(ProposalRefused, match=r"0x9965.*, no owner of the Safe: remove it with"):
        lab.executions().carry_out(proposal)
    assert lab.executions().carry_out(proposal.without(role_account("user").address)).ended == "success"


def test_an_approval_counts_once_it_is_on_the_chain(safe_world: OpenSafe) -> None:
    """Anybody can write that an owner approved: the chain knows."""
    lab = safe_world()
    contract = lab.deploy()
    proposal = signed(lab.propose(contract, "accept_ownership"), FIRST).with_signatures(approval(SECOND.address))
    standing = read_standing(proposal, lab.reader)
    assert (standing.kind, standing.unconfirmed) == ("incomplete", (SECOND.address,))
    with pytest.raises(ProposalRefused, match="must sign"):
        lab.executions().carry_out(proposal)
    lab.rpc.call("anvil_impersonateAccount", SECOND.address)
    data = "0xd4d9bdcd" + proposal.hash[2:]
    lab.rpc.call("eth_sendTransaction", {"from": SECOND.address, "to": lab.safe, "data": data, "gas": hex(200_000)})
    lab.rpc.call("evm_mine")
    assert read_standing(proposal, lab.reader).approved == (SECOND.address,)
    assert lab.executions().carry_out(proposal).ended == "success"


@pytest.mark.parametrize("version", ["1.4.1", "1.5.0"])
def test_a_failure_inside(safe_world: OpenSafe, version: str) -> None:
    """Refused when it is simulated; with a safeTxGas it has status 1, and the event says that it failed."""
    lab = safe_world(version)
    contract = owned(lab)
    with pytest.raises(ProposalRefused, match=r"would revert: (GS013: what the Safe was to call|.*nothing was sent)"):
        lab.executions().carry_out(signed(lab.propose(contract, "accept_ownership"), FIRST, SECOND))
    good = lab.propose(contract, "accept_ownership")
    transaction = good.transaction.model_copy(update={"safeTxGas": 100_000})
    hashes = transaction.hashes(good.chain_id, good.safe)
    wasteful = signed(good.model_copy(update={"transaction": transaction, "hashes": hashes}), FIRST, SECOND)
    with pytest.raises(ProposalRefused, match="the call inside of it would fail, and use up nonce 1"):
        lab.executions().carry_out(wasteful)
    # Somebody sends it all the same.
    receipt = send(lab.rpc, lab.safe, call_data(read_standing(wasteful, lab.reader)))
    assert receipt["status"] == "0x1"
    standing = read_standing(wasteful, lab.reader)
    assert standing.kind == "failure"
    assert "status 1, and the Safe says ExecutionFailure" in standing.advice
    lab.world.mine()
    lab.world.mine()
    assert lab.executions().carry_out(wasteful).ended == "failure"


def test_another_chain(safe_world: OpenSafe) -> None:
    """Its signatures mean nothing here."""
    lab = safe_world()
    of = lab.description().model_copy(update={"chain_id": 1})
    proposal = make_proposal(of, [ProposedCall(to=lab.safe)], 0)
    with pytest.raises(ProposalRefused, match=r"expected chain 1 .*, the endpoint is of chain 11155111"):
        lab.executions().carry_out(signed(proposal, FIRST, SECOND))


def test_a_reorg_of_the_executing_block(safe_world: OpenSafe) -> None:
    """The same bytes are sent again; if another proposal got in first on the new branch, that is said."""
    lab = safe_world()
    contract = owned(lab)
    proposal = lab.propose(contract, "pause")
    ended = lab.executions(sleep=reorganising(lab, contract, lambda: None)).carry_out(signed(proposal, FIRST, SECOND))
    assert (ended.ended, view(lab, contract, "paused")) == ("success", True)
    assert any("reorganised away" in text for text in lab.world.said)
    assert lab.reader.state().nonce == 2
    # On the next branch another proposal has the nonce.
    back, rival = lab.propose(contract, "unpause"), lab.propose(contract, "add_operator", SOMEBODY)
    lose = reorganising(lab, contract, lambda: lab.executions(OTHER_EXECUTOR).carry_out(signed(rival, FIRST, THIRD)))
    with pytest.raises(ProposalRefused, match="STALE: nonce 2"):
        lab.executions(sleep=lose).carry_out(signed(back, FIRST, SECOND))
    assert view(lab, contract, "authorized_operators", SOMEBODY)


def reorganising(lab: SafeWorld, contract: str, meanwhile: Callable[[], object]) -> Callable[[float], None]:
    """Waiting, in which the block that changes `paused` is taken back once it was seen; then `meanwhile` happens."""
    before, snapshot = view(lab, contract, "paused"), lab.rpc.call("evm_snapshot")
    looks: list[bool] = []

    def sleep(seconds: float) -> None:
        lab.world.simulated_s += seconds
        changed = view(lab, contract, "paused") != before
        if changed and True not in looks:
            assert lab.rpc.call("evm_revert", snapshot)
            meanwhile()
        looks.append(changed)
        lab.world.mine()

    return sleep


class Killed(BaseException):
    """As a SIGKILL would."""


class MortalJournal(Journal):
    """Ends the process before or after the n-th line is written."""

    left, before = 0, True

    def add(self, entry: Any) -> None:
        """See `Journal.add`."""
        self.left -= 1
        if self.left == 0 and self.before:
            raise Killed
        super().add(entry)
        if self.left == 0:
            raise Killed


def mortal(journal: Journal, place: int, *, before: bool) -> Journal:
    """The same, which ends the process at a line to be written."""
    opened = MortalJournal(journal.path, journal.of("sepolia"))
    opened.left, opened.before = place, before
    return opened


def test_killed_at_every_line_of_the_journal(safe_world: OpenSafe) -> None:
    """The next command sends the same bytes, once."""
    lab = safe_world()
    contract = owned(lab)
    sent = lab.rpc.nonce(EXECUTOR.address)
    for place in range(1, 4):
        for before in (True, False):
            function = "unpause" if view(lab, contract, "paused") else "pause"
            proposal = signed(lab.propose(contract, function), FIRST, SECOND)
            with pytest.raises(Killed):
                lab.executions(journal=mortal(lab.journal(), place, before=before)).carry_out(proposal)
            ended = lab.executions().carry_out(proposal)
            sent += 1
            assert (ended.ended, lab.rpc.nonce(EXECUTOR.address)) == ("success", sent)
            lines = [e for e in lab.journal().of("sepolia") if proposal.hash in e.step]
            assert [e.event for e in lines] == ["signed", "mined", "final"]
            assert ended.tx == lines[0].tx


def test_killed_before_it_was_sent_and_the_nonce_taken_meanwhile(safe_world: OpenSafe) -> None:
    """What was signed is void then: it is not sent, and the account's next transaction has its nonce."""
    lab = safe_world()
    contract = owned(lab)
    proposal = signed(lab.propose(contract, "pause"), FIRST, SECOND)
    rival = signed(lab.propose(contract, "add_operator", SOMEBODY), FIRST, THIRD)
    with pytest.raises(Killed):
        lab.executions(journal=mortal(lab.journal(), 1, before=False)).carry_out(proposal)
    lab.executions(OTHER_EXECUTOR).carry_out(rival)
    sent = lab.rpc.nonce(EXECUTOR.address)
    with pytest.raises(ProposalRefused, match="STALE"):
        lab.executions().carry_out(proposal)
    assert lab.rpc.nonce(EXECUTOR.address) == sent
    anew: Proposal = signed(lab.propose(contract, "pause"), FIRST, SECOND)
    assert lab.executions().carry_out(anew).ended == "success"
    assert lab.rpc.nonce(EXECUTOR.address) == sent + 1
