"""One chain, one poll: go on in the chain, read the contract, and say what is known in samples."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from lab.coordinator import Codec, Reader, StateNumbering
from lab.coordinator.accounts import operators_of
from lab.model.session import Session, SessionChain
from lab.monitor.collect.cross_chain import profile_of
from lab.monitor.collect.facts import REASONS, BlockFacts, CallFact, Entry
from lab.monitor.collect.memory import ChainMemory, Reached
from lab.monitor.collect.metering import POLL_S, REQUESTS_PER_MINUTE, BudgetSpent, Metered
from lab.monitor.collect.readings import ContractReadings, overdue
from lab.monitor.collect.scan import Head, Scanner
from lab.monitor.metrics import Samples
from lab.rpc import Rpc, RpcFailure, RpcMalformed, Transport

READINGS_EVERY_S, READINGS_EVERY_POLLS = 15.0, 3
FRESH_POLLS = 4
Log = Callable[..., None]


class ChainCollector:
    """Watches one chain. `poll` talks to it, `samples` only says what is known; `log` gets every event and call."""

    def __init__(
        self,
        session: Session,
        facts: SessionChain,
        transport: Transport,
        now_s: Callable[[], float],
        *,
        memory: ChainMemory | None = None,
        per_minute: int = REQUESTS_PER_MINUTE,
        interval_s: float = POLL_S,
        log: Log = lambda **fields: None,
    ) -> None:
        self.name, self.facts, self._session, self._now_s, self._log = facts.name, facts, session, now_s, log
        self._readings_every_s = min(READINGS_EVERY_S, READINGS_EVERY_POLLS * interval_s)
        self.metered = Metered(facts.name, transport, now_s, per_minute=per_minute)
        self._codec = Codec.of(session)
        entries: dict[str, Any] = dict(self._codec.functions)
        self._writing = [
            name for name, entry in entries.items() if entry.get("stateMutability") not in ("view", "pure")
        ]
        reader = Reader(Rpc(self.metered), self._codec, facts.contract, StateNumbering(session.state_numbering))
        self._scanner = Scanner(facts.name, facts.contract, self._codec, reader, facts.start_block)
        self._readings = ContractReadings(facts.name, reader, session.accounts, operators_of(session, facts.name))
        self.memory = memory or ChainMemory(facts.network)
        # Held while memory changes, never while a request is under way.
        self.lock = threading.Lock()
        self.reached: list[Reached] = []
        self.window_s: float | None = None
        self._execution_window_s: float | None = None
        self._read, self._read_s = Samples(), float("-inf")
        self._head: Head | None = None
        self._final: int | None = None
        self._identified = False
        self._up: bool | None = None
        self._polled_s: float | None = None
        self._start_s = now_s()
        self.success_s: float | None = None
        self.error: str | None = None

    def poll(self) -> None:
        """Look at the chain. A failure is remembered, not raised: then nothing is known of what could not be read."""
        self.metered.begin_poll()
        self._head = None
        try:
            self._identify()
            self._head = self._scanner.head()
            self._advance(self._head)
            self._final = self._finality(self._head)
            if self._final is not None:
                with self.lock:
                    self.memory.finalize(self._final)
            self._read_contract()
            self._up, self.error, self.success_s = True, None, self._now_s()
        except BudgetSpent:
            # The endpoint answers; what is left comes with the next polls.
            self.metered.deferred += 1
            self._up = self._head is not None or None
        except RpcFailure as failure:
            self._failed(failure)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # An answer of a shape that no check has named: as wrong as any other, and never the end of the exporter.
            self._failed(RpcMalformed("answer", f"{type(error).__name__}: {str(error)[:120]}"))
        self._polled_s = self._now_s()

    def _failed(self, failure: RpcFailure) -> None:
        if self.error is None:
            self._log(event="chain_down", chain=self.name, error=str(failure)[:300])
        self._up, self.error = False, str(failure)[:300]
        self._identified = False
        self._read, self._read_s = Samples(), float("-inf")

    def _identify(self) -> None:
        if not self._identified:
            chain_id = self._scanner.rpc.chain_id()
            if chain_id != self.facts.chain_id:
                raise RpcMalformed(
                    "eth_chainId", f"expected chain {self.facts.chain_id} ({self.name}) at its RPC URL, got {chain_id}"
                )
            self._identified = True

    def _advance(self, head: Head) -> None:
        ancestor = self._scanner.ancestor(self.memory, head)
        if ancestor is not None:
            with self.lock:
                self.memory.roll_back(ancestor)
            self._log(event="reorg", chain=self.name, ancestor=ancestor)
        for chunk in self._scanner.chunks(self.memory, head):
            with self.lock:
                self.memory.unread += chunk.unread
                for block in chunk.blocks:
                    calls, reached = self.memory.add(block)
                    self._log_block(block, calls)
                    for step in reached:
                        self._observe(*step)

    def _log_block(self, block: BlockFacts, calls: list[CallFact]) -> None:
        if not calls and not block.events:
            return
        where = {"chain": self.name, "block": block.number}
        for call in calls:
            said = {"function": call.function, "sender": call.sender, "ok": call.ok, "reason": call.reason}
            self._log(event="call", tx=call.tx, **where, **said)
        for event in block.events:
            self._log(event=event.event, tx=event.tx, **where, tx_id=event.tx_id, reason=event.reason)

    def _observe(self, stage: str, tx_id: str, entry: Entry) -> None:
        end_s = entry.ready_s if stage == "to_ready" else entry.ended_s
        if entry.buffered_s is not None and end_s is not None:
            self.memory.observe(stage, max(0, end_s - max(entry.buffered_s, entry.due_s)))
        if stage == "to_executed" and entry.dependency is not None:
            self.reached.append((stage, tx_id, entry))

    def _finality(self, head: Head) -> int | None:
        policy = self.facts.finality
        if policy.blocks is not None:
            return max(0, head.number - policy.blocks)
        if policy.seconds is not None:
            old = self._now_s() - policy.seconds
            known = [block.number for block in self.memory.unfinal if block.timestamp <= old]
            return max(known, default=self.memory.trail[-1][0] if self.memory.trail else None)
        return self._scanner.final_number(policy.tag or "finalized")

    def _read_contract(self) -> None:
        if self._now_s() - self._read_s < self._readings_every_s - 0.5:
            return
        fresh = Samples()
        executed = self._readings.read(self.memory, fresh)
        window = fresh.get("contract_window_seconds", self.name)
        self.window_s = window if isinstance(window, float) else None
        self._execution_window_s = self._readings.execution_window_s()
        with self.lock:
            for tx_id in executed:
                self.memory.close_executed(tx_id)
        self._read, self._read_s = fresh, self._now_s()

    def samples(self, into: Samples, interval_s: float) -> None:
        """What is known. Readings are left out where the last poll failed, or none has ended for a while."""
        chain, memory, now_s = self.name, self.memory, self._now_s()
        stale = self._polled_s is None or now_s - self._polled_s > FRESH_POLLS * interval_s + 1
        up = False if stale and self._polled_s is not None else self._up
        into.add("chain_up", None if up is None else float(up), chain)
        into.add("collect_last_success_timestamp_seconds", self.success_s, chain)
        into.add("collect_start_timestamp_seconds", self._start_s, chain)
        if self.facts.mines_empty_blocks:
            into.add("chain_block_time_seconds", self.facts.block_time_ms / 1000, chain)
        profile = profile_of(self.facts.network)
        into.add("chain_base_fee_typical_wei", profile.typical_base_fee_wei if profile else None, chain)
        self._counters(into)
        self.metered.samples(into)
        if up and self._head is not None:
            tip = memory.tip[0] if memory.tip is not None else self.facts.start_block - 1
            into.add("chain_head_block", self._head.number, chain)
            into.add("chain_head_timestamp_seconds", self._head.timestamp, chain)
            into.add("chain_base_fee_wei", self._head.base_fee, chain)
            into.add("chain_finalized_block", self._final, chain)
            into.add("chain_scan_lag_blocks", max(0, self._head.number - tip), chain)
            into.merge(self._read)
        if memory.tip is not None:
            for state, count in memory.head_book.count().items():
                into.add("transactions", count, chain, state)
        if self.window_s is not None:
            # The clock, not the head: on a halted chain time passes, too.
            into.add("legs_overdue", sum(map(self.is_over, memory.head_book.open.values())), chain)

    def is_over(self, entry: Entry) -> bool:
        """Whether a transaction's time is over by now, as far as the window is known."""
        window_s = self.window_s
        return window_s is not None and overdue(entry, window_s, self._execution_window_s, self._now_s())

    def _counters(self, into: Samples) -> None:
        """Counters begin at zero, all of them: an increase from nothing would be none."""
        chain, memory = self.name, self.memory
        into.add("chain_reorgs_total", memory.reorgs, chain)
        into.add("chain_finality_violations_total", memory.violations, chain)
        into.add("chain_blocks_unread_total", memory.unread, chain)
        into.add("contract_transactions_total", memory.transactions_max, chain)
        for event in {**dict.fromkeys(self._codec.events, 0), **memory.events}:
            into.add("events_total", memory.events.get(event, 0), chain, event)
        for reason in (*REASONS.values(), "other"):
            into.add("transactions_failed_total", memory.failed.get(reason, 0), chain, reason)
        usd = memory.token_usd()
        into.add("token_price_usd", usd, chain)
        for function in (*self._writing, "unknown"):
            ok, reverted = memory.calls.get(function, (0, 0))
            cost = memory.cost_wei.get(function, 0)
            into.add("calls_total", ok, chain, function, "ok")
            into.add("calls_total", reverted, chain, function, "reverted")
            into.add("unauthorized_calls_total", memory.unauthorized.get(function, 0), chain, function)
            into.add("call_cost_wei_total", cost, chain, function)
            into.add("call_cost_usd_total", None if usd is None else cost / 10**18 * usd, chain, function)
        for stage in ("to_ready", "to_executed"):
            into.add("leg_stage_seconds", memory.stage(stage), chain, stage)
