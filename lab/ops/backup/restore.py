"""Carries a restore out, phase by phase, and compares every field at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lab.coordinator.calling import all_roles
from lab.coordinator.reads import Reader
from lab.errors import DeadlineExceeded, DeployFailure, UsageError
from lab.live.execution.finality import final_block
from lab.live.planning.fees import current_fees
from lab.live.planning.plan import amount
from lab.ops.backup.batching import batched, gas_of
from lab.ops.backup.file import FIELDS, Backup, Saved, differences
from lab.ops.backup.restoring import OWNER, Goal, Phase, waits
from lab.ops.backup.take import take, unfit
from lab.ops.chain import OperatedChain
from lab.ops.executors import Call, Executor, Result, left_to_others
from lab.ops.operation import Operation
from lab.ops.report import audit, report_id
from lab.ops.state import missing

LEAD_S = 60


@dataclass(slots=True)
class Restored:
    """What it came to: every difference, apart those of timestamps that had passed (`late`).

    `left`: what others have to do before the command goes on; nothing was compared then.
    """

    id: str
    fields: int = 0
    differences: list[tuple[str, str, object, object]] = field(default_factory=list)
    late: list[tuple[str, str, object, object]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0: as saved, but for timestamps that had passed. 1: it differs, or waits for others (`left`)."""
        return 1 if self.differences or self.left else 0


@dataclass(frozen=True, slots=True)
class Restoration:
    """A restore on one chain. `owner` and `operator` send; they need not wait for final blocks between phases.

    Executors that leave the sending to others are handed one phase at a time.
    """

    operation: Operation
    chain: OperatedChain
    saved: Backup
    owner: Executor
    operator: Executor
    lead_s: int = LEAD_S

    @property
    def goal(self) -> Goal:
        """What the contract allows."""
        codec = self.chain.codec
        return Goal(self.saved, self.lead_s, codec.has("expire_transaction"), codec.has("mark_failed"))

    def plan(self) -> list[str]:
        """Calls by phase, their gas and what it costs now. Raises UsageError where it cannot be, an RpcFailure."""
        there = self._there()
        self._require_room(there)
        goal, now = self.goal, self._now()
        phases = [goal.first_settings(there)]
        for portion in goal.portions(there):
            phases += list(self._simulated_portion(goal, portion, there, now))
        phases += list(goal.last_settings(there))
        gas = sum(gas_of(call) for phase in phases for call in phase.calls)
        base, tip = current_fees(self.chain.rpc, self.chain.target)
        token = self.chain.target.profile.native_token
        counted: dict[str, int] = {}
        for phase in phases:
            counted[phase.name] = counted.get(phase.name, 0) + len(phase.calls)
        lines = [f"{name}: {count} calls" for name, count in counted.items() if count]
        return [*lines, f"about {gas} gas, {amount(gas * (base + tip), token)} at the present price"]

    @staticmethod
    def _simulated_portion(goal: Goal, portion: tuple[Saved, ...], there: Backup, now: int) -> Iterator[Phase]:
        yield goal.buffering(portion, there, now)
        ready = [("resolve_dependency", (one.tx_id,)) for one in portion if one.ready_order is not None]
        executed = [("mark_executed", (one.tx_id,)) for one in portion if one.state == "EXECUTED"]
        expired = [("expire_transaction", (one.tx_id,)) for one in portion if one.state == "EXPIRED"]
        yield Phase("ready", "", tuple(ready))
        yield Phase("execute", "", tuple(executed))
        yield Phase("fail or expire", "", tuple(expired))

    def run(self, restored: Restored | None = None) -> Restored:
        """All of it, written into `restored`, so that it is there whatever ends this.

        Raises UsageError before anything is sent, DeployFailure where a call fails, RpcFailure.
        """
        there, goal = self._there(), self.goal
        self._require_room(there)
        restored = restored or Restored(report_id(self.operation, "restore"))
        begun = self._now() + self.lead_s
        for phase in self._phases(goal, there):
            self._send(phase, restored)
            if restored.left:
                return restored
        self._settle()
        self._compare(restored, begun)
        return restored

    def _phases(self, goal: Goal, there: Backup) -> Iterator[Phase]:
        """One after another; what comes later is read from the chain once what came before it was sent."""
        yield goal.first_settings(there)
        for portion in list(goal.portions(there)):
            yield goal.buffering(portion, there, self._now())
            there = self._reread(there, portion)
            yield from goal.readying(portion, there)
            there = self._reread(there, portion)
            yield from goal.ending(portion, there)
        yield goal.lapsing(self._there())
        yield from goal.last_settings(self._there())

    def _there(self) -> Backup:
        return take(self.operation, self.chain, block=self.chain.rpc.block_number())

    def _reread(self, there: Backup, portion: tuple[Saved, ...]) -> Backup:
        """The portion as it stands now, by getters alone."""
        reader, ids = self.chain.reader, {one.tx_id for one in portion}
        kept = tuple(one for one in there.transactions if one.tx_id not in ids)
        fresh = tuple(one for one in (_read(reader, saved) for saved in portion) if one.state != "EMPTY")
        return replace(there, transactions=kept + fresh)

    def _require_room(self, there: Backup) -> None:
        problems = unfit(there, self.saved.transactions)
        if problems:
            raise UsageError(
                f"{self.chain.name}: expected a contract without transactions, or one that this backup is being "
                f"restored to; {self.chain.contract} holds {len(problems)} others ({problems[0]}): deploy a new one"
            )

    def _now(self) -> int:
        """The chain's time, or the clock's where that is later."""
        head = int((self.chain.rpc.block("latest") or {"timestamp": "0x0"})["timestamp"], 16)
        return max(head, int(self.operation.timing.unix()))

    def _send(self, phase: Phase, restored: Restored) -> None:
        lacking = missing(self.chain.codec, *dict.fromkeys(function for function, _ in phase.calls))
        if lacking is not None:
            # What it would have set is a difference in the end, if it is one.
            self.operation.notify(f"{self.chain.name}: {phase.name}: {lacking}")
        codec = self.chain.codec
        every = [(name, args) for call, args in phase.calls for name in all_roles(call, codec.functions, codec.names)]
        requests = [call for call in every if codec.has(call[0])]
        if not requests and phase.not_before is None:
            return
        executor = self.owner if phase.role == OWNER else self.operator
        if phase.not_before is not None and not executor.sends and self._head_time() < phase.not_before:
            restored.left.append(f"{phase.name}: from block time {phase.not_before} on: run the command again then")
            return
        self._wait_for(phase)
        if not requests:
            return
        calls: tuple[Call, ...] = batched(self.chain, executor.sender(self.chain), requests)
        self.operation.notify(f"{self.chain.name}: {phase.name}: {len(requests)} calls, {len(calls)} transactions")
        results = executor.execute(self.chain, calls)
        restored.results += results
        audit(self.operation, restored.id, executor.described, results)
        restored.left += left_to_others(phase.name, results)
        failed = [result for result in results if result.outcome not in ("confirmed", "proposed")]
        if failed:
            raise DeployFailure(
                f"{self.chain.name}: {phase.name}: {failed[0].call.text[:100]} is {failed[0].outcome}: "
                f"{failed[0].reason}; run the command again, it goes on from here"
            )

    def _wait_for(self, phase: Phase) -> None:
        """Until the latest block carries the time that the contract compares with."""
        waiting, chain = self.operation.timing.waiting, self.chain
        deadline_s = waiting.now() + waiting.deadline_s
        while phase.not_before is not None and self._head_time() < phase.not_before:
            if chain.target.profile.mines_empty_blocks is False and self.operation.timing.unix() > phase.not_before:
                return
            if waiting.now() > deadline_s:
                raise DeadlineExceeded(f"{chain.name}: expected a block of time {phase.not_before}: it stands still")
            waiting.sleep(waiting.look_s)

    def _head_time(self) -> int:
        return int((self.chain.rpc.block("latest") or {"timestamp": "0x0"})["timestamp"], 16)

    def _settle(self) -> None:
        """Until what was sent is final."""
        waiting, chain, head = self.operation.timing.waiting, self.chain, self.chain.rpc.block_number()
        deadline_s = waiting.now() + waiting.deadline_s
        while final_block(chain.rpc, chain.target.finality, self.operation.timing.unix()).number < head:
            if waiting.now() > deadline_s:
                raise DeadlineExceeded(f"{chain.name}: expected block {head} to become final")
            waiting.sleep(waiting.look_s)

    def _compare(self, restored: Restored, begun: int) -> None:
        present = take(self.operation, self.chain)
        past = {one.tx_id for one in self.saved.transactions if not waits(one, begun) or one.timestamp < begun}
        for one in differences(self.saved, present):
            (restored.late if one[1] == "timestamp" and one[0] in past else restored.differences).append(one)
        restored.fields = len(self.saved.settings) + 1 + len(self.saved.transactions) * len(FIELDS)


def _read(reader: Reader, saved: Saved) -> Saved:
    view = reader.transaction(saved.tx_id)
    given = (view.origin, view.target, view.payload, view.dependency, view.timestamp)
    return Saved(saved.tx_id, view.state, *given, saved.ready_order)
