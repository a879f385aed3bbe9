"""Carries one step through: sign, write down, send, replace what is stuck, wait for a final block. Resumes anywhere.

Of one step several transactions may have been signed (replacements, of one nonce): whichever is mined counts. Nothing
is signed anew while the nonce of an earlier signature can still be used, so a step never takes effect twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

from lab.coordinator import Fees
from lab.coordinator.accounts import created_address
from lab.errors import AccountUsedElsewhere, DeadlineExceeded, DeployFailure
from lab.live.declaration.deployment_file import Target
from lab.live.execution.finality import is_final
from lab.live.execution.reverted import reverted
from lab.live.execution.waiting import Waiting
from lab.live.execution.waiting_for import why_waiting
from lab.live.journaling.journal import Entry, Journal
from lab.live.journaling.undertaking import Notify
from lab.live.planning.fees import bounded, current_fees, estimated_gas, offered_fees, paid
from lab.live.planning.steps import Step
from lab.live.signers import Signer, Unsigned
from lab.rpc import Rpc, RpcFailure, RpcRefused
from lab.rpc.refusals import OUTBID, USED, is_busy, is_known, says

REPLACEMENT_BUMP_MIN_PERCENT = 13


@dataclass(frozen=True, slots=True)
class Done:
    """A step whose block is final."""

    entry: Entry
    receipt: dict[str, Any]


class Desk(Protocol):
    """What a sender needs beside the chain: where it writes down, whom it notifies, and the code of a creation."""

    @property
    def journal(self) -> Journal: ...

    @property
    def notify(self) -> Notify: ...

    @property
    def bytecode(self) -> str: ...


class Sender:
    """One account's transactions on one network, one after another."""

    def __init__(self, work: Desk, target: Target, rpc: Rpc, signer: Signer, waiting: Waiting) -> None:
        self._work, self._target, self._rpc, self._signer, self._waiting = work, target, rpc, signer, waiting
        self._begun: dict[str, float] = {}
        self._reached = 0

    @property
    def address(self) -> str:
        """Who sends."""
        return self._signer.address

    def carry_out(self, step: Step, contract: str | None) -> Done:
        """Bring a step to a final block, from wherever the journal says that it is.

        `contract` is the address that calls go to. Raises DeployFailure for a step that reverts, OutOfGas,
        SignerFailure, RpcFailure, and DeadlineExceeded after `deadline_s`; all leave a journal to be taken up again.
        """
        self._say(step, f"{step.name}")
        signed = self._signed(step)
        if not signed:
            signed = [self._sign(step, contract, self._next_nonce(step), None)]
        deadline = self._waiting.now() + self._waiting.deadline_s
        sent_at, in_a_block = float("-inf"), False
        while True:
            receipt = self._receipt(signed)
            if receipt is None and in_a_block:
                self._say(step, "its block was reorganised away: the same bytes are sent again")
                in_a_block, self._reached = False, 0
                sent_at = self._sent_at(step, signed)
            elif receipt is not None:
                in_a_block = True
                done = self._mined(step, signed, receipt)
                if not self._waiting.final or self._is_final(receipt):
                    return self._final(step, done, receipt)
            elif self._waiting.now() - sent_at >= self._waiting.stuck_s:
                if sent_at > float("-inf"):
                    signed = self._replaced(step, contract, signed)
                sent_at = self._sent_at(step, signed)
            if self._waiting.now() > deadline:
                raise DeadlineExceeded(
                    f"{self._target.name}: expected {step.name} in a final block within "
                    f"{self._waiting.deadline_s:g} s, its last transaction is {signed[-1].tx}: "
                    f"{why_waiting(self._rpc, self._target, self._signer.address, signed[-1])}"
                )
            self._waiting.sleep(self._waiting.look_s)

    def caught_up(self) -> int:
        """The head, once it is no older than the last block that one of these transactions was seen in.

        Of several endpoints, or behind one address, the next to answer may know less than the one before it. Raises
        DeadlineExceeded, an RpcFailure.
        """
        return self._waiting.until(
            self._reached,
            self._rpc.block_number,
            lambda head: (
                f"{self._target.name}: expected block {self._reached}, which was seen, the endpoint that answers has "
                f"not got beyond {head} within {self._waiting.stuck_s:g} s: run the command again"
            ),
            self._waiting.stuck_s,
        )

    def stays(self, entry: Entry) -> bool:
        """Whether what an earlier command saw in a block is in one; `caught_up` does not go back behind it."""
        return self._receipt([entry]) is not None

    def announce(self, step: Step, contract: str | None, least_nonce: int) -> int:
        """Sign and send without waiting; the nonce for whatever comes after it. `carry_out` sees it to its end.

        Several may be under way at once, and the node's count lag behind: `least_nonce` is the last answer, 0 at first.
        Raises as `carry_out` does.
        """
        signed = self._signed(step)
        if not signed:
            signed = [self._sign(step, contract, max(least_nonce, self._next_nonce(step)), None)]
            self._send(step, signed)
        return max(least_nonce, signed[-1].nonce + 1)

    def _is_final(self, receipt: dict[str, Any]) -> bool:
        return is_final(self._rpc, self._target.finality, receipt, self._waiting.unix_s())

    def _signed(self, step: Step) -> list[Entry]:
        return self._work.journal.under_way(self._target.name, step.name)

    def _next_nonce(self, step: Step) -> int:
        """The chain's own count, or the journal's where the endpoint lags behind it.

        What the account sent in between, by other means, is in blocks; what is still pending must be the journal's.
        """
        journal, network = self._work.journal, self._target.name
        mined = self._rpc.nonce(self._signer.address)
        pending = self._rpc.nonce(self._signer.address, "pending")
        if foreign := [nonce for nonce in range(mined, pending) if not journal.has_nonce(network, nonce)]:
            raise AccountUsedElsewhere(
                f"{self._target.name}: expected no pending transactions of {self._signer.address} before {step.name}, "
                f"got {len(foreign)} that are not of this journal (nonce {foreign[0]} on): wait until they are in "
                "blocks, and let nothing else send from this account meanwhile"
            )
        return max(mined, pending, journal.next_nonce(network))

    def _sign(self, step: Step, contract: str | None, nonce: int, fees: Fees | None) -> Entry:
        data = step.data if step.data is not None else self._work.bytecode
        to = None if step.data is None else contract
        call = {"from": self._signer.address, "data": data, **({} if to is None else {"to": to})}
        earlier = self._signed(step)
        if self._reached and not earlier:
            self.caught_up()
        gas = (
            earlier[-1].gas if earlier else estimated_gas(self._rpc, self._target, call, step.gas_room, step.gas_least)
        )
        offered = fees or offered_fees(self._rpc, self._target)
        unsigned = Unsigned(self._target.profile.chain_id, nonce, to, data, gas, offered)
        answer = self._signer.sign(unsigned)
        entry = Entry(
            network=self._target.name,
            chain_id=self._target.profile.chain_id,
            step=step.name,
            event="signed",
            nonce=nonce,
            tx=answer.hash,
            raw=answer.raw,
            gas=gas,
            max_fee_per_gas=offered.max_fee_per_gas,
            max_priority_fee_per_gas=offered.max_priority_fee_per_gas,
            address=created_address(self._signer.address, nonce) if to is None else contract,
        )
        self._work.journal.add(entry)
        self._begun.setdefault(step.name, self._waiting.now())
        return entry

    def _replaced(self, step: Step, contract: str | None, signed: list[Entry]) -> list[Entry]:
        """The same nonce with higher fees, where the pool has not taken the last one into a block in time."""
        last = signed[-1]
        percent = max(self._target.profile.replacement_bump_percent, REPLACEMENT_BUMP_MIN_PERCENT)
        raised = Fees(last.max_fee_per_gas, last.max_priority_fee_per_gas).bumped(percent)
        base, tip = current_fees(self._rpc, self._target)
        raised = Fees(max(raised.max_fee_per_gas, base + tip), max(raised.max_priority_fee_per_gas, tip))
        try:
            fees = bounded(raised, base, self._target)
        except DeployFailure as failure:
            self._say(step, f"{failure}; the transaction stays as it is")
            return signed
        if fees.max_fee_per_gas < raised.max_fee_per_gas:
            self._say(step, "not in a block yet, and max_fee_gwei leaves no room for a higher offer: waiting")
            return signed
        self._say(step, f"not in a block yet: replaced, {fees.max_fee_per_gas / 1e9:.4g} gwei at most")
        return [*signed, self._sign(step, contract, last.nonce, fees)]

    def _sent_at(self, step: Step, signed: list[Entry]) -> float:
        """Send it; when that was, long ago where no endpoint took it: then the next look sends the same again."""
        return self._waiting.now() if self._send(step, signed) else float("-inf")

    def _send(self, step: Step, signed: list[Entry]) -> bool:
        """The newest one, unless endpoints are in trouble; what a node knows already is as good as sent."""
        try:
            self._rpc.send_raw(signed[-1].raw)
        except RpcRefused as refused:
            if is_busy(refused):
                self._say(step, f"no endpoint takes it now ({refused}): it is sent again")
                return False
            if not is_known(refused):
                self._not_taken(step, signed, refused)
        except RpcFailure as failure:
            # It may have arrived; whether it did is seen by its receipt.
            self._say(step, f"sent, and nobody answered ({failure}): looking for it")
        return True

    def _not_taken(self, step: Step, signed: list[Entry], refused: RpcRefused) -> None:
        if says(refused, USED):
            self._say(step, f"nonce {signed[-1].nonce} is used: looking for the block")
            self._find(step, signed)
            return
        if says(refused, OUTBID):
            self._say(step, f"the pool wants a higher offer: {refused.reason}")
            return
        raise DeployFailure(f"{self._target.name}: expected {step.name} to be taken, the node refused it: {refused}")

    def _find(self, step: Step, signed: list[Entry]) -> None:
        """Who knows of no receipt may only lag behind who says that the nonce is used. Raises AccountUsedElsewhere."""
        waiting, nonce = self._waiting, signed[-1].nonce
        used = (
            f"{self._target.name}: nonce {nonce} of {step.name} was used by another transaction of "
            f"{self._signer.address}: {signed[-1].tx} is in no block after {waiting.stuck_s:g} s, so something else "
            "sends from this account: stop it, then run the command again"
        )
        try:
            waiting.until(True, lambda: self._receipt(signed) is not None, lambda _: used, waiting.stuck_s)
        except DeadlineExceeded as exceeded:
            self._void(step, signed[-1])
            raise AccountUsedElsewhere(used) from exceeded

    def _receipt(self, signed: list[Entry]) -> dict[str, Any] | None:
        """Of whichever is in a block."""
        for entry in reversed(signed):
            receipt = self._rpc.receipt(entry.tx)
            if receipt is not None and receipt.get("blockNumber"):
                self._reached = int(receipt["blockNumber"], 16)
                return receipt
        return None

    def _mined(self, step: Step, signed: list[Entry], receipt: dict[str, Any]) -> Entry:
        """Write down a block that is new to the journal; after a reorg that is another one."""
        entry = {entry.tx: entry for entry in signed}[receipt["transactionHash"]]
        known = self._work.journal.last(self._target.name, step.name, "mined")
        if receipt["status"] != "0x1":
            self._void(step, entry, receipt)
            raise reverted(self._target.name, entry, receipt, self._rpc)
        if known is None or known.block_hash != receipt["blockHash"]:
            known = replace(
                entry,
                event="mined",
                raw="",
                block=int(receipt["blockNumber"], 16),
                block_hash=receipt["blockHash"],
                gas_used=int(receipt["gasUsed"], 16),
                fee_wei=str(paid(receipt)),
                waited_s=self._waited_s(step),
            )
            self._work.journal.add(known)
            until = f", waiting until it is final ({self._target.finality})" if self._waiting.final else ""
            self._say(step, f"in block {known.block}{until}")
        return known

    def _waited_s(self, step: Step) -> float | None:
        """None where an earlier command signed it, and nobody knows when."""
        begun = self._begun.get(step.name)
        return None if begun is None else round(self._waiting.now() - begun, 3)

    def _void(self, step: Step, entry: Entry, receipt: dict[str, Any] | None = None) -> None:
        """It will not take effect any more: it reverted, or its nonce went to another transaction."""
        block = entry.block if receipt is None else int(receipt["blockNumber"], 16)
        self._work.journal.add(replace(entry, event="void", raw="", block=block))

    def _final(self, step: Step, mined: Entry, receipt: dict[str, Any]) -> Done:
        entry = replace(mined, event="final")
        known = self._work.journal.last(self._target.name, step.name, "final")
        if known is None or known.block_hash != entry.block_hash:
            self._work.journal.add(entry)
        return Done(entry, receipt)

    def _say(self, step: Step, text: str) -> None:
        shown = text if text.startswith(step.name) else f"{step.name}: {text}"
        self._work.notify(f"{self._target.name}: {shown}")
