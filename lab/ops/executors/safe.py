"""The executor of an owner that is a Safe: proposals as files, carried out once enough owners have signed.

The folder of proposals is its memory. The same command finds the proposal that it wrote, with whatever signatures its
copies have by now, and goes on from there; it writes a new one only where none can still take effect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.live.execution.finality import final_block
from lab.live.execution.safe_execution import SafeDesk, SafeExecutions
from lab.live.execution.waiting import Waiting
from lab.live.signers import Signer
from lab.live.signers.serial import SerialSigner
from lab.ops.chain import OperatedChain
from lab.ops.executors.call import Call, Outcome, Result
from lab.safe.account import SafeReader
from lab.safe.calls import ProposedCall, named_call
from lab.safe.folder import all_proposals, file_name, next_nonce
from lab.safe.proposal import Proposal, ProposalRefused, make_proposal
from lab.safe.standing import Standing, read_standing


class SafeExecutor:
    """Proposes the calls of a chain as one transaction of the Safe. `signer` pays for carrying it out; None: proposes.

    `safe` is the Safe on a chain by its name, in lower case.
    """

    sends = False

    def __init__(
        self,
        safe: Callable[[str], str],
        folder: Path,
        desk: SafeDesk,
        signer: Signer | None,
        waiting: Waiting,
    ) -> None:
        self._safe, self._folder, self._desk, self._waiting = safe, folder, desk, waiting
        self._signer = None if signer is None else SerialSigner(signer)
        self.described = f"Safe, proposals in {folder}"

    def sender(self, chain: OperatedChain) -> str:
        """See `Executor`."""
        return self._safe(chain.name)

    def execute(self, chain: OperatedChain, calls: Sequence[Call]) -> list[Result]:
        """See `Executor`. One file for all calls; what was written before is not written again."""
        try:
            return self._execute(chain, calls)
        except OSError as error:
            reason = f"{self._folder}: expected to keep proposals there: {error.strerror or error}"
        except LabError as error:
            reason = str(error)
        return [Result(call, "refused", reason=reason) for call in calls]

    def _execute(self, chain: OperatedChain, calls: Sequence[Call]) -> list[Result]:
        reader = SafeReader(chain.rpc, self.sender(chain))
        state = reader.state()
        proposed = tuple(_named(chain, call) for call in calls)
        of = state.described(chain.name, chain.chain_id)
        known = all_proposals(self._folder, of)
        # By what the Safe does: others name contract and function in words of their own.
        does, urgent = [call.inner for call in proposed], any(call.urgent for call in calls)
        same = [one for one in known if [call.inner for call in one.calls] == does]
        if urgent:
            # One that others come before would be too late.
            same = [one for one in same if one.nonce <= state.nonce]
        standing = self._current(chain, reader, same)
        if standing is None:
            taken = [one for one in known if one.nonce >= state.nonce]
            proposal = make_proposal(of, proposed, state.nonce if urgent else next_nonce(taken, state.nonce))
            standing = read_standing(proposal, reader)
            proposal.write(self._folder / file_name(proposal))
        rivals = [one for one in known if one.nonce == standing.proposal.nonce and one.hash != standing.proposal.hash]
        batch = _Batch(chain, tuple(calls), self._folder / file_name(standing.proposal), _said_of(rivals))
        return self._carry_out(batch, standing)

    def _current(self, chain: OperatedChain, reader: SafeReader, same: Sequence[Proposal]) -> Standing | None:
        """The proposal of these calls that can still take effect, or did in a block that is not final yet."""
        for proposal in reversed(same):
            standing = read_standing(proposal, reader)
            if not standing.ended:
                return standing
            execution = standing.execution
            if execution is not None and execution.ended == "success":
                final = final_block(chain.rpc, chain.target.finality, self._waiting.unix_s())
                return standing if execution.block > final.number else None
        return None

    def _carry_out(self, batch: _Batch, standing: Standing) -> list[Result]:
        """Only what is signed by enough; else it waits for its signers."""
        waits = standing.kind in ("incomplete", "queued")
        if waits or self._signer is None or standing.strangers:
            outcome: Outcome = "refused" if standing.strangers else "proposed"
            return batch.results(outcome, reason=f"{batch.path}: {standing.advice}{batch.rivals}")
        work = SafeExecutions(self._desk, batch.chain.target, batch.chain.rpc, self._signer, self._waiting)
        try:
            execution = work.carry_out(standing.proposal)
        except ProposalRefused as refused:
            return batch.results("refused", reason=str(refused))
        except LabError as error:
            # Whoever carries it out need not be this command: what is signed may still take effect.
            return batch.results("unknown", reason=str(error))
        if execution.ended == "failure":
            reason = f"{execution.tx} has status 1, and the Safe says ExecutionFailure: the call reverted"
            return batch.results("refused", tx=execution.tx, reason=reason)
        return batch.results("confirmed", tx=execution.tx, block=execution.block)


@dataclass(frozen=True, slots=True)
class _Batch:
    """The calls of one proposal: they have one end."""

    chain: OperatedChain
    calls: tuple[Call, ...]
    path: Path
    rivals: str

    def results(
        self, outcome: Outcome, *, tx: str | None = None, block: int | None = None, reason: str | None = None
    ) -> list[Result]:
        return [Result(call, outcome, tx=tx, block=block, path=self.path, reason=reason) for call in self.calls]


def _said_of(rivals: Sequence[Proposal]) -> str:
    """Of proposals with the same nonce: one of them takes effect."""
    if not rivals:
        return ""
    files = ", ".join(file_name(one) for one in rivals)
    return f"; nonce {rivals[0].nonce} is also that of {files}: what is carried out first ends the others"


def _named(chain: OperatedChain, call: Call) -> ProposedCall:
    return named_call(chain.codec, call.to, call.function, call.data, value=call.value)
