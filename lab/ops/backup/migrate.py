"""Moves what is open in a contract to a new one: the old one retires first, so that nothing is done in both."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.coordinator.calling import role_changes
from lab.errors import DeadlineExceeded, DeployFailure, UsageError
from lab.live.planning.fees import current_fees
from lab.live.planning.plan import amount
from lab.ops.backup.batching import batched, gas_of
from lab.ops.backup.file import Saved
from lab.ops.backup.take import take, unfit
from lab.ops.chain import OperatedChain
from lab.ops.executors import Executor, Result, left_to_others
from lab.ops.operation import Operation
from lab.ops.planning import CallRequest, Desired
from lab.ops.procedure import Ask, carry_out
from lab.ops.procedures.operators import OwnersProcedure, ever_operators
from lab.ops.report import Report, audit, report_id
from lab.ops.state import ChainState, missing, read_state

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
    """From one contract to another of the same interface on the same chain. `lead_s`: how long moving takes at most."""

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

    def _survey(self) -> Survey:
        chain = self._chain(self.old)
        due = self._head_time(chain) + self.lead_s
        saved = take(self.old, chain, block=chain.rpc.block_number())
        left = [one for one in saved.transactions if one.state in ("READY", "BUFFERED")]
        opened = [one for one in left if one.state == "BUFFERED" and one.timestamp > due]
        over = [one for one in left if saved.is_over(one) and not chain.codec.has("expire_transaction")]
        blocked = [one for one in left if one not in opened and one not in over]
        return Survey(opened, blocked, over, saved.window_s)

    @staticmethod
    def _head_time(chain: OperatedChain) -> int:
        return int((chain.rpc.block("latest") or {"timestamp": "0x0"})["timestamp"], 16)

    def run(self, *, drain_s: float, ask: Ask | None = None, migrated: Migrated | None = None) -> Migrated:
        """Drain, retire, move, compare, written into `migrated`, so that it is there whatever ends this.

        Raises UsageError before anything is sent, DeadlineExceeded, DeployFailure.
        """
        migrated = migrated or Migrated(report_id(self.new, "migrate"))
        self._require_room(self._survey().opened)
        self._drain(drain_s)
        migrated.retired = carry_out(self.old, Retire(self.old), self.owner, only=(self.chain,), ask=ask)
        if migrated.retired.exit_code != 0:
            (retired,) = migrated.retired.chains
            migrated.left += retired.left or ["not retired"]
            migrated.left += left_to_others("retire the old contract", retired.results)
            return migrated
        survey = self._survey()
        opened = survey.opened
        migrated.over += map(_stays, survey.over)
        self._move(opened, migrated)
        if not migrated.left:
            self._compare(opened, migrated)
        migrated.left += [
            f"{one.tx_id} is {one.state}, and was not moved: its time was over before; agree on it anew"
            for one in survey.blocked
        ]
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

    def _require_room(self, opened: list[Saved]) -> None:
        chain = self._chain(self.new)
        problems = unfit(take(self.new, chain, block=chain.rpc.block_number()), opened)
        if problems:
            raise UsageError(
                f"{self.chain}: expected a new contract without transactions, {chain.contract} holds {len(problems)} "
                f"({problems[0]}): deploy another"
            )

    def _move(self, opened: list[Saved], migrated: Migrated) -> None:
        chain = self._chain(self.new)
        requests = [_request(one) for one in opened if chain.reader.state(one.tx_id) == "EMPTY"]
        calls = batched(chain, self.operator.sender(chain), requests)
        results = self.operator.execute(chain, calls)
        migrated.results += results
        audit(self.new, migrated.id, self.operator.described, results)
        migrated.left += left_to_others("buffer in the new contract", results)
        if failed := [result for result in results if result.outcome not in ("confirmed", "proposed")]:
            raise DeployFailure(
                f"{self.chain}: {failed[0].call.text[:100]} is {failed[0].outcome}: {failed[0].reason}; run the "
                "command again, it goes on from here"
            )

    def _compare(self, opened: list[Saved], migrated: Migrated) -> None:
        reader = self._chain(self.new).reader
        for one in opened:
            there = reader.transaction(one.tx_id)
            pairs = [(name, getattr(one, name), getattr(there, name)) for name in MOVED]
            wrong = [(one.tx_id, *pair) for pair in pairs if pair[1] != pair[2]]
            migrated.differences += wrong
            migrated.moved += not wrong


def _stays(one: Saved) -> str:
    return f"{one.tx_id} stays BUFFERED in the old contract: its window is over, and no expire_transaction ends it"


def _request(saved: Saved) -> CallRequest:
    fields = (saved.tx_id, saved.origin, saved.target, saved.payload or "0x", saved.dependency, saved.timestamp)
    return ("buffer_transaction", fields)
