"""Puts intents on their way on one chain: a nonce and a first offer, written down, then sent.

Everything is written down before it is sent. An intent keeps its nonce until something with this nonce is mined, so
two transactions for one job can never both take effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count

from lab.coordinator import Account
from lab.relayer.memory.intents import Intent, OpenIntents, Version
from lab.relayer.memory.records import Action, Crash, Job, Notify
from lab.relayer.memory.store import Store
from lab.relayer.reading.chain import Chain
from lab.relayer.sending.nonce_manager import Nonces
from lab.relayer.sending.offers import Offers
from lab.rpc import RpcFailure, RpcRefused
from lab.rpc.refusals import KNOWN, OUTBID, OUTPRICED, USED, says


class Outbox:
    """One account on one chain.

    `spent` counts, over all chains, the attempts that missed their aim. Those jobs of a batch that missed theirs are
    `alone` from then on, since any of them may be what kept the others from theirs.
    """

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
        self._offers = Offers(chain, account)
        self.alone: set[Job] = set()
        self.open = OpenIntents()
        self.submitted: list[Intent] = []
        self._mined: dict[int, Intent] = {}
        self._missing: dict[int, int] = {}
        self._outbid: set[int] = set()
        # Intents of which something may be in a pool. Of the others the node has refused all that it was handed.
        self._arrived: set[int] = set()
        self._gap: tuple[int, int] | None = None
        self._looked_at = ""
        for intent in intents:
            self._arrived.add(intent.id)
            if intent.status == "open":
                self.open[intent.id] = intent
            elif intent.mined is not None:
                self._mined[intent.id] = intent
            if intent.status == "failed" and intent.others:
                self.alone.update(intent.jobs)

    def has(self, job: Job) -> bool:
        return self.open.has(job)

    def submit(self, action: Action, data: str, gas: int, now_ms: int) -> None:
        """Save an intent for an action, to be sent by `send`. Raises an RpcFailure."""
        self.submit_batch([action], data, gas, now_ms)

    def submit_batch(self, actions: Sequence[Action], data: str, gas: int, now_ms: int) -> None:
        """The same for several actions of one kind, which one call carries out."""
        head, action = self._chain.head, actions[0]
        assert head is not None
        assert not any(self.has(action.job) for action in actions)
        nonce = self._next_nonce()
        version = self._offers.signed(nonce, (data, gas), self._offers.first(head), head, now_ms)
        first, *others = (action.tx_id for action in actions)
        number, kind = next(self._ids), action.kind
        intent = Intent(
            number, action.chain, kind, first, nonce, data, gas, "open", None, (version,), others=tuple(others)
        )
        self.submitted.append(self._keep(intent))

    def send(self, now_ms: int) -> None:
        """Send what was submitted, in order. Raises an RpcFailure; what was not sent is left to `manage_pending`."""
        submitted, self.submitted = self.submitted, []
        if len(submitted) > 1 and self._chain.ahead.batches:
            self._send_together(submitted, now_ms)
            return
        for intent in submitted:
            self._offer("sending", intent, now_ms)

    def _send_together(self, submitted: list[Intent], now_ms: int) -> None:
        """In one request: until its answer is there, any of them may have arrived, or none."""
        self._store.flush()
        self._crash("after_intent")
        sent = [self._about_to_send(intent, now_ms) for intent in submitted]
        for intent in sent:
            self._report("sending", intent)
        self._crash("before_send")
        refused: RpcRefused | None = None
        try:
            with self._chain.ahead.asked([("eth_sendRawTransaction", [intent.last.raw]) for intent in sent]):
                for intent in sent:
                    try:
                        self._hand_over(intent)
                    except RpcRefused as refusal:
                        # Those behind it have been sent all the same.
                        refused = refused or refusal
        except RpcFailure:
            self._arrived.update(intent.id for intent in sent)
            raise
        if refused is not None:
            raise refused

    def _offer(self, what: str, intent: Intent, now_ms: int) -> None:
        """Send a version for the first time, once it is written down."""
        self._store.flush()
        self._crash("after_intent")
        self._report(what, intent)
        self._broadcast(intent, now_ms)

    def _broadcast(self, intent: Intent, now_ms: int) -> None:
        intent = self._about_to_send(intent, now_ms)
        self._crash("before_send")
        self._hand_over(intent)

    def _about_to_send(self, intent: Intent, now_ms: int) -> Intent:
        return self._keep(with_last(intent, replace(intent.last, sent_ms=now_ms)), store=False)

    def _hand_over(self, intent: Intent) -> None:
        try:
            self._chain.rpc.send_raw(intent.last.raw)
        except RpcRefused as refused:
            if says(refused, OUTBID + OUTPRICED):
                self._outbid.add(intent.id)
                if says(refused, OUTPRICED):
                    self._offers.learn_fee()
                self._report("outbid", intent)
                return
            if not says(refused, KNOWN + USED):
                raise
        except RpcFailure:
            self._arrived.add(intent.id)
            raise
        self._arrived.add(intent.id)
        self._crash("after_send")
        self._keep(with_last(intent, replace(intent.last, confirmed=True)))

    def _next_nonce(self) -> int:
        return self._nonces.next(self.open.highest)

    def _keep(self, intent: Intent, *, store: bool = True) -> Intent:
        if store:
            self._store.save_intent(intent)
        self.open[intent.id] = intent
        return intent

    def _report(self, what: str, intent: Intent) -> None:
        call = {"chain": intent.chain, "kind": intent.kind, "tx_id": intent.tx_id, "nonce": intent.nonce}
        call |= {"tx_ids": intent.tx_ids} if intent.others else {}
        offer = {"hash": intent.last.hash, "max_fee_per_gas": intent.last.fees.max_fee_per_gas}
        self._notify({"event": what, **call, **offer})


def with_last(intent: Intent, version: Version) -> Intent:
    """The intent with another newest version."""
    return replace(intent, versions=(*intent.versions[:-1], version))
