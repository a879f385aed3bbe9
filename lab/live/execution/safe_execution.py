"""Carries a signed proposal of a Safe out: journaled before it is sent, taken up after any crash, judged by its event.

Anybody may carry out what enough owners have signed, so it may have been done by somebody else, or another proposal may
have used the nonce: both are seen before anything is sent, and after a transaction of ours that reverted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.errors import DeadlineExceeded, DeployFailure
from lab.live.declaration.deployment_file import Target
from lab.live.execution.finality import is_final
from lab.live.execution.transactions import Sender
from lab.live.execution.waiting import Waiting
from lab.live.journaling.journal import Entry, Header, Journal, open_journal
from lab.live.journaling.undertaking import Notify
from lab.live.planning.steps import Step
from lab.live.signers import Signer
from lab.live.signers.transaction import data_of
from lab.rpc import Rpc
from lab.safe.account import SafeExecution, SafeReader, executed_in
from lab.safe.proposal import Proposal, ProposalRefused
from lab.safe.reverts import explain
from lab.safe.standing import Standing, call_data, read_standing, require_ready, simulate


@dataclass(frozen=True, slots=True)
class SafeDesk:
    """See `Desk`; nothing is created."""

    journal: Journal
    notify: Notify
    bytecode: str = ""


def safe_journal_path(deployment: Path, executor: str) -> Path:
    """Beside the deployment file."""
    return deployment.with_name(f"{deployment.stem}.safe-{executor[2:10].lower()}.jsonl")


def safe_journal(deployment: Path, executor: str, chains: Mapping[str, int] | None = None) -> Journal:
    """The journal of an account that carries proposals out; `chains` as for `open_journal`. Raises UsageError."""
    header = Header(contract="transactions of Safes", deployer=executor.lower())
    return open_journal(safe_journal_path(deployment, executor), header, chains)


class SafeExecutions:
    """One account's executions on one network."""

    def __init__(self, desk: SafeDesk, target: Target, rpc: Rpc, signer: Signer, waiting: Waiting) -> None:
        self._desk, self._target, self._rpc, self._signer, self._waiting = desk, target, rpc, signer, waiting

    def carry_out(self, proposal: Proposal) -> SafeExecution:
        """Bring a proposal to a final block, from wherever journal and chain say that it is; how it ended.

        Raises ProposalRefused, before anything is sent or where it can no longer take effect, and what `Sender` raises.
        """
        reader = SafeReader(self._rpc, proposal.safe)
        deadline = self._waiting.now() + self._waiting.deadline_s
        while True:
            standing = read_standing(proposal, reader)
            execution = standing.execution
            if execution is None or self._is_ours(proposal, execution):
                execution = self._send(standing)
                if execution is not None:
                    return execution
            elif self._is_final(execution):
                return execution
            if self._waiting.now() > deadline:
                raise DeadlineExceeded(
                    f"{self._target.name}: expected {proposal.text} in a final block within "
                    f"{self._waiting.deadline_s:g} s: run the command again, it goes on from here"
                )
            self._waiting.sleep(self._waiting.look_s)

    def _send(self, standing: Standing) -> SafeExecution | None:
        """Our own transaction, in a final block; None where another one carried it out, which is to be awaited."""
        proposal, journal = standing.proposal, self._desk.journal
        attempt = self._attempt(proposal)
        signed = self._signed(attempt)
        if not signed:
            require_ready(standing)
            data = call_data(standing)
            simulate(standing, self._rpc, self._signer.address, data)
        elif standing.kind == "replaced" and not any(self._rpc.receipt(entry.tx) for entry in signed):
            # Signed and maybe never sent: to send it now could only revert.
            raise ProposalRefused(f"{proposal.text}: {standing.advice}")
        else:
            data = data_of(signed[-1].raw)
        sender = Sender(self._desk, self._target, self._rpc, self._signer, self._waiting)
        try:
            done = sender.carry_out(Step(attempt, data), proposal.safe)
        except DeployFailure as failure:
            if SafeReader(self._rpc, proposal.safe).execution(proposal.hash, proposal.block) is not None:
                return None
            if journal.last(self._target.name, attempt, "void") is None:
                raise
            after = read_standing(proposal, SafeReader(self._rpc, proposal.safe))
            why = f"{proposal.text}: {after.advice}" if after.kind == "replaced" else explain(str(failure))
            raise ProposalRefused(why) from failure
        execution = executed_in(done.receipt, proposal.safe, proposal.hash)
        if execution is None:
            raise ProposalRefused(
                f"{proposal.text}: {done.entry.tx} succeeded, and the Safe says neither ExecutionSuccess nor "
                "ExecutionFailure: what stands there is no Safe; look at the transaction"
            )
        return execution

    def _attempt(self, proposal: Proposal) -> str:
        """The step that is under way, else the next free one: an attempt that is void is not taken up again."""
        name, number = f"safe {proposal.hash}", 1
        while self._desk.journal.last(self._target.name, f"{name} #{number}", "void") is not None:
            number += 1
        return f"{name} #{number}"

    def _signed(self, attempt: str) -> list[Entry]:
        return [e for e in self._desk.journal.of(self._target.name, attempt) if e.event == "signed"]

    def _is_ours(self, proposal: Proposal, execution: SafeExecution) -> bool:
        """Whether a transaction of this journal carried it out."""
        return any(entry.tx == execution.tx for entry in self._signed(self._attempt(proposal)))

    def _is_final(self, execution: SafeExecution) -> bool:
        receipt = self._rpc.receipt(execution.tx)
        return receipt is not None and is_final(self._rpc, self._target.finality, receipt, self._waiting.unix_s())
