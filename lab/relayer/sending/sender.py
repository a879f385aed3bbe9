"""Gets intents mined on one chain: nonces, offers, lost replies, dropped and outbid transactions, cancellations.

Everything is written down before it is sent. An intent keeps its nonce until something with this nonce is mined, so
two transactions for one job can never both take effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import count

from lab.coordinator import Account, Fees, sign_transaction
from lab.relayer.deciding.parents import Answer
from lab.relayer.memory.intents import Intent, OpenIntents, Status, Version
from lab.relayer.memory.records import Action, BlockId, Crash, Head, Job, Notify
from lab.relayer.memory.store import Store
from lab.relayer.reading.chain import Chain
from lab.relayer.reading.headers import parse_place
from lab.relayer.sending import fees
from lab.relayer.sending.nonce_manager import Nonces
from lab.rpc import RpcFailure, RpcRefused
from lab.rpc.client import quantity
from lab.rpc.refusals import KNOWN, OUTBID, OUTPRICED, USED, says

CANCEL_GAS = 21_000
OVERDUE_MS = 3_000
Judge = Callable[[Intent], Answer]
Reached = Callable[[Intent, BlockId, bool], bool]
Renew = Callable[[Intent], tuple[str, int] | None]


class Sender:
    """One account on one chain. `spent` counts, over all chains, the attempts that missed their aim."""

    def __init__(
        self,
        chain: Chain,
        account: Account,
        store: Store,
        intents: Iterable[Intent],
        ids: count[int],
        spent: dict[Job, int],
        crash: Crash,
        notify: Notify,
    ) -> None:
        self._chain, self._account, self._store, self._ids = chain, account, store, ids
        self._crash, self._notify, self._spent = crash, notify, spent
        self._nonces = Nonces(chain, account.address)
        self.open = OpenIntents()
        self.submitted: list[Intent] = []
        self._mined: dict[int, Intent] = {}
        self._missing: dict[int, int] = {}
        self._outbid: set[int] = set()
        # Intents of which something may be in a pool. Of the others the node has refused all that it was handed.
        self._arrived: set[int] = set()
        self._coming_fee: tuple[str, int] = ("", 0)
        self._gap: tuple[int, int] | None = None
        self._looked_at = ""
        for intent in intents:
            self._arrived.add(intent.id)
            if intent.status == "open":
                self.open[intent.id] = intent
            elif intent.mined is not None:
                self._mined[intent.id] = intent

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
                self._spent[intent.job] -= 1
            self.open[intent.id] = intent

    def has(self, job: Job) -> bool:
        return self.open.has(job)

    def manage_pending(self, now_ms: int, judge: Judge, reached: Reached, renew: Renew) -> None:
        """Settle what was mined, care for what was not. Raises an RpcFailure.

        `judge` says whether an intent may still take effect, `reached` whether it had its effect, `renew` gives the
        call data and the gas limit that its job needs by now, None where it is no longer wanted.
        """
        head = self._chain.head
        if not self.open or head is None:
            return
        waiting = (i for i in self.open.values() if not i.last.confirmed or self._overdue(i, now_ms))
        if head.hash == self._looked_at and not self._missing and not any(waiting):
            return
        mined_nonces = self._nonces.mined(again=True)
        for intent in sorted(self.open.values(), key=lambda i: (i.nonce, i.id)):
            if intent.nonce < mined_nonces:
                self._settle(intent, head, reached)
            else:
                self._missing.pop(intent.id, None)
                self._manage_one(intent, head, now_ms, judge, renew)
        self._close_gap(mined_nonces, head, now_ms)
        self._looked_at = head.hash

    def submit(self, action: Action, data: str, gas: int, now_ms: int) -> None:
        """Save an intent for an action, to be sent by `send`. Raises an RpcFailure."""
        head = self._chain.head
        assert head is not None
        assert not self.has(action.job)
        nonce = self._next_nonce()
        offer = fees.first_offer(self._base_fee(head), self._chain.facts.min_tip_wei)
        version = self._signed(nonce, data, gas, offer, head, now_ms, cancel=False)
        intent = Intent(
            next(self._ids), action.chain, action.kind, action.tx_id, nonce, data, gas, "open", None, (version,)
        )
        self.submitted.append(self._keep(intent))

    def send(self, now_ms: int) -> None:
        """Send what was submitted, in order. Raises an RpcFailure; what was not sent is left to `manage_pending`."""
        submitted, self.submitted = self.submitted, []
        for intent in submitted:
            self._offer("sending", intent, now_ms)

    # --- after mining ---------------------------------------------------------------------------------------------

    def _settle(self, intent: Intent, head: Head, reached: Reached) -> None:
        for version in reversed(intent.versions):
            receipt = self._chain.rpc.receipt(version.hash)
            if receipt is None:
                continue
            block, ok = parse_place(self._chain.name, receipt)
            if block.number > head.number:
                return  # the scan has not seen that block yet, so neither have we
            self._crash("after_receipt")
            succeeded = not version.cancel and reached(intent, block, ok)
            self._finish(intent, block, "cancelled" if version.cancel else "done" if succeeded else "failed")
            return
        # A nonce without a receipt: either the node is between two states, or the nonce is used by a stranger.
        self._missing[intent.id] = self._missing.get(intent.id, 0) + 1
        if self._missing[intent.id] >= 2:
            self._finish(intent, None, "lost")

    def _finish(self, intent: Intent, block: BlockId | None, status: Status) -> None:
        done = replace(intent, status=status, mined=block)
        self._store.save_intent(done)
        del self.open[intent.id]
        self._missing.pop(intent.id, None)
        self._outbid.discard(intent.id)
        self._arrived.discard(intent.id)
        if block is not None:
            self._mined[intent.id] = done
        if status == "failed":
            self._spent[intent.job] = self._spent.get(intent.job, 0) + 1
        self._report(status, done)

    # --- before mining --------------------------------------------------------------------------------------------

    def _manage_one(self, intent: Intent, head: Head, now_ms: int, judge: Judge, renew: Renew) -> None:
        last = intent.last
        if intent.id not in self._arrived and self._stale(intent, now_ms) and self.open.newest(intent):
            self._finish(intent, None, "withdrawn")
            return
        answer: Answer = "yes" if last.cancel else "no" if self.open.doubled(intent) else judge(intent)
        if answer == "no":
            self._raise_offer(intent, head, now_ms, cancel=True)
            return
        if answer == "yes" and self._stale(intent, now_ms) and (fresh := renew(intent)) is not None:
            # It could only revert, and that would cost a block: the same nonce carries the job as it has to be now.
            self._raise_offer(replace(intent, data=fresh[0], gas=fresh[1]), head, now_ms, cancel=False)
            return
        outrun = head.base_fee > last.fees.max_fee_per_gas
        if not last.confirmed or outrun or self._overdue(intent, now_ms):
            if self._chain.rpc.call("eth_getTransactionByHash", last.hash) is None:
                self._send_again(intent, head, now_ms, answer, outrun or intent.id in self._outbid)
                return
            if not last.confirmed:
                intent = self._keep(_with_last(intent, replace(last, confirmed=True)))
        patience = fees.patience_blocks(self._chain.facts.block_time_ms, len(intent.versions) - 1)
        if answer == "yes" and (outrun or head.number - last.sent_block >= patience):
            self._raise_offer(intent, head, now_ms, cancel=last.cancel)

    def _close_gap(self, mined_nonces: int, head: Head, now_ms: int) -> None:
        """Something that is not ours holds the next nonce, and nothing comes of it: take its place, with nothing."""
        if not self.open or min(intent.nonce for intent in self.open.values()) <= mined_nonces:
            self._gap = None
        elif self._gap is None or self._gap[0] != mined_nonces:
            self._gap = (mined_nonces, now_ms)
        elif now_ms - self._gap[1] >= max(fees.PATIENCE_MS, 2 * self._chain.facts.block_time_ms):
            # Counted in time: where blocks only come with transactions, none will come before the gap is closed.
            offer = fees.first_offer(head.base_fee, self._chain.facts.min_tip_wei)
            version = self._signed(mined_nonces, "0x", CANCEL_GAS, offer, head, now_ms, cancel=True)
            number, name = next(self._ids), self._chain.name
            intent = Intent(number, name, "fill", "0x", mined_nonces, "0x", CANCEL_GAS, "open", None, (version,))
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
        tip, bump_percent = self._chain.facts.min_tip_wei, self._chain.facts.replacement_bump_percent
        offer = fees.raised_offer(intent.last.fees, self._base_fee(head), tip, bump_percent)
        version = self._signed(intent.nonce, intent.data, intent.gas, offer, head, now_ms, cancel=cancel)
        intent = self._keep(replace(intent, versions=(*intent.versions, version)))
        self._outbid.discard(intent.id)
        self._offer("cancelling" if cancel else "raising", intent, now_ms)

    def _offer(self, what: str, intent: Intent, now_ms: int) -> None:
        """Send a version for the first time, once it is written down."""
        self._store.flush()
        self._crash("after_intent")
        self._report(what, intent)
        self._broadcast(intent, now_ms)

    def _broadcast(self, intent: Intent, now_ms: int) -> None:
        intent = self._keep(_with_last(intent, replace(intent.last, sent_ms=now_ms)), store=False)
        self._crash("before_send")
        try:
            self._chain.rpc.send_raw(intent.last.raw)
        except RpcRefused as refused:
            if says(refused, OUTBID + OUTPRICED):
                self._outbid.add(intent.id)
                if says(refused, OUTPRICED):
                    self._learn_fee()
                self._report("outbid", intent)
                return
            if not says(refused, KNOWN + USED):
                raise
        except RpcFailure:
            self._arrived.add(intent.id)
            raise
        self._arrived.add(intent.id)
        self._crash("after_send")
        self._keep(_with_last(intent, replace(intent.last, confirmed=True)))

    def _signed(
        self, nonce: int, data: str, gas: int, offer: Fees, head: Head, now_ms: int, *, cancel: bool
    ) -> Version:
        to, chain_id = self._account.address if cancel else self._chain.facts.contract, self._chain.facts.chain_id
        data, gas = ("0x", CANCEL_GAS) if cancel else (data, gas)
        raw, tx_hash = sign_transaction(
            self._account, chain_id=chain_id, nonce=nonce, to=to, data=data, gas=gas, fees=offer
        )
        return Version(tx_hash.lower(), raw, offer, cancel, False, head.number, now_ms)

    def _next_nonce(self) -> int:
        return self._nonces.next([intent.nonce for intent in self.open.values()])

    def _overdue(self, intent: Intent, now_ms: int) -> bool:
        # Not a block's time: where blocks are rare, what a pool has dropped is sent again in time for the next one.
        return now_ms >= intent.last.sent_ms + OVERDUE_MS

    def _stale(self, intent: Intent, now_ms: int) -> bool:
        """A mirror whose timestamp the next block will be past: it can only revert."""
        if intent.kind != "mirror" or intent.last.cancel:
            return False
        call, facts = self._chain.codec.decode_call(intent.data), self._chain.facts
        turn_ms = now_ms + (0 if facts.mines_empty_blocks else facts.block_time_ms)
        return call is not None and int(call.args["timestamp"]) < self._chain.next_timestamp(turn_ms)

    def _base_fee(self, head: Head) -> int:
        """The head's, or what the node has asked for the block after it: where blocks are rare, a head's is old."""
        at, coming = self._coming_fee
        return max(head.base_fee, coming if at == head.hash else 0)

    def _learn_fee(self) -> None:
        head = self._chain.head
        with suppress(RpcFailure):
            if head is not None and (pending := self._chain.rpc.block("pending")) is not None:
                self._coming_fee = head.hash, quantity("eth_getBlockByNumber", pending.get("baseFeePerGas"))

    def _keep(self, intent: Intent, *, store: bool = True) -> Intent:
        if store:
            self._store.save_intent(intent)
        self.open[intent.id] = intent
        return intent

    def _report(self, what: str, intent: Intent) -> None:
        call = {"chain": intent.chain, "kind": intent.kind, "tx_id": intent.tx_id, "nonce": intent.nonce}
        offer = {"hash": intent.last.hash, "max_fee_per_gas": intent.last.fees.max_fee_per_gas}
        self._notify({"event": what, **call, **offer})


def _with_last(intent: Intent, version: Version) -> Intent:
    return replace(intent, versions=(*intent.versions[:-1], version))
