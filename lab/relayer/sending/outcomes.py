"""Whether a mined call had its effect: by events and storage, never by the transaction's status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lab.relayer.memory.intents import Intent
from lab.relayer.memory.ledger import Ledger
from lab.relayer.memory.records import BlockId, Entry, Head, Key, Notify
from lab.relayer.memory.store import Store
from lab.relayer.reading.apply_scan import read_state
from lab.relayer.reading.chain import Chain
from lab.relayer.reading.headers import parse_head
from lab.relayer.reading.scan import logs_between
from lab.rpc import RpcRefused
from lab.rpc.prefetch import Request

STATE = "get_transaction_state"
# At most so many polls between two looks at a READY whose block no node tells.
DOUBT_POLLS_MAX = 4


class Outcomes:
    """Learns from contracts and logs what no scan has brought, and writes it down."""

    def __init__(self, chains: Mapping[str, Chain], ledger: Ledger, store: Store, notify: Notify) -> None:
        self._chains, self._ledger, self._store, self._notify = chains, ledger, store, notify
        # The node may have left logs out when a store was written, and an older copy of it knows less than was seen.
        for entry in ledger.active():
            if entry.ready is None:
                chains[entry.chain].doubt(entry.tx_id)

    def doubt_parent(self, entry: Entry) -> None:
        """What is READY rests on what was so before it on its chain: where that is not known, its log was missed."""
        parent = self._ledger.entries.get((entry.chain, entry.dependency or ""))
        if entry.ready is not None and parent is not None and parent.ready is None and parent.ended is None:
            self._chains[entry.chain].doubt(parent.tx_id)

    def look_at_doubted(self, chain: Chain, now_ms: int, poll_ms: int) -> None:
        """Ask for the state of what may be READY unseen; where it is, until a node says where. Raises an RpcFailure."""
        due = {tx_id: wait_ms for tx_id, (at_ms, wait_ms) in chain.doubted.items() if now_ms >= at_ms}
        block = {"blockHash": chain.head.hash if chain.head is not None else ""}
        asked = [request for tx_id in due for request in chain.reader.requests(STATE, tx_id, block=block)]
        with chain.ahead.asked(asked):
            for tx_id, wait_ms in due.items():
                entry = self._ledger.entries.get((chain.name, tx_id))
                if entry is None or entry.ready is not None or entry.ended is not None:
                    del chain.doubted[tx_id]
                    continue
                self._learn_end(chain, entry.key, None)
                if tx_id in chain.doubted:
                    wait_ms = min(DOUBT_POLLS_MAX * poll_ms, 2 * wait_ms or poll_ms)
                    chain.doubted[tx_id] = (now_ms + wait_ms, wait_ms)

    def expect(self, intent: Intent) -> list[Request]:
        """What `reached` will ask the node for once an intent is mined."""
        chain = self._chains[intent.chain]
        if intent.kind not in ("execute", "expire") or chain.head is None:
            return []
        block = {"blockHash": chain.head.hash}
        return [
            request
            for tx_id in intent.tx_ids
            if (entry := self._ledger.entries.get((intent.chain, tx_id))) is not None and entry.ended is None
            for request in chain.reader.requests(STATE, tx_id, block=block)
        ]

    def reached(self, intent: Intent, block: BlockId, ok: bool) -> bool:
        """Whether a mined intent has its effect: by events and storage, never by the status alone."""
        key = (intent.chain, intent.tx_id)
        entry = self._ledger.entries.get(key)
        if intent.kind == "mirror" or entry is None:
            return entry is not None
        if intent.kind == "resolve":
            chain = self._chains[intent.chain]
            ready = entry.ready is not None or (ok and self._learn_ready(chain, key, block))
            if not ready:
                self._learn_clock(chain, intent, block)
            return ready
        if entry.ended is None:
            self._learn_end(self._chains[intent.chain], key, block if ok else None)
        if intent.kind == "expire" and self._ledger.entries[key].ended is None:
            self._learn_clock(self._chains[intent.chain], intent, block)
        expected = "EXECUTED" if intent.kind == "execute" else "EXPIRED"
        return self._ledger.entries[key].end_state == expected

    def _learn_ready(self, chain: Chain, key: Key, block: BlockId | None) -> bool:
        """Its event never arrived, so look closer: at the state, and without a block at the logs once more.

        Whether the contract has it as READY. Where nobody tells since which block, it stays in doubt.
        """
        entry = self._ledger.entries[key]
        if chain.head is None or read_state(chain, entry.tx_id, chain.head) not in ("READY", "EXECUTED"):
            return False
        if block is not None and not _was_ready(chain, entry, block):
            block = None  # a later call made it READY, and this one came too early
        if block is None:
            for place in logs_between(chain.rpc, chain.facts.contract, entry.buffered.number, chain.head.number):
                log = chain.codec.decode_log(place.body)
                if log is not None and log.event == "TransactionReady" and log.args.get("tx_id") == entry.tx_id:
                    block = BlockId(chain.name, place.number, place.hash)
        if block is not None:
            ready = replace(entry, ready=block)
            self._store.save_entry(ready)
            self._ledger.put([ready])
            chain.doubted.pop(entry.tx_id, None)
            self.doubt_parent(ready)
            self._notify({"event": "seen", "chain": chain.name, "tx_id": entry.tx_id, "state": "READY"})
        else:
            chain.doubt(entry.tx_id)
        # Without an event nobody will ever tell: as if it had no effect.
        return block is not None or entry.tx_id in chain.doubted

    def _learn_clock(self, chain: Chain, intent: Intent, block: BlockId) -> None:
        """A call that came too early by its block's own time shows that the chain's clock is behind ours."""
        timestamp = chain.timestamp_of(block)
        if timestamp is not None:
            chain.note_clock(block.number, timestamp, (chain.genesis_time * 1000 + intent.versions[0].sent_ms) // 1000)

    def _learn_end(self, chain: Chain, key: Key, block: BlockId | None) -> None:
        """Read whether a transaction has ended, for mark_executed emits nothing. Without a block: looked for."""
        entry = self._ledger.entries.get(key)
        if entry is None or chain.head is None or entry.ended is not None:
            return
        state = read_state(chain, entry.tx_id, chain.head)
        if state not in ("READY", "EXECUTED"):
            chain.doubted.pop(entry.tx_id, None)
        if state in ("READY", "EXECUTED") and entry.ready is None:
            self._learn_ready(chain, key, None)
            entry = self._ledger.entries[key]
        if state == "EXECUTED" and entry.ready is None and "TransactionReady" in chain.codec.events:
            return  # somebody made it READY, and the node does not say where: asked again, until it does
        if state == "EXECUTED" or state == "EXPIRED":
            ended = replace(entry, ended=block or self._ended_in(chain, entry, chain.head), end_state=state)
            self._store.save_entry(ended)
            self._ledger.put([ended])
            self._notify({"event": "seen", "chain": chain.name, "tx_id": entry.tx_id, "state": state})

    def _ended_in(self, chain: Chain, entry: Entry, head: Head) -> BlockId:
        """The block since which it has ended, found by halving: it may long be final. The head if states are gone."""
        first, before = head, (entry.ready or entry.buffered).number - 1
        while first.number - before > 1:
            number = (first.number + before) // 2
            middle = parse_head("eth_getBlockByNumber", chain.rpc.block(number))
            try:
                over = read_state(chain, entry.tx_id, middle) in ("EXECUTED", "EXPIRED")
            except RpcRefused:
                over = False  # pruned: it is not known to have ended by then
            first, before = (middle, before) if over else (first, number)
        return BlockId(chain.name, first.number, first.hash)


def _was_ready(chain: Chain, entry: Entry, block: BlockId) -> bool:
    """Whether it was READY at a block; one whose state the node does not have says nothing."""
    try:
        return read_state(chain, entry.tx_id, block) in ("READY", "EXECUTED")
    except RpcRefused:
        return False
