"""Gets intents mined on one chain: nonces, offers, lost replies, dropped and outbid transactions, cancellations.

Everything is written down before it is sent. An intent keeps its nonce until something with this nonce is mined, so
two transactions for one job can never both take effect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from lab.coordinator import Fees
from lab.relayer.deciding.parents import Answer
from lab.relayer.memory.intents import Intent, Status
from lab.relayer.memory.records import BlockId, Head
from lab.relayer.reading.headers import parse_place
from lab.relayer.sending import fees
from lab.relayer.sending.offers import CANCEL_GAS
from lab.relayer.sending.outbox import Outbox, with_last
from lab.rpc.prefetch import Request

OVERDUE_MS = 3_000
# As many transactions of one account are executable in a pool of geth's, unless it is told otherwise.
FILLED_AT_ONCE = 16
Judge = Callable[[Intent], Answer]
Reached = Callable[[Intent, BlockId, bool], bool]
Renew = Callable[[Intent], tuple[str, int] | None]
Expect = Callable[[Intent], list[Request]]


@dataclass(frozen=True, slots=True)
class Questions:
    """What a sender asks of those who know more than its chain.

    Attributes:
        judge: Whether an intent may still take effect.
        reached: Whether a single one had its effect.
        renew: The call data and the gas limit that its job needs by now, None where it is no longer wanted.
        expect: What `reached` will ask the node for.
    """

    judge: Judge
    reached: Reached
    renew: Renew
    expect: Expect


class Sender(Outbox):
    """Sees to what is under way: settles it once it is mined, and until then replaces, repeats or cancels it."""

    def reopened(self, ancestor: int) -> list[Intent]:
        """Intents that a reorg above `ancestor` makes doubtful, as they must be stored; `reopen` applies them."""
        lost = [i for i in self._mined.values() if i.mined is not None and i.mined.number > ancestor]
        return [
            replace(i, status="open", mined=None, versions=tuple(replace(v, confirmed=False) for v in i.versions))
            for i in [*lost, *self.open.values()]
        ]

    def reopen(self, intents: list[Intent]) -> None:
        """Take over what `reopened` gave, once it is stored."""
        for intent in intents:
            before = self._mined.pop(intent.id, None)
            if before is not None and before.status == "failed":
                for job in intent.jobs:
                    self._spent[job] = max(0, self._spent.get(job, 0) - 1)
            self.open[intent.id] = intent

    def manage_pending(self, now_ms: int, asked: Questions, *, settle_only: bool = False) -> bool:
        """Settle what was mined, care for what was not. Whether it took another's place. Raises an RpcFailure."""
        head = self._chain.head
        if not self.open or head is None:
            return False
        waiting = (i for i in self.open.values() if not i.last.confirmed or self._overdue(i, now_ms))
        if head.hash == self._looked_at and not self._missing and not any(waiting):
            return False
        mined_nonces = self._nonces.mined(again=True)
        intents = sorted(self.open.values(), key=lambda i: (i.nonce, i.id))
        mined = [intent for intent in intents if intent.nonce < mined_nonces]
        receipts = [("eth_getTransactionReceipt", [intent.last.hash]) for intent in mined]
        states = [request for intent in mined for request in asked.expect(intent)]
        with self._chain.ahead.asked([*receipts, *states], (head.number, head.hash)):
            for intent in mined:
                if not self._settle(intent, head, asked.reached) and not settle_only:
                    self._miss(intent)
        if settle_only:
            return False
        for intent in intents[len(mined) :]:
            self._missing.pop(intent.id, None)
            self._manage_one(intent, head, now_ms, asked.judge, asked.renew)
        filled = self._close_gap(mined_nonces, head, now_ms)
        self._looked_at = head.hash
        return filled

    # --- after mining ---------------------------------------------------------------------------------------------

    def _settle(self, intent: Intent, head: Head, reached: Reached) -> bool:
        """Whether the node has a receipt of one of its versions."""
        for version in reversed(intent.versions):
            receipt = self._chain.rpc.receipt(version.hash)
            if receipt is None:
                continue
            block, ok = parse_place(self._chain.name, receipt)
            if block.number > head.number:
                return True  # the scan has not seen that block yet, so neither have we
            self._crash("after_receipt")
            if version.cancel:
                self._finish(intent, block, "cancelled")
                return True
            missed = tuple(single.tx_id for single in intent.singles() if not reached(single, block, ok))
            if missed:
                self._missed(intent, missed, block)
            self._finish(intent, block, "failed" if missed else "done")
            return True
        return False

    def _miss(self, intent: Intent) -> None:
        """A nonce without a receipt: either the node is between two states, or the nonce is used by a stranger."""
        self._missing[intent.id] = self._missing.get(intent.id, 0) + 1
        if self._missing[intent.id] >= 2:
            self._finish(intent, None, "lost")

    def _missed(self, intent: Intent, tx_ids: tuple[str, ...], block: BlockId) -> None:
        """What was mined without its effect is counted; what kept a batch from it is looked for among single calls."""
        late = self._past(intent, self._chain.timestamp_of(block) or 0)
        for job in intent.jobs:
            if job[2] in tx_ids:
                self._spent[job] = self._spent.get(job, 0) + 1
                if intent.others and not late:
                    self.alone.add(job)

    def _finish(self, intent: Intent, block: BlockId | None, status: Status) -> None:
        done = replace(intent, status=status, mined=block)
        self._store.save_intent(done)
        del self.open[intent.id]
        self._missing.pop(intent.id, None)
        self._outbid.discard(intent.id)
        self._arrived.discard(intent.id)
        if block is not None:
            self._mined[intent.id] = done
        self._report(status, done)

    # --- before mining --------------------------------------------------------------------------------------------

    def _manage_one(self, intent: Intent, head: Head, now_ms: int, judge: Judge, renew: Renew) -> None:
        last = intent.last
        if intent.id not in self._arrived and self._stale(intent, now_ms) and self.open.newest(intent):
            self._finish(intent, None, "withdrawn")
            return
        answer: Answer = "yes" if last.cancel else "no" if self._must_end(intent, head, now_ms) else judge(intent)
        if answer == "no":
            self._raise_offer(intent, head, now_ms, cancel=True)
            return
        if answer == "yes" and self._stale(intent, now_ms) and (fresh := renew(intent)) is not None:
            # It could only revert, and that would cost a block: the same nonce carries the job as it has to be now.
            self._renew(replace(intent, data=fresh[0], gas=fresh[1]), head, now_ms)
            return
        outrun = head.base_fee > last.fees.max_fee_per_gas
        if not last.confirmed or outrun or self._overdue(intent, now_ms):
            if self._chain.rpc.call("eth_getTransactionByHash", last.hash) is None:
                self._send_again(intent, head, now_ms, answer, outrun or intent.id in self._outbid)
                return
            if not last.confirmed:
                intent = self._keep(with_last(intent, replace(last, confirmed=True)))
        patience = fees.patience_blocks(self._chain.facts.block_time_ms, len(intent.versions) - 1)
        if answer == "yes" and (outrun or head.number - last.sent_block >= patience):
            self._raise_offer(intent, head, now_ms, cancel=last.cancel)

    def _close_gap(self, mined_nonces: int, head: Head, now_ms: int) -> bool:
        """Something that is not ours holds the next nonces, and nothing comes of it: take its places, with nothing."""
        first = min((intent.nonce for intent in self.open.values()), default=mined_nonces)
        if first <= mined_nonces:
            self._gap = None
        elif self._gap is None or self._gap[0] != mined_nonces:
            self._gap = (mined_nonces, now_ms)
        elif now_ms - self._gap[1] >= max(fees.PATIENCE_MS, 2 * self._chain.facts.block_time_ms):
            # Counted in time: where blocks only come with transactions, none will come before the gap is closed.
            for nonce in range(mined_nonces, min(first, mined_nonces + FILLED_AT_ONCE)):
                self._fill(nonce, head, now_ms)
            return True
        return False

    def _fill(self, nonce: int, head: Head, now_ms: int) -> None:
        offer = fees.first_offer(head.base_fee, self._chain.facts.min_tip_wei)
        version = self._offers.signed(nonce, None, offer, head, now_ms)
        number, name = next(self._ids), self._chain.name
        intent = Intent(number, name, "fill", "0x", nonce, "0x", CANCEL_GAS, "open", None, (version,))
        self._offer("filling", self._keep(intent), now_ms)

    def _send_again(self, intent: Intent, head: Head, now_ms: int, answer: Answer, raise_offer: bool) -> None:
        """No node has it: lost on the way, or dropped. The very same bytes, unless they could not be mined."""
        if answer == "unknown" or self._stale(intent, now_ms):
            # Whoever cannot vouch for it must not send it, but its nonce must not hold up what comes behind.
            self._raise_offer(intent, head, now_ms, cancel=True)
        elif raise_offer and len(intent.versions) <= fees.ESCALATIONS_MAX:
            self._raise_offer(intent, head, now_ms, cancel=intent.last.cancel)
        else:
            self._report("resending", intent)
            self._broadcast(intent, now_ms)

    def _raise_offer(self, intent: Intent, head: Head, now_ms: int, *, cancel: bool) -> None:
        if len(intent.versions) > fees.ESCALATIONS_MAX and cancel == intent.last.cancel:
            return
        self._replace(intent, self._offers.raised(intent, head), head, now_ms, cancel=cancel)

    def _renew(self, intent: Intent, head: Head, now_ms: int) -> None:
        """Send other call data for the same job. However often that was lost, it goes on: only offers have an end."""
        may_rise = len(intent.versions) <= fees.ESCALATIONS_MAX
        offer = self._offers.raised(intent, head) if may_rise else intent.last.fees
        self._replace(intent, offer, head, now_ms, cancel=False)

    def _replace(self, intent: Intent, offer: Fees, head: Head, now_ms: int, *, cancel: bool) -> None:
        call = None if cancel else (intent.data, intent.gas)
        version = self._offers.signed(intent.nonce, call, offer, head, now_ms)
        intent = self._keep(replace(intent, versions=(*intent.versions, version)))
        self._outbid.discard(intent.id)
        self._offer("cancelling" if cancel else "raising", intent, now_ms)

    def _overdue(self, intent: Intent, now_ms: int) -> bool:
        # Not a block's time: where blocks are rare, what a pool has dropped is sent again in time for the next one.
        return now_ms >= intent.last.sent_ms + OVERDUE_MS

    def _must_end(self, intent: Intent, head: Head, now_ms: int) -> bool:
        """Whether its nonce has to be freed: for a job of another, or of a batch that can do nothing any more."""
        in_vain = intent.others and (self._stale(intent, now_ms) or 0 < head.gas_limit < intent.gas)
        return bool(in_vain) or self.open.doubled(intent)

    def _stale(self, intent: Intent, now_ms: int) -> bool:
        """A mirror whose timestamp the next block will be past: it can only revert, and a batch with it."""
        turn_ms = now_ms + (0 if self._chain.facts.mines_empty_blocks else self._chain.facts.block_time_ms)
        return not intent.last.cancel and self._past(intent, self._chain.next_timestamp(turn_ms))

    def _past(self, intent: Intent, timestamp: int) -> bool:
        """Whether a mirror, or one of a batch, is to be buffered for a time before a block's."""
        call, codec = self._chain.codec.decode_call(intent.data) if intent.kind == "mirror" else None, self._chain.codec
        return call is not None and any(int(one.args["timestamp"]) < timestamp for one in codec.singles(call))
