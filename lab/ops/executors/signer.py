"""The executor whose signer holds the account: each call is a transaction of its own, journaled and seen final."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from lab.errors import AccountUsedElsewhere, LabError
from lab.live.execution.transactions import Desk, Sender
from lab.live.execution.waiting import Waiting
from lab.live.journaling.journal import ATTEMPT, Entry
from lab.live.planning.steps import Step
from lab.live.signers import Signer
from lab.live.signers.serial import SerialSigner
from lab.live.signers.transaction import data_of
from lab.ops.chain import OperatedChain
from lab.ops.executors.call import Call, Outcome, Result
from lab.ops.simulation import gas_in_order


class SignerExecutor:
    """Sends calls one after another on a chain. What an earlier command signed is taken up, never signed again."""

    sends = True

    def __init__(self, desk: Desk, signer: Signer, waiting: Waiting | None = None, *, at_once: int = 1) -> None:
        """`at_once`: so many transactions of a chain may be under way, where the calls do not depend on each other."""
        self._desk, self._signer, self._waiting = desk, SerialSigner(signer), waiting or Waiting()
        self._at_once = at_once
        self.described = f"{signer.address.lower()} ({signer.described})"

    @property
    def journal(self) -> Path:
        """The file that every signed transaction is in before it is sent."""
        return self._desk.journal.path

    def sender(self, chain: OperatedChain) -> str:
        """See `Executor`."""
        return self._signer.address.lower()

    def execute(self, chain: OperatedChain, calls: Sequence[Call]) -> list[Result]:
        """See `Executor`. After the first call that is not confirmed those are refused that nobody has signed yet.

        What is urgent is sent together: a removal of several roles need not wait for final blocks between them.
        """
        results: list[Result] = []
        at_once = len(calls) if all(call.urgent for call in calls) else self._at_once
        failed: Result | None = None
        for number, call in enumerate(calls):
            if at_once > 1 and number % at_once == 0 and failed is None:
                self._announce(chain, calls[number : number + at_once])
            if failed is not None and not self._is_under_way(chain, call):
                reason = f"not sent: {failed.call.text} before it is {failed.outcome}"
                results.append(Result(call, "refused", reason=reason))
                continue
            results.append(self._carry_out(chain, call))
            failed = failed or (None if results[-1].outcome == "confirmed" else results[-1])
        return results

    def _is_under_way(self, chain: OperatedChain, call: Call) -> bool:
        return bool(self._desk.journal.under_way(chain.name, self._step_name(chain, call)))

    def bulk(self, *, at_once: int) -> SignerExecutor:
        """The same account for many calls: several under way at once, and a block that is not final is enough."""
        return SignerExecutor(self._desk, self._signer, replace(self._waiting, final=False), at_once=at_once)

    def together(self, *, at_once: int) -> SignerExecutor:
        """The same account for calls that do not depend on each other: none waits for the final block of another."""
        return SignerExecutor(self._desk, self._signer, self._waiting, at_once=at_once)

    def _announce(self, chain: OperatedChain, calls: Sequence[Call]) -> None:
        """What cannot be sent now is tried again, and reported, when its turn comes.

        Those of a plan may cost more after one another than alone; the many of a bulk are of one kind, each by itself.
        """
        sender = Sender(self._desk, chain.target, chain.rpc, self._signer, self._waiting)
        nonce = 0
        with suppress(LabError):
            least = gas_in_order(chain.rpc, self._signer.address, calls) if self._waiting.final else None
            for number, call in enumerate(calls):
                if self._late(chain, call) is not None:
                    return
                step = replace(self._step(chain, call), gas_least=least[number] if least else 0)
                nonce = sender.announce(step, call.to, nonce)

    def _carry_out(self, chain: OperatedChain, call: Call) -> Result:
        if call.value:
            return Result(call, "refused", reason=f"expected a call without value, got {call.value} wei")
        step = self._step(chain, call)
        sender = Sender(self._desk, chain.target, chain.rpc, self._signer, self._waiting)
        try:
            if not self._is_under_way(chain, call) and (late := self._late(chain, call)) is not None:
                return Result(call, "refused", reason=late, late=True)
            done = sender.carry_out(step, call.to)
        except LabError as error:
            signed = self._desk.journal.last(chain.name, step.name, "signed")
            void = self._desk.journal.last(chain.name, step.name, "void")
            # What nobody signed cannot take effect, and what is void never will; anything else may still be mined.
            outcome: Outcome = "refused" if signed is None or void is not None else "unknown"
            again = outcome == "refused" and isinstance(error, AccountUsedElsewhere)
            return Result(call, outcome, tx=signed.tx if signed else None, reason=str(error), again=again)
        return Result(call, "confirmed", tx=done.entry.tx, block=done.entry.block)

    def _step(self, chain: OperatedChain, call: Call) -> Step:
        return Step(self._step_name(chain, call), call.data, call.gas_room)

    def _late(self, chain: OperatedChain, call: Call) -> str | None:
        """Why it is too late to sign it, if it is."""
        if call.not_after is None or (now := chain.time(self._waiting.unix_s())) < call.not_after:
            return None
        return f"not sent: it had to be before block time {call.not_after}, the chain is at {now}"

    def _step_name(self, chain: OperatedChain, call: Call) -> str:
        """That of the attempt which is under way, else the next free one."""
        last = self._desk.journal.last_attempt(chain.name, call.step)
        number = 1 if last is None else int(last.step.rpartition(ATTEMPT)[2]) + (last.event in ("final", "void"))
        return f"{call.step}{ATTEMPT}{number}"

    def unfinished(self, chain: OperatedChain) -> list[Entry]:
        """The newest signature of each call that an earlier command signed and nobody saw end, in their order."""
        entries = {e.step: e for e in self._desk.journal.of(chain.name) if e.event == "signed"}
        ended = {e.step for e in self._desk.journal.of(chain.name) if e.event in ("final", "void")}
        return [entry for step, entry in entries.items() if step not in ended]

    def finish(self, chain: OperatedChain) -> list[Result]:
        """Bring to an end what `unfinished` lists."""
        results = []
        for entry in self.unfinished(chain):
            data, name = data_of(entry.raw), entry.step.rpartition(ATTEMPT)[0]
            decoded = chain.codec.decode_call(data)
            function = decoded.function if decoded is not None else name.partition("(")[0]
            args = tuple(decoded.args.values()) if decoded is not None else ()
            call = Call(chain.name, chain.chain_id, entry.address or chain.contract, function, args, data)
            results.append(self._carry_out(chain, call))
        return results
