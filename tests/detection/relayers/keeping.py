"""Relayers that scan, remember and send wrongly: each is the reference with one part replaced, and has one bug."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lab.relayer.memory.intents import Intent
from lab.relayer.memory.ledger import Ledger
from lab.relayer.memory.records import Action, BlockId, Entry, Head, Mark
from lab.relayer.memory.store import Store
from lab.relayer.reading.chain import Chain
from lab.relayer.reading.headers import parse_head, parse_log
from lab.relayer.reading.scan import Scan, scan
from lab.relayer.sending.caller import Caller
from lab.relayer.sending.sender import Sender
from lab.rpc import Rpc, RpcFailure


class CheckpointFirst(Store):
    """Writes the scan position down at once, and what was found there with the next one."""

    def save_scan(self, chain: str, *, changed: Iterable[Entry] = (), **rest: Any) -> None:
        """The transactions of this scan wait in memory."""
        late: dict[str, list[Entry]] = self.__dict__.setdefault("late", {})
        super().save_scan(chain, changed=late.get(chain, ()), **rest)
        late[chain] = list(changed)


class Amnesiac(Store):
    """Comes back with its scan position and without what it had found before."""

    def entries(self) -> list[Entry]:
        """Nothing."""
        return []


class KeyWithoutChain(Ledger):
    """Knows a transaction by its id alone: the mirror takes the place of its original."""

    def put(self, entries: Iterable[Entry]) -> None:
        """One entry for each id."""
        for entry in entries:
            self.remove([key for key in self.entries if key[1] == entry.tx_id and key != entry.key])
            super().put([entry])


class KeyWithoutChainStore(Store):
    """Has the same key in its tables."""

    def _put_entries(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._db.execute("DELETE FROM transactions WHERE tx_id = ?", (entry.tx_id,))
            super()._put_entries([entry])


def by_number(rpc: Rpc, contract: str, trail: list[Mark], start_block: int) -> tuple[Head, Scan | None]:
    """Goes on behind the last number scanned, whatever block has that number now."""
    head = parse_head("eth_getBlockByNumber", rpc.block("latest"))
    number = trail[-1][0] if trail else start_block - 1
    if head.number <= number:
        return head, None
    logs = [parse_log(log, contract) for log in rpc.logs(contract, number + 1, head.number)]
    logs.sort(key=lambda log: (log.number, log.index))
    return head, Scan(head, None, ((head.number, head.hash, head.timestamp),), tuple(logs))


class _NoNews(Rpc):
    """A connection that hears no news where it hears nothing."""

    def __init__(self, rpc: Rpc) -> None:
        self.__dict__.update(rpc.__dict__)

    def call(self, method: str, *params: Any, **options: Any) -> Any:
        """An empty list where logs could not be had."""
        try:
            return super().call(method, *params, **options)
        except RpcFailure:
            if method == "eth_getLogs":
                return []
            raise


def failure_is_no_news(rpc: Rpc, contract: str, trail: list[Mark], start_block: int) -> tuple[Head, Scan | None]:
    """Takes a failed log query for an empty answer."""
    return scan(_NoNews(rpc), contract, trail, start_block)


def newest_only(rpc: Rpc, contract: str, trail: list[Mark], start_block: int) -> tuple[Head, Scan | None]:
    """Goes on at the head when it was away, and leaves out what came meanwhile."""
    head = parse_head("eth_getBlockByNumber", rpc.block("latest"))
    if trail and head.number > trail[-1][0] + 1:
        before = parse_head("eth_getBlockByNumber", rpc.block(head.number - 1))
        trail = [(before.number, before.hash, before.timestamp)]
    return scan(rpc, contract, trail, start_block)


def one_event_each(rpc: Rpc, contract: str, trail: list[Mark], start_block: int) -> tuple[Head, Scan | None]:
    """Knows an event by its name and its transaction: the second one there is none to it."""
    head, found = scan(rpc, contract, trail, start_block)
    if found is None:
        return head, None
    first = {(log.body["transactionHash"], log.body["topics"][0]): log for log in reversed(found.logs)}
    return head, replace(found, logs=tuple(log for log in found.logs if log in first.values()))


def trusting(chain: Chain, found: Scan) -> None:
    """Takes what it was told for all there is."""


class TrustsStatus(Caller):
    """Takes a resolve that was mined with status 1 for a transaction that is READY."""

    def reached(self, intent: Intent, block: BlockId, ok: bool) -> bool:
        """By the status alone."""
        entry = self._ledger.entries.get((intent.chain, intent.tx_id))
        if ok and intent.kind == "resolve" and entry is not None and entry.ready is None:
            entry = replace(entry, ready=block, ended=None, end_state=None)
            self._store.save_entry(entry)
            self._ledger.put([entry])
        return ok if intent.kind == "resolve" else super().reached(intent, block, ok)


class NeverDoubts(Caller):
    """Takes what no log told of for what did not happen."""

    def look_at_doubted(self, chain: Chain, now_ms: int, poll_ms: int) -> None:
        """Nothing is in doubt."""
        chain.doubted.clear()


class ReusesNonce(Sender):
    """Takes what was not answered for not sent, and gives its nonce to the next call."""

    def submit(self, action: Action, data: str, gas: int, now_ms: int) -> None:
        """Send it at once, and forget what was not answered."""
        before = set(self.open)
        try:
            super().submit(action, data, gas, now_ms)
            self.send(now_ms)
        except RpcFailure as failure:
            if failure.definite:
                raise
            for number in set(self.open) - before:
                self._finish(self.open[number], None, "lost")

    def _next_nonce(self) -> int:
        known = [intent.nonce + 1 for intent in self.open.values()]
        return max([self._chain.rpc.nonce(self._account.address), *known])


class SkipsNonce(Sender):
    """Loses count after a while: one nonce is never used."""

    def _next_nonce(self) -> int:
        nonce = super()._next_nonce()
        return nonce + 1 if nonce >= 1 else nonce

    def _close_gap(self, mined_nonces: int, head: Head, now_ms: int) -> bool:
        """Never looks back."""
        return False


class SameBytes(Sender):
    """Retries what is not mined with the very same bytes, however cheap they are."""

    def _raise_offer(self, intent: Intent, head: Head, now_ms: int, *, cancel: bool) -> None:
        if cancel:
            super()._raise_offer(intent, head, now_ms, cancel=True)
        else:
            self._broadcast(intent, now_ms)
