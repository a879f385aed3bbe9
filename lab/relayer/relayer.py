"""The reference relayer: `step` is one poll over all chains. It scans, settles what was sent, decides, and acts.

All scans come first, so that a decision on one chain rests on what every other chain says in the same poll. A chain
whose calls fail is left out until the next poll; what depends on it waits, everything else goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import count
from pathlib import Path
from typing import Any

from lab.coordinator import Account, Codec
from lab.model.session import Session
from lab.relayer.clock import Clock
from lab.relayer.deciding.parents import Answer
from lab.relayer.memory.intents import Intent
from lab.relayer.memory.records import Action, BlockId, Crash, Mark, Notify, World
from lab.relayer.pace import Sooner, sooner
from lab.relayer.parts import REFERENCE, Parts
from lab.relayer.reading.apply_scan import Findings
from lab.relayer.reading.chain import Chain
from lab.relayer.reading.news import Looks, News
from lab.relayer.reading.scan import Scan
from lab.relayer.sending.sender import Questions
from lab.rpc import RpcFailure, RpcTimeout, Transport

# A scan position without news is written every so often only: losing it costs one longer, idempotent scan.
UNSAVED_MARKS_MAX = 16
# So many jobs are written down in one transaction: what one rests on was asked for not long before it is sent.
SENT_AT_ONCE = 32


def _nothing(_: Any) -> None:
    """The default of the hooks."""


class Relayer:
    """One relayer over all chains of a session. Raises what `Store` raises; RPC failures never leave `step`."""

    def __init__(
        self,
        session: Session,
        transports: Mapping[str, Transport],
        account: Account,
        store_path: Path,
        clock: Clock,
        crash: Crash = _nothing,
        notify: Notify = _nothing,
        parts: Parts = REFERENCE,
    ) -> None:
        self._session, self._account, self._clock = session, account, clock
        self._core = parts.core
        self._crash, self._notify = crash, notify
        self._codec = Codec.of(session)
        self._can_expire = self._codec.has("expire_transaction")
        facts = session.chains
        self._chains = {
            name: Chain(session, facts[name], order, transports[name], self._codec, parts.judge)
            for order, name in enumerate(session.chains)
        }
        fingerprint = {name: [c.chain_id, c.contract.lower(), c.start_block] for name, c in facts.items()}
        self._store = parts.store(
            store_path,
            {name: chain.chain_id for name, chain in facts.items()},
            fingerprint | {"account": account.address},
            durable=session.clock == "real",
        )
        order, rollups = {}, {}
        for name, chain in self._chains.items():
            order[name], rollups[name] = chain.order, chain.facts.rollup.lower()
        self._ledger = parts.ledger(order, self._store.entries(), rollups)
        self._looks = Looks(self._ledger, parts.scan, parts.complete)
        self._final: set[BlockId] = set()
        self._begun_ms = 0
        self._spent = self._store.spent()
        self._caller = parts.caller(
            self._chains, account, self._codec, self._ledger, self._store, session.poll_interval_ms, notify
        )
        if not parts.batches:
            self._caller.batches.points.clear()
        intents = self._store.intents()
        ids = count(max((intent.id for intent in intents), default=0) + 1)
        self._senders = {
            name: parts.sender(
                chain, account, self._store, [i for i in intents if i.chain == name], ids, self._spent, crash, notify
            )
            for name, chain in self._chains.items()
        }
        for name, chain in self._chains.items():
            chain.trail, chain.counted = self._store.trail(name), self._store.counted(name)

    def step(self) -> None:
        """One poll over all chains, in declared order; one that last gave no answer keeps no other waiting."""
        self._begun_ms = self._clock.now_ms()
        silent = [chain for chain in self._chains.values() if chain.silent]
        self._look_at([chain for chain in self._chains.values() if chain not in silent])
        self._learn_finality()
        with self._store.batch():
            self._manage_and_act(self._chains.values())
        self._look_at(silent)

    def sooner(self, poll_ms: int) -> Sooner | None:
        """What to look at before the poll that is due then, if there is anything."""
        quick = [c for c in self._chains.values() if c.fresh and c.facts.block_time_ms < self._session.poll_interval_ms]
        opened = {chain.name: self._senders[chain.name].open.values() for chain in quick}
        return sooner(quick, opened, self._ledger.active(), self._begun_ms, self._clock.now_ms(), poll_ms)

    def look(self, names: AbstractSet[str]) -> None:
        """Settle what was mined on some chains, and send what has to follow there; the rest is the next poll's."""
        self._begun_ms = self._clock.now_ms()
        chains = [chain for name, chain in self._chains.items() if name in names]
        self._look_at(chains)
        with self._store.batch():
            self._manage_and_act(chains, settle_only=True)

    def _look_at(self, chains: Sequence[Chain]) -> None:
        for chain in chains:
            chain.fresh = False
        for chain, news in self._looks.at(chains):
            chain.fresh = self._guarded(chain, self._scan, news)

    def _manage_and_act(self, chains: Collection[Chain], *, settle_only: bool = False) -> None:
        self._caller.look_again()
        owing = [chain for chain in chains if chain.fresh and self._senders[chain.name].open]
        # A chain whose calls fail from here on is still known well enough for others to rest on.
        stopped = {c.name for c in owing if not self._guarded(c, self._manage_pending, settle_only)}
        if not settle_only:
            self._learn_finality()
            self._look_closer(stopped)
        self._caller.look_again()
        actions = [action for action in self._core.decide(self._world()) if self._chains[action.chain] in chains]
        for group in self._caller.groups(actions, self._senders, self._clock.now_ms()):
            chain = self._chains[group[0].chain]
            if chain.name not in stopped and not self._guarded(chain, self._act, group):
                stopped.add(chain.name)
        for chain in chains:
            self._guarded(chain, self._send)

    def _look_closer(self, stopped: AbstractSet[str]) -> None:
        for chain in self._chains.values():
            wanted = chain.doubted or not self._can_expire
            if wanted and chain.fresh and chain.name not in stopped:
                self._guarded(chain, self._caller.look_closer, self._world())

    def idle(self) -> bool:
        """True when nothing is in flight and no transaction known needs a call any more."""
        in_flight = any(sender.open for sender in self._senders.values())
        return not in_flight and all(c.fresh for c in self._chains.values()) and not self._core.pending(self._world())

    def close(self) -> None:
        """Write the scan positions down and close the store."""
        for chain in self._chains.values():
            if chain.unsaved:
                self._save_position(chain, chain.unsaved)
        self._looks.close()
        self._store.close()

    def abandon(self) -> None:
        """Let go of the store as a crash does: what was not written down is lost."""
        self._looks.close()
        self._store.close()

    # --- parts of a poll ------------------------------------------------------------------------------------------

    def _guarded(self, chain: Chain, part: Callable[..., None], *args: Any) -> bool:
        try:
            part(chain, *args)
        except RpcFailure as failure:
            self._notify_failure(chain, part.__name__.strip("_"), failure)
            return False
        return True

    def _notify_failure(self, chain: Chain, during: str, failure: RpcFailure) -> None:
        self._notify({"event": "rpc_failure", "chain": chain.name, "during": during, "error": str(failure)})

    def _scan(self, chain: Chain, news: News | RpcFailure) -> None:
        """Take over what a look at a chain has brought."""
        if isinstance(news, RpcFailure):
            raise news
        if news.scan is None or news.findings is None:
            chain.head = news.head
        else:
            self._take_scan(chain, news.scan, news.findings)
        try:
            chain.check_clock(self._clock.now_ms())
        except RpcTimeout:
            chain.silent += 1
            raise

    def _take_scan(self, chain: Chain, scan: Scan, news: Findings) -> None:
        reopened = self._senders[chain.name].reopened(scan.ancestor) if scan.ancestor is not None else []
        self._save_scan(chain, scan, news, reopened)
        chain.advance(scan.head, scan.marks, scan.ancestor)
        self._ledger.remove(news.gone)
        self._ledger.put(news.changed.values())
        if scan.ancestor is not None:
            self._after_reorg(chain, scan.ancestor, reopened)
        if news.resumed:
            chain.unblock_calls()
        for tx_id in news.unreadable:
            self._notify({"event": "unreadable", "chain": chain.name, "tx_id": tx_id})
        for entry in news.changed.values():
            self._caller.doubt_parent(entry)
            state = entry.end_state or ("READY" if entry.ready else "BUFFERED")
            self._notify({"event": "seen", "chain": chain.name, "tx_id": entry.tx_id, "state": state})
        self._crash("after_scan")

    def _save_scan(self, chain: Chain, scan: Scan, news: Findings, reopened: list[Intent]) -> None:
        """Write down what a scan brought; a position without news only now and then."""
        trail, unsaved = (
            [mark for mark in marks if scan.ancestor is None or mark[0] <= scan.ancestor] + list(scan.marks)
            for marks in (chain.trail, chain.unsaved)
        )
        self._crash("before_checkpoint")
        if news.changed or news.gone or scan.ancestor is not None or len(unsaved) >= UNSAVED_MARKS_MAX:
            checkpoint = chain.checkpoint(scan.head, trail, self._clock.now_ms())
            self._store.save_scan(
                chain.name,
                ancestor=scan.ancestor,
                marks=unsaved,
                changed=news.changed.values(),
                gone=news.gone,
                intents=reopened,
                checkpoint=checkpoint,
                counted=chain.counted_at(scan.head.hash),
            )
            unsaved = []
        chain.unsaved = unsaved

    def _after_reorg(self, chain: Chain, ancestor: int, reopened: list[Intent]) -> None:
        self._final = {b for b in self._final if b.chain != chain.name or b.number <= ancestor}
        self._caller.forget(chain.name)
        self._senders[chain.name].reopen(reopened)
        self._notify({"event": "reorg", "chain": chain.name, "ancestor": ancestor})

    def _act(self, chain: Chain, group: Sequence[Action]) -> None:
        self._caller.act_all(chain, group, self._senders[chain.name], self._clock.now_ms())
        if sum(len(intent.tx_ids) for intent in self._senders[chain.name].submitted) >= SENT_AT_ONCE:
            self._send(chain)

    def _send(self, chain: Chain) -> None:
        self._caller.look_again()
        self._senders[chain.name].send(self._clock.now_ms())

    def _manage_pending(self, chain: Chain, settle_only: bool) -> None:
        world = self._world()

        def judge(intent: Intent) -> Answer:
            answers = [self._core.justified(world, job) for job in intent.jobs]
            for answer in ("no", "unknown"):
                if any(given == answer for given, _ in answers):
                    return answer
            return self._caller.still_canonical(tuple(need for _, needs in answers for need in needs))

        def renew(intent: Intent) -> tuple[str, int] | None:
            action = next((action for action in self._core.decide(world) if action.job == intent.job), None)
            return self._caller.prepared(chain, action, self._clock.now_ms()) if action is not None else None

        sender = self._senders[chain.name]
        asked = Questions(judge, self._caller.reached, renew, self._caller.expect)
        if sender.manage_pending(self._clock.now_ms(), asked, settle_only=settle_only):
            self._caller.forget(chain.name)

    def _learn_finality(self) -> None:
        for block in self._core.questions(self._world()):
            chain = self._chains[block.chain]
            try:
                if chain.head is not None and chain.judge.is_final(block, chain.head, self._clock.now_ms()):
                    self._final.add(block)
            except RpcFailure as failure:
                self._notify_failure(chain, "finality", failure)
                chain.fresh = False

    # --- position and world ---------------------------------------------------------------------------------------

    def _save_position(self, chain: Chain, marks: list[Mark]) -> None:
        checkpoint = chain.checkpoint(chain.head, chain.trail, self._clock.now_ms()) if chain.head else None
        counted = chain.counted_at(marks[-1][1])
        self._store.save_scan(chain.name, marks=marks, checkpoint=checkpoint, counted=counted)
        chain.unsaved = []

    def _world(self) -> World:
        now_ms = self._clock.now_ms()
        return World(
            chains={name: chain.view(now_ms) for name, chain in self._chains.items()},
            entries=self._ledger.entries,
            active=self._ledger.active(),
            children=self._ledger.children(),
            now_unix_ms=self._session.genesis_time * 1000 + now_ms,
            execution_order=self._session.execution_order,
            can_expire=self._can_expire,
            final=self._final,
            spent=self._spent,
            deadline_passed=self._caller.deadline_passed,
            ahead="execute" in self._caller.batches.points,
        )
