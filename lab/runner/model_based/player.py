"""Plays sequences on a node by simulation: nothing is sent, and every sequence starts from the same state.

Each second of a sequence is a block. After every call come the views that it could have changed; at the end all views
of all transactions and accounts that the sequence speaks of.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Several
from dataclasses import replace
from itertools import groupby
from random import Random
from typing import Any

from lab.coordinator.accounts import ROLES, role_account
from lab.coordinator.behaviour import PAYLOAD_MAX, Behaviour
from lab.coordinator.comparison import view_differing, wanted_view
from lab.coordinator.reads import fields_read, stored_fields, stored_places
from lab.coordinator.states import StateNumbering
from lab.coordinator.values import plain
from lab.deploy.deployer import Deployable
from lab.model.contract.batches import ids_of
from lab.model.record_parts.about import About, Difference
from lab.rpc import Rpc, RpcFailure
from lab.runner.model_based.build import Builder, Traits
from lab.runner.model_based.elsewhere import Elsewhere
from lab.runner.model_based.first_model import first_life, first_model
from lab.runner.model_based.judge import Allowance, Deviation, Judge
from lab.runner.model_based.measured import JUDGES
from lab.runner.model_based.sequence import USUAL, Block, Due, Sequence, Step, strings_of
from lab.runner.model_based.spaced import Calls, simulated

SCALARS = ("transaction_count", "coordination_window", "owner", "paused")
BY_ID = ("get_transaction_state", "get_transaction_details", "is_transaction_ready", "transactions")
# What is read after each call; all else at the end of a sequence.
AFTER = ("get_transaction_state", "is_transaction_ready")
CHANGES = {
    "transaction_count": ("buffer_transaction", "buffer_batch"),
    "coordination_window": ("set_coordination_window",),
    "owner": ("accept_ownership",),
    "paused": ("pause", "unpause", "resolve_dependency", "resolve_batch", "mark_failed", "expire_transaction"),
}
GAP_BLOCKS_MAX, PER_BLOCK_MAX = 8, 16
SPARSE_EVERY = 50
# Of long sequences most calls are of these, and what they leave is read at the end.
SELDOM_READ = ("buffer_transaction", "mark_executed")

Read = tuple[str, tuple[Any, ...]]


class Player:
    """One contract on one node, as it was set up."""

    def __init__(self, rpc: Rpc, target: Deployable, numbering: StateNumbering, address: str | None = None) -> None:
        """`address`: where it stands, if not where the lab puts the contract under test."""
        self.rpc, self.codec, self.numbering = rpc, target.codec, numbering
        self.address, self.limits, codec = address or target.address, target.limits, target.codec
        self.start = int((rpc.block("latest") or {})["timestamp"], 16) + 10
        self.calls = self.compared = 0
        self.chain_id = rpc.chain_id()
        self._elsewhere = Elsewhere(rpc, target, self.start)
        self._encoded: dict[tuple[str, tuple[Any, ...]], str] = {}
        self._decoded: dict[tuple[str, str], list[Any]] = {}
        self.views = [name for name in SCALARS if codec.has(name)]
        roles = ("operator", *codec.names.second_roles)
        self._changes_of_role = {f"{verb}_{role}" for verb in ("add", "remove") for role in roles}
        self._places = stored_places(codec)
        self._by_id = [name for name in BY_ID if codec.has(name) and (name != "transactions" or self._places)]
        self._learnt: dict[str, str] = {}
        self.model = first_model(self, USUAL)
        self._models: dict[int, Behaviour | None] = {}
        self.traits = Traits(
            frozenset(codec.functions),
            per_block=min(self.limits.per_block or PER_BLOCK_MAX, PER_BLOCK_MAX),
            gap_blocks=self.limits.resolve_after_blocks or 0,
            payload_max=self.limits.payload_bytes if self.limits.payload_bytes is not None else PAYLOAD_MAX,
            horizon_s=self.limits.horizon_seconds,
            window_s=self.model.window,
            start=self.start,
            second_roles=tuple(codec.names.second_roles),
            bounded=self.limits.operators is not None,
        )

    def learn(self) -> str | None:
        """Find out how many blocks it wants between buffering and resolution, and how many calls it takes in a block.

        Returns why no transaction ever becomes READY, else None.
        """
        for gap in range(self.traits.gap_blocks, GAP_BLOCKS_MAX + 1):
            self.traits = replace(self.traits, gap_blocks=gap)
            trouble = first_life(self)
            if trouble is None:
                break
        else:
            return f"no transaction becomes READY: {trouble}"
        make = Builder(Random(0), self.traits, 0)
        for _ in range(self.traits.per_block):
            make.buffer(Due(make.now + 99))
        fits = [result["status"] == "0x1" for result in self.results(make.steps)]
        self.traits = replace(self.traits, per_block=max(1, fits.index(False) if False in fits else len(fits)))
        return None

    def results(self, steps: Several[Step], like: Block = USUAL) -> list[dict[str, Any]]:
        """What became of the calls, each second a block; no view is read."""
        blocks, second = list[Calls](), 0
        for at, group in groupby(steps, key=lambda step: step.at):
            blocks += self._gap(at, second if blocks else at)
            blocks.append((self.start + at, [(step.sender, step.function, self._placed(step.args)) for step in group]))
            second = at
        return [result for block in self.simulate(blocks, like) for result in block]

    def _gap(self, at: int, before: int) -> list[Calls]:
        """Empty blocks between two seconds, where a contract wants some between a buffering and its resolution."""
        return [(self.start + at - left, []) for left in range(min(self.traits.gap_blocks, at - before - 1), 0, -1)]

    def play(self, sequence: Sequence) -> Deviation | None:
        """The first deviation of a sequence, or None. Raises RpcFailure where the node does not answer."""
        if sequence.kind in JUDGES:
            self.compared += 1
            results = self.results(sequence.steps)
            return JUDGES[sequence.kind](sequence.steps, results)
        model = self.model_in(sequence.block)
        if model is None:
            return None
        self.compared += 1
        judge = Judge(model, self._learnt, self._allowance())
        index = -1
        for step, result, reads in self._play(sequence):
            now = self.start + (step.at if step else sequence.steps[-1].at + 1)
            if step is not None:
                index += 1
                what = self._outcome(judge, step, now, result)
                if what is not None:
                    return Deviation(step, what.text, index, what.about)
            for read, answer in reads:
                what = self._view(judge, step, now, read, answer)
                if what is not None:
                    return Deviation(step, what.text, index, what.about)
        return None

    def model_in(self, like: Block) -> Behaviour | None:
        """What the contract says of itself in such blocks; None where it cannot be used on such a chain at all."""
        if like.chain_id is None:
            return self.model
        if like.chain_id not in self._models:
            usable = first_life(self, like) is None
            self._models[like.chain_id] = first_model(self, like) if usable else None
        return self._models[like.chain_id]

    @property
    def unusable(self) -> list[int]:
        """Chain ids with which the contract could not be set up, or brought no transaction to READY."""
        return [chain_id for chain_id, model in self._models.items() if model is None]

    def _allowance(self) -> Allowance:
        return Allowance(
            patience_s=max(self.traits.gap_blocks, self.limits.resolve_after_seconds or 0),
            delay_s=self.limits.resolve_after_seconds or 0,
            horizon_s=self.traits.horizon_s,
            operators=self.limits.operators,
        )

    def _outcome(self, judge: Judge, step: Step, now: int, result: dict[str, Any]) -> Difference | None:
        ok = result["status"] == "0x1"
        events = [event for log in result["logs"] if (event := self.codec.decode_log(log)) is not None] if ok else []
        paused = judge.model.paused
        args = self._placed(step.args)
        if not ok and self.codec.is_beyond(step.function, args):
            return None
        what = judge.outcome(step.function, args, step.sender, now, ok, events)
        if what is None:
            return None
        text, about = what.text, what.about
        if not ok:
            reason = self.codec.reasons.decoded(result["returnData"])
            text += f"; it says {reason!r}" if reason else "; without a reason"
            about = About(refusals=((), (reason,))) if reason else about
        return Difference(f"{text} while paused" if paused else text, about)

    def _view(self, judge: Judge, step: Step | None, now: int, read: Read, answer: dict[str, Any]) -> Difference | None:
        name, args = read
        if answer["status"] != "0x1":
            reason = self.codec.reasons.decoded(answer["returnData"])
            return Difference(f"expected the view {name} to answer, it reverted; {reason!r}")
        try:
            got = self.values(name, answer)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            return Difference(f"expected the view {name} to answer as documented; {error}")
        if step is not None and name == "get_transaction_state" and args[0] in ids_of(step.args):
            odd = judge.take_over(step.function, args[0], got[0], now)
            if odd is not None:
                return Difference(odd)
        if name == "paused" and got[0] and judge.model.events and judge.model.events[-1][0] == "TransactionFailed":
            judge.model.paused = True  # a circuit breaker of its own
        when = "at the end" if step is None else "afterwards"
        known = fields_read(name, self._places)
        return view_differing(name, got, wanted_view(judge.model, name, args, now, known), when, known)

    def _play(
        self, sequence: Sequence
    ) -> Iterator[tuple[Step | None, dict[str, Any], list[tuple[Read, dict[str, Any]]]]]:
        """Each step with its result, and the views after it with theirs; at last None with the views at the end."""
        blocks: list[Calls] = []
        plan: list[tuple[Step | None, list[Read]]] = []
        user, second, last = role_account("user").address, 0, self._reads_at_end(sequence)
        for at, group in groupby(sequence.steps, key=lambda step: step.at):
            blocks += self._gap(at, second if blocks else at)
            calls: list[tuple[str, str, tuple[Any, ...]]] = []
            for step in group:
                args = self._placed(step.args)
                few = len(plan) < sequence.sparse and len(plan) % SPARSE_EVERY > 0
                reads = self._reads_after(step.function, args, few)
                reads += [read for read in last if read not in reads] if sequence.thorough else []
                calls += [(step.sender, step.function, args), *((user, *read) for read in reads)]
                plan.append((step, reads))
            blocks.append((self.start + at, calls))
            second = at
        last = [] if sequence.cut else last
        blocks.append((self.start + second + 1, [(user, *read) for read in last]))
        results = iter([result for block in self.simulate(blocks, sequence.block) for result in block])
        for step_or_none, reads in [*plan, (None, last)]:
            outcome = next(results) if step_or_none is not None else {}
            yield step_or_none, outcome, [(read, next(results)) for read in reads]

    def _reads_after(self, function: str, args: tuple[Any, ...], few: bool) -> list[Read]:
        if few and function in SELDOM_READ:
            return []
        # The state first: what an expired transaction becomes is learnt from it.
        by_id = AFTER[:1] if few else AFTER
        reads: list[Read] = [(name, (tx_id,)) for tx_id in ids_of(args) for name in self._by_id if name in by_id]
        reads += [(name, ()) for name in self.views if function in CHANGES.get(name, ())]
        changed = args[:1] if function in self._changes_of_role else ()
        return reads + [(getter, (account,)) for account in changed for getter in self.codec.role_getters.values()]

    def _reads_at_end(self, sequence: Sequence) -> list[Read]:
        ids, accounts = dict[str, None](), dict.fromkeys(role_account(role).address for role in ROLES)
        for step in sequence.steps:
            accounts[step.sender] = None
            if step.function in self._changes_of_role:
                accounts[step.args[0]] = None
        for value in strings_of([step.args for step in sequence.steps]):
            if len(value) == 66:
                ids[value] = None
            elif len(value) == 42:
                accounts[value] = None
        reads: list[Read] = [(name, (tx_id,)) for tx_id in ids for name in self._by_id]
        reads += [(name, ()) for name in self.views]
        return reads + [(getter, (account,)) for getter in self.codec.role_getters.values() for account in accounts]

    def _placed(self, value: Any) -> Any:
        """Arguments with relative timestamps made absolute."""
        if isinstance(value, Due):
            return self.start + int(value)
        return type(value)(map(self._placed, value)) if isinstance(value, (list, tuple)) else value

    def values(self, name: str, answer: dict[str, Any]) -> list[Any]:
        """A view's answer, value by value: states by name, those unknown to all as EXPIRED."""
        key = name, answer["returnData"]
        if key not in self._decoded:
            values = [plain(value) for value in self.codec.decode_result(*key)]
            if name == "transactions":
                values = list(stored_fields(self._places, values).values())
            if "state" in fields_read(name, self._places):
                values[-1] = self._state(values[-1])
            self._decoded[key] = values
        return self._decoded[key]

    def _data(self, function: str, args: tuple[Any, ...]) -> str:
        """Call data. That of ids and accounts is kept, since the same views are read after call upon call."""
        if not all(isinstance(value, str) for value in args):
            return self.codec.encode(function, args, any_width=True)
        key = function, args
        if key not in self._encoded:
            self._encoded[key] = self.codec.encode(function, args, any_width=True)
        return self._encoded[key]

    def _state(self, number: int) -> str:
        try:
            return self.numbering.name(number)
        except ValueError:
            return "EXPIRED"

    def simulate(self, blocks: list[Calls], like: Block = USUAL) -> list[list[dict[str, Any]]]:
        self.calls += sum(len(calls) for _, calls in blocks)
        if like.chain_id is not None:
            return self._elsewhere.simulate(blocks, like, self._data, self.model.window)
        head = self.rpc.block_number() if like.apart > 1 else 0
        requests = simulated(blocks, like, head, self.address, self._data)
        answer = self.rpc.call("eth_simulateV1", {"blockStateCalls": requests}, "latest", timeout_s=60)
        if not isinstance(answer, list) or len(answer) != len(blocks):
            raise RpcFailure(
                "eth_simulateV1", f"expected {len(blocks)} blocks from eth_simulateV1, got {str(answer)[:80]}"
            )
        return [block["calls"] for block in answer]
