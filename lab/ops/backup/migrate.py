"""Moves what is open in a contract to a new one: the old one retires first, so that nothing is done in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lab.coordinator.calling import role_changes
from lab.errors import DeadlineExceeded, DeployFailure, UsageError
from lab.live.execution.finality import final_block
from lab.live.planning.fees import current_fees
from lab.live.planning.plan import amount
from lab.ops.backup.batching import batched, gas_of
from lab.ops.backup.clock import ChainClock
from lab.ops.backup.file import Saved
from lab.ops.backup.pace import BLOCKS_A_ROUND, PORTION_MAX, Blocks, blocks_of
from lab.ops.backup.take import take, unfit
from lab.ops.chain import OperatedChain
from lab.ops.executors import Executor, Result, SignerExecutor, left_to_others
from lab.ops.operation import Operation
from lab.ops.planning import CallRequest, Desired, calls_of
from lab.ops.procedure import Ask, carry_out
from lab.ops.procedures.operators import OwnersProcedure, ever_operators
from lab.ops.report import Report, audit, report_id
from lab.ops.simulation import first_revert
from lab.ops.state import ChainState, missing, read_state

# The stop and each removal are under way together: one wait for a final block, not one for each.
AT_ONCE = 16
# Of a payload, as hexadecimal digits: what a plan counts with.
WORD = 32
TOO_LATE = "its time comes before the new contract could take it, and none takes one that has passed; agree on it anew"
# Fields that the new contract must hold as the old one did.
MOVED = ("origin", "target", "payload", "dependency", "timestamp")


@dataclass(frozen=True, slots=True)
class Retire(OwnersProcedure):
    """A contract does nothing any more: stopped where it can be, and without operators."""

    operation: Operation
    name: str = "retire"

    def accounts(self, chain: OperatedChain) -> tuple[str, ...]:
        """See `Procedure`."""
        return (*self.operation.declared[chain.name].operators, *ever_operators(self.operation, chain))

    def wants(self, chain: OperatedChain, state: ChainState) -> Desired:
        """See `Procedure`."""
        calls: list[CallRequest] = [("pause", ())] if chain.codec.has("pause") and state.paused is False else []
        names = chain.codec.names
        calls += [
            (call, (account,))
            for account in state.operator_list
            for call in role_changes(names, state.roles(account), give=False)
        ]
        lacking = missing(chain.codec, *dict.fromkeys(function for function, _ in calls))
        return Desired(tuple(calls)) if lacking is None else Desired(problems=(lacking,))


@dataclass(slots=True)
class Migrated:
    """What it came to: how many moved, what could not be, and every field that differs.

    `over`: what stays in the old contract, since it can become READY in neither; nothing is amiss with that.
    """

    id: str
    retired: Report | None = None
    moved: int = 0
    over: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    differences: list[tuple[str, str, object, object]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0: everything that was open moved with every field."""
        return 1 if self.left or self.differences else 0


@dataclass(frozen=True, slots=True)
class Survey:
    """What can be moved, what has to end first, and what is over where the contract cannot expire it."""

    opened: list[Saved]
    blocked: list[Saved]
    over: list[Saved]
    window_s: int


@dataclass(frozen=True, slots=True)
class Migration:
    """From one contract to another of the same interface on the same chain.

    `lead_s`: what is due sooner is left for the relayer to end, at least; more where moving takes longer, see `lead`.
    """

    old: Operation
    new: Operation
    chain: str
    owner: Executor
    operator: Executor
    lead_s: int = 60

    def _chain(self, operation: Operation) -> OperatedChain:
        (chain,) = operation.select((self.chain,))
        return chain

    def plan(self) -> list[str]:
        """What moves and what that costs now. Raises UsageError for a new contract that is not fit, an RpcFailure."""
        new = self._chain(self.new)
        survey = self._survey()
        opened = survey.opened
        self._require_room(opened)
        gas = sum(gas_of(_request(one)) for one in opened)
        base, tip = current_fees(new.rpc, new.target)
        cost = amount(gas * (base + tip), new.target.profile.native_token)
        old, retired = self._chain(self.old).contract, self._is_retired()
        what, then = ("leaves", ", in the retired contract") if retired else ("waits until", ", has ended")
        return [
            f"{old} is retired already" if retired else f"retire {old}: stop it, remove its operators",
            f"move {len(opened)} open transactions to {new.contract}: about {gas} gas, {cost} at the present price",
            *(f"{what} {one.tx_id}, which is {one.state}{then}" for one in survey.blocked),
            *map(_stays, survey.over),
        ]

    def lead(self, count: int) -> int:
        """Seconds of the chain that retiring the old contract and moving so many take, by its blocks and its finality.

        Raises an RpcFailure.
        """
        chain = self._chain(self.old)
        blocks, now = blocks_of(chain), self._head_time(chain)
        final_s = now - final_block(chain.rpc, chain.target.finality, self.old.timing.unix()).timestamp
        gas = count * gas_of(("buffer_transaction", ("", "", "", "0x" + "00" * WORD)))
        rounds = 2 * BLOCKS_A_ROUND + -(-gas // blocks.gas)
        return max(self.lead_s, int(max(0, final_s) + rounds * blocks.seconds) + 1)

    def _survey(self) -> Survey:
        chain = self._chain(self.old)
        saved = take(self.old, chain, latest=True)
        left = [one for one in saved.transactions if one.state in ("READY", "BUFFERED")]
        retired = self._is_retired()
        due = self._head_time(chain) + (0 if retired else self.lead(len(left)))
        opened = [one for one in left if one.state == "BUFFERED" and one.timestamp > due]
        over = [one for one in left if saved.is_over(one) and not chain.codec.has("expire_transaction")]
        blocked = [one for one in left if one not in opened and one not in over]
        return Survey(opened, blocked, over, saved.window_s)

    def _head_time(self, chain: OperatedChain) -> int:
        return chain.time(self.old.timing.unix())

    def run(self, *, drain_s: float, ask: Ask | None = None, migrated: Migrated | None = None) -> Migrated:
        """Drain, retire, move, compare, written into `migrated`, so that it is there whatever ends this.

        Raises UsageError before anything is sent, DeadlineExceeded, DeployFailure.
        """
        migrated = migrated or Migrated(report_id(self.new, "migrate"))
        if isinstance(self.operator, SignerExecutor):
            self.operator.finish(self._chain(self.new))
        self._require_room(self._survey().opened)
        self._drain(drain_s)
        owner = self.owner.together(at_once=AT_ONCE) if isinstance(self.owner, SignerExecutor) else self.owner
        migrated.retired = carry_out(self.old, Retire(self.old), owner, only=(self.chain,), ask=ask)
        if migrated.retired.exit_code != 0:
            (retired,) = migrated.retired.chains
            migrated.left += retired.left or ["not retired"]
            migrated.left += left_to_others("retire the old contract", retired.results)
            return migrated
        survey = self._survey()
        opened = survey.opened
        migrated.over += map(_stays, survey.over)
        moved = self._move(opened, migrated)
        if not any(result.outcome == "proposed" for result in migrated.results):
            self._compare(moved, migrated)
        migrated.left += [f"{one.tx_id} is {one.state}, and was not moved: {TOO_LATE}" for one in survey.blocked]
        return migrated

    def _drain(self, drain_s: float) -> None:
        """Whoever relays has to finish what is ready: nobody else knows what an execution is."""
        if self._is_retired():
            # Nobody can end anything there any more.
            return
        waiting, chain = self.old.timing.waiting, self._chain(self.old)
        deadline_s = waiting.now() + drain_s
        while left := (survey := self._survey()).blocked:
            # Until the first of them has ended, or is over, nothing else need be asked.
            first, lasts = left[0], not chain.codec.has("expire_transaction") and left[0].state == "BUFFERED"
            over_s = first.timestamp + survey.window_s if lasts else None
            while (state := chain.reader.state(first.tx_id)) == first.state:
                if over_s is not None and self._head_time(chain) > over_s:
                    break
                if waiting.now() >= deadline_s:
                    raise DeadlineExceeded(
                        f"{self.chain}: expected everything that is ready or due to end within {drain_s:g} s, "
                        f"{len(left)} have not ({first.tx_id} is {state}): let the relayer finish them, then run "
                        "the command again"
                    )
                waiting.sleep(waiting.look_s)

    def _is_retired(self) -> bool:
        chain, retire = self._chain(self.old), Retire(self.old)
        desired = retire.wants(chain, read_state(chain, retire.accounts(chain), chain.rpc.block_number()))
        return not desired.calls and not desired.problems

    def _require_taken(self, opened: list[Saved]) -> None:
        """The new contract takes what the operator sends: tried before the old one retires. Raises UsageError."""
        chain = self._chain(self.new)
        waiting = [one for one in opened if chain.reader.state(one.tx_id) == "EMPTY"]
        if not waiting:
            return
        calls = calls_of(chain, [_request(max(waiting, key=_due))])
        refused = first_revert(chain.rpc, self.operator.sender(chain), calls)
        if refused is not None:
            raise UsageError(
                f"{self.chain}: expected the new contract {chain.contract} to take a transaction from operator "
                f"{self.operator.sender(chain)}, it reverts: {refused[1]}: set it up first (its operators, no stop); "
                "nothing was sent"
            )

    def _require_room(self, opened: list[Saved]) -> None:
        chain = self._chain(self.new)
        problems = unfit(take(self.new, chain, latest=True), opened)
        if problems:
            raise UsageError(
                f"{self.chain}: expected a new contract without transactions, {chain.contract} holds {len(problems)} "
                f"({problems[0]}): deploy another"
            )
        self._require_taken(opened)

    def _move(self, opened: list[Saved], migrated: Migrated) -> list[Saved]:
        """Soonest first, each before its time comes; those that are there. Raises DeployFailure."""
        chain, clock = self._chain(self.new), ChainClock(self.new, self._chain(self.new))
        blocks = blocks_of(chain)
        left = [one for one in sorted(opened, key=_due) if chain.reader.state(one.tx_id) == "EMPTY"]
        while left:
            earliest = clock.now() + int(blocks.seconds)
            late = [one for one in left if one.timestamp < earliest]
            migrated.left += [f"{one.tx_id} was not moved: {TOO_LATE}" for one in late]
            left = [one for one in left if one.timestamp >= earliest]
            if not left:
                break
            some = left[:PORTION_MAX] if self.operator.sends else left
            results = self._buffer(chain, some, blocks, migrated)
            if any(result.outcome == "proposed" for result in results):
                return opened
            left = [one for one in left if chain.reader.state(one.tx_id) == "EMPTY"]
            failed = next((result for result in results if result.outcome != "confirmed"), None)
            if failed is not None and not (failed.late or clock.now() > some[0].timestamp):
                raise DeployFailure(
                    f"{self.chain}: {failed.call.text[:100]} is {failed.outcome}: {failed.reason}; the old contract "
                    "has retired: the same command moves what is still open once that is mended"
                )
        clock.settle()
        return [one for one in opened if chain.reader.state(one.tx_id) != "EMPTY"]

    def _buffer(self, chain: OperatedChain, some: list[Saved], blocks: Blocks, migrated: Migrated) -> Sequence[Result]:
        """In batches; none is sent when the time of the first of them is about to come."""
        not_after = some[0].timestamp - int(blocks.seconds) + 1
        requests = [_request(one) for one in some]
        calls = batched(chain, self.operator.sender(chain), requests, blocks.gas)
        results = self.operator.execute(chain, [replace(call, not_after=not_after) for call in calls])
        migrated.results += results
        audit(self.new, migrated.id, self.operator.described, results)
        migrated.left += left_to_others("buffer in the new contract", results)
        return results

    def _compare(self, opened: list[Saved], migrated: Migrated) -> None:
        reader = self._chain(self.new).reader
        for one in opened:
            there = reader.transaction(one.tx_id)
            pairs = [(name, getattr(one, name), getattr(there, name)) for name in MOVED]
            wrong = [(one.tx_id, *pair) for pair in pairs if pair[1] != pair[2]]
            migrated.differences += wrong
            migrated.moved += not wrong


def _due(one: Saved) -> int:
    return one.timestamp


def _stays(one: Saved) -> str:
    return f"{one.tx_id} stays BUFFERED in the old contract: its window is over, and no expire_transaction ends it"


def _request(saved: Saved) -> CallRequest:
    fields = (saved.tx_id, saved.origin, saved.target, saved.payload or "0x", saved.dependency, saved.timestamp)
    return ("buffer_transaction", fields)
