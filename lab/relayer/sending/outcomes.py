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
from lab.relayer.reading.headers import parse_head, parse_log
from lab.rpc import RpcRefused
from lab.rpc.prefetch import Request


class Outcomes:
    """Learns from contracts and logs what no scan has brought, and writes it down."""

    def __init__(self, chains: Mapping[str, Chain], ledger: Ledger, store: Store, notify: Notify) -> None:
        self._chains, self._ledger, self._store, self._notify = chains, ledger, store, notify

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
            for request in chain.reader.requests("get_transaction_state", tx_id, block=block)
        ]

    def reached(self, intent: Intent, block: BlockId, ok: bool) -> bool:
        """Whether a mined intent has its effect: by events and storage, never by the status alone."""
        key = (intent.chain, intent.tx_id)
        entry = self._ledger.entries.get(key)
        if intent.kind == "mirror" or entry is None:
            return entry is not None
        if intent.kind == "resolve":
            chain = self._chains[intent.chain]
            if entry.ready is None and ok:
                self._learn_ready(chain, key, block)
            if self._ledger.entries[key].ready is None:
                self._learn_clock(chain, intent, block)
            return self._ledger.entries[key].ready is not None
        if entry.ended is None:
            self._learn_end(self._chains[intent.chain], key, block if ok else None)
        if intent.kind == "expire" and self._ledger.entries[key].ended is None:
            self._learn_clock(self._chains[intent.chain], intent, block)
        expected = "EXECUTED" if intent.kind == "execute" else "EXPIRED"
        return self._ledger.entries[key].end_state == expected

    def _learn_ready(self, chain: Chain, key: Key, block: BlockId | None) -> None:
        """Its event never arrived, so look closer: at the state, and without a block at the logs once more."""
        entry = self._ledger.entries[key]
        if chain.head is None or read_state(chain, entry.tx_id, chain.head) not in ("READY", "EXECUTED"):
            return
        if block is not None and not _was_ready(chain, entry, block):
            block = None  # a later call made it READY, and this one came too early
        if block is None:
            for raw in chain.rpc.logs(chain.facts.contract, entry.buffered.number, chain.head.number):
                log, place = chain.codec.decode_log(raw), parse_log(raw, chain.facts.contract)
                if log is not None and log.event == "TransactionReady" and log.args.get("tx_id") == entry.tx_id:
                    block = BlockId(chain.name, place.number, place.hash)
        if block is not None:
            ready = replace(entry, ready=block)
            self._store.save_entry(ready)
            self._ledger.put([ready])
            self._notify({"event": "seen", "chain": chain.name, "tx_id": entry.tx_id, "state": "READY"})

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
