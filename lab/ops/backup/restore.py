"""Carries a restore out, portion by portion, and compares every field at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from lab.coordinator.calling import all_roles
from lab.errors import DeployFailure, UsageError
from lab.live.planning.fees import GAS_ROOM, current_fees
from lab.live.planning.plan import amount
from lab.ops.backup.batching import GAS_ROOM_IF_LATE, batched, gas_of
from lab.ops.backup.clock import ChainClock
from lab.ops.backup.file import FIELDS, WINDOW_S_MAX, Backup, differences
from lab.ops.backup.lost import Lost, lapsed_of, lost_of, said_of
from lab.ops.backup.pace import FIRST, PORTION_MAX, Pace, blocks_of
from lab.ops.backup.portions import Portions
from lab.ops.backup.restoring import OPERATOR, OWNER, Goal, Phase, waits
from lab.ops.backup.take import operators_of, settings_of, take, unfit
from lab.ops.chain import OperatedChain
from lab.ops.executors import Call, Executor, Result, SignerExecutor, left_to_others
from lab.ops.operation import Operation
from lab.ops.planning import CallRequest, calls_of
from lab.ops.report import audit, report_id
from lab.ops.simulation import first_revert
from lab.ops.state import missing

LEAD_S = 60
READY = "ready"
ANEW = "deploy a new contract (`lab live deploy`) and restore onto that"


@dataclass(slots=True)
class Restored:
    """What it came to: every difference, apart those of timestamps that had passed (`late`).

    `left`: what others have to do before the command goes on; nothing was compared then. `lost`: what cannot become
    what it was, and was left.
    """

    id: str
    fields: int = 0
    differences: list[tuple[str, str, object, object]] = field(default_factory=list)
    late: list[tuple[str, str, object, object]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    portions: list[int] = field(default_factory=list)
    # The latest timestamp that was given anew.
    begun: int = 0

    @property
    def exit_code(self) -> int:
        """0: as saved, but for timestamps that had passed. 1: it differs, or waits for others (`left`)."""
        return 1 if self.differences or self.left else 0


@dataclass(frozen=True, slots=True)
class Restoration:
    """A restore on one chain. `owner` and `operator` send; they need not wait for final blocks between phases.

    Executors that leave the sending to others are handed one phase at a time. `lead_s`: what is buffered gets a
    timestamp at least so far ahead. `leave_lost`: what can no longer become what it was is left, not refused.
    """

    operation: Operation
    chain: OperatedChain
    saved: Backup
    owner: Executor
    operator: Executor
    lead_s: int = LEAD_S
    leave_lost: bool = False

    @property
    def clock(self) -> ChainClock:
        """The chain's."""
        return ChainClock(self.operation, self.chain)

    def _goal(self, there: Backup) -> tuple[Goal, list[Lost]]:
        """What the contract allows. Raises UsageError for what is lost, unless that is to be left."""
        codec, now = self.chain.codec, self.clock.now()
        window_s, fails = self._widest(there), codec.has("mark_failed")
        lost = lost_of(self.saved, there, now=now, window_s=window_s, fails=fails)
        if lost and not self.leave_lost:
            raise UsageError(
                f"{self.chain.name}: expected transactions that can become as they were saved, {len(lost)} of "
                f"{len(self.saved.transactions)} cannot in {self.chain.contract}: {said_of(lost)}; an id is buffered "
                f"once, and nothing reopens what ended: {ANEW}, or restore the others here by --leave-lost"
            )
        ids = frozenset(one.tx_id for one in lost)
        lapsed = lapsed_of(self.saved, there, lost, now=now, window_s=window_s)
        return Goal(self.saved, codec.has("expire_transaction"), fails, window_s, ids, lapsed), lost

    def _widest(self, there: Backup) -> int:
        """The widest window that the contract takes now from its owner: applied at once, also to what is buffered."""
        present = int(there.settings.get("coordination_window", self.saved.window_s))
        if not self.chain.codec.has("set_coordination_window") or present >= WINDOW_S_MAX:
            return present
        calls = calls_of(self.chain, [("set_coordination_window", (WINDOW_S_MAX,))])
        refused = first_revert(self.chain.rpc, self.owner.sender(self.chain), calls)
        return WINDOW_S_MAX if refused is None else max(present, self.saved.window_s)

    def _pace(self, goal: Goal) -> Pace:
        """What others send they send by hand: a portion of theirs is as large as the chain allows."""
        first = FIRST if self.operator.sends else PORTION_MAX
        return Pace(goal.window_s, blocks_of(self.chain), lead_s=self.lead_s, first=first)

    def plan(self) -> list[str]:
        """Calls by phase, their gas and what it costs now. Raises UsageError where it cannot be, an RpcFailure."""
        there = self._there()
        self._require_room(there)
        goal, lost = self._goal(there)
        pace = self._pace(goal)
        phases = [goal.first_settings(there), *self._counted(goal, there, pace)]
        phases += goal.last_settings(goal.then(there))
        self._require_senders(phases)
        gas = sum(gas_of(call) for phase in phases for call in phase.calls)
        base, tip = current_fees(self.chain.rpc, self.chain.target)
        token = self.chain.target.profile.native_token
        counted: dict[str, int] = {}
        for phase in phases:
            counted[phase.name] = counted.get(phase.name, 0) + len(phase.calls)
        lines = [f"{name}: {count} calls" for name, count in counted.items() if count]
        lines += [str(pace)] if counted.get("ready") else []
        lines += [f"left as it is: {said_of(lost)}"] if lost else []
        return [*lines, f"about {gas} gas, {amount(gas * (base + tip), token)} at the present price"]

    def _counted(self, goal: Goal, there: Backup, pace: Pace) -> Iterator[Phase]:
        """What is left, all at once."""
        left, stored = goal.left(there), {one.tx_id: one.state for one in there.transactions}
        yield goal.buffering(left, there, self.clock.now() + pace.lead_s)
        ready = [one for one in left if goal.is_to_be_ready(one)]
        unready = [one for one in ready if stored.get(one.tx_id, "BUFFERED") == "BUFFERED"]
        yield Phase("ready", OPERATOR, tuple(("resolve_dependency", (one.tx_id,)) for one in unready))
        executed = [("mark_executed", (one.tx_id,)) for one in ready if one.state == "EXECUTED"]
        yield Phase("execute", OPERATOR, tuple(executed))
        ended = [one for one in self.saved.transactions if one.state == "EXPIRED"]
        expired = [("expire_transaction", (one.tx_id,)) for one in ended if stored.get(one.tx_id) != "EXPIRED"]
        yield Phase("fail or expire", OPERATOR, tuple(expired))

    def run(self, restored: Restored | None = None) -> Restored:
        """All of it, written into `restored`, so that it is there whatever ends this.

        What an earlier command signed comes to its end first, since it may still be taken into a block. Raises
        UsageError before anything else is sent, DeployFailure where a call fails, RpcFailure.
        """
        for executor in (self.owner, self.operator):
            if isinstance(executor, SignerExecutor):
                executor.finish(self.chain)
        there = self._there()
        self._require_room(there)
        goal, lost = self._goal(there)
        self._require_senders([goal.first_settings(there), *self._counted(goal, there, self._pace(goal))])
        restored = restored or Restored(report_id(self.operation, "restore"))
        restored.lost = lost
        portions = Portions(self.clock, goal, self._pace(goal), there)
        restored.begun = max([self.clock.now() + self.lead_s, *self._given_anew(there)])
        for phase in self._phases(goal, portions):
            self._send(phase, restored)
            restored.portions = portions.sizes
            if restored.left:
                return restored
        restored.begun = max(restored.begun, portions.begun)
        self.clock.settle()
        self._compare(restored)
        return restored

    def _given_anew(self, there: Backup) -> list[int]:
        """The timestamps that an earlier command gave."""
        saved = {one.tx_id: one.timestamp for one in self.saved.transactions}
        return [one.timestamp for one in there.transactions if one.timestamp > saved.get(one.tx_id, one.timestamp)]

    def _phases(self, goal: Goal, portions: Portions) -> Iterator[Phase]:
        """One after another; what comes later is read from the chain once what came before it was sent."""
        yield goal.first_settings(portions.there)
        yield from portions.phases()
        yield from goal.running_out(self._with_settings(portions.there))
        yield from goal.last_settings(self._with_settings(portions.there))

    def _there(self) -> Backup:
        return take(self.operation, self.chain, latest=True)

    def _with_settings(self, there: Backup) -> Backup:
        """The same with settings and operators as of now."""
        block = self.chain.rpc.block_number()
        operators = operators_of(self.operation, self.chain, block)
        return replace(there, settings=settings_of(self.chain, block), operators=operators)

    def _require_room(self, there: Backup) -> None:
        problems = unfit(there, self.saved.transactions)
        if problems:
            raise UsageError(
                f"{self.chain.name}: expected a contract without transactions, or one that this backup is being "
                f"restored to; {self.chain.contract} holds {len(problems)} others ({problems[0]}): deploy a new one"
            )

    def _require_senders(self, phases: Sequence[Phase]) -> None:
        """Who sends has the role for it. Raises UsageError, an RpcFailure."""
        roles, reader = {phase.role for phase in phases if phase.calls}, self.chain.getters
        owner, operator = self.owner.sender(self.chain), self.operator.sender(self.chain)
        if OWNER in roles and self.chain.codec.has("owner") and (present := str(reader.get("owner")).lower()) != owner:
            raise UsageError(
                f"{self.chain.name}: expected the owner {present} of {self.chain.contract} to send what is the "
                f"owner's, it is {owner}: name the owner by --from"
            )
        if OPERATOR in roles and not reader.get("authorized_operators", operator):
            raise UsageError(
                f"{self.chain.name}: expected {operator} to be an operator of {self.chain.contract}, it is none: name "
                f"one by --operator, or add it first (`lab ops operators add {operator} --only {self.chain.name}`)"
            )

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
        if phase.not_before is not None and not executor.sends and self.clock.now() < phase.not_before:
            restored.left.append(f"{phase.name}: from block time {phase.not_before} on: run the command again then")
            return
        if phase.not_before is not None:
            self.clock.wait_for(phase.not_before)
        if phase.not_after is not None and not executor.sends and self.clock.now() >= phase.not_after:
            # Others would send it later still.
            return
        if not requests:
            return
        calls = self._calls(phase, executor, requests)
        self.operation.notify(f"{self.chain.name}: {phase.name}: {len(requests)} calls, {len(calls)} transactions")
        results = executor.execute(self.chain, calls)
        restored.results += results
        audit(self.operation, restored.id, executor.described, results)
        restored.left += left_to_others(phase.name, results)
        self._judge(phase, results)

    def _calls(self, phase: Phase, executor: Executor, requests: Sequence[CallRequest]) -> list[Call]:
        """With room for what turns out to be late, since only the block that takes it decides."""
        room = GAS_ROOM_IF_LATE if phase.name == READY else GAS_ROOM
        calls = batched(self.chain, executor.sender(self.chain), requests, blocks_of(self.chain).gas)
        return [replace(call, not_after=phase.not_after, gas_room=room) for call in calls]

    def _judge(self, phase: Phase, results: Sequence[Result]) -> None:
        """What came too late is no failure yet: what is left is seen by the next look."""
        failed = [result for result in results if result.outcome not in ("confirmed", "proposed")]
        if not failed:
            return
        if phase.not_after is not None and (failed[0].late or self.clock.now() >= phase.not_after):
            self.operation.notify(f"{self.chain.name}: {phase.name}: {failed[0].reason}")
            return
        first = failed[0]
        raise DeployFailure(
            f"{self.chain.name}: {phase.name}: {first.call.text[:100]} is {first.outcome}: {first.reason}"
        )

    def _compare(self, restored: Restored) -> None:
        present = take(self.operation, self.chain)
        saved, begun = self.saved.transactions, restored.begun
        past = {one.tx_id for one in saved if not waits(one, begun) or one.timestamp < begun}
        for one in differences(self.saved, present):
            (restored.late if one[1] == "timestamp" and one[0] in past else restored.differences).append(one)
        restored.fields = len(self.saved.settings) + 1 + len(saved) * len(FIELDS)
