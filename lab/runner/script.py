"""Scenarios that need logic: Python functions that drive a run through this, step by step.

The set-up (networks, flows, window, checks) stay data, as in a scenario file; only the timeline is code. What the
code finds is recorded as expectations, and judged with the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lab.checks.lateness import late_ms
from lab.coordinator import Reader, role_account
from lab.coordinator.calling import all_roles
from lab.errors import UsageError
from lab.faults import FAULTS
from lab.model.records import ROW_LEFT_OUT, Tx
from lab.rpc import RpcRefused
from lab.runner.operations import WAIT_MS, Pending
from lab.runner.requirements.optional import lacking
from lab.runner.requirements.room import Room, buffers
from lab.runner.requirements.unmet import MissingFunction, Unmeasured
from lab.runner.run import Run
from lab.runner.sending import GAS, Deployed, deploy, deploy_again, gas_with_room, send_all
from lab.runner.steps.acting import buffer_arguments
from lab.runner.steps.expecting import Expecting
from lab.runner.steps.lateness import within
from lab.validation import describe, suggestion


class Script(Expecting):
    """One run, driven from Python. Every call returns when its transaction is mined."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._room = Room(run)

    def has(self, *functions: str) -> bool:
        """Whether the contract under test has all of these functions."""
        return self.run.lab.spec.target.codec.has(*functions)

    def needs(self, *parts: str, functions: Sequence[str] = (), rows: Sequence[str] = ()) -> bool:
        """Whether the contract has these optional parts, and these functions of such parts.

        Where it does not, what follows is left out: say so by skipping it. The verdict names the part. `rows` of the
        checklist that are shown by it alone are not exercised then.
        """
        missing = lacking(self.run.lab.spec.target, parts, functions)
        self._leave_out(missing, rows)
        return not missing

    def needs_source(self, rows: Sequence[str]) -> bool:
        """Whether the contract was given as a source. What follows is left out for an artifact, as in `needs`."""
        path = self.run.lab.spec.target.contract.source_path
        missing = [] if path.suffix == ".vy" else [f"a source that the lab compiles ({path.name} is an artifact)"]
        self._leave_out(missing, rows)
        return not missing

    def needs_no_proxy(self, rows: Sequence[str]) -> bool:
        """Whether the contract stands behind no proxy of lab.yaml, else as in `needs`."""
        proxied = self.run.lab.spec.target.proxied is not None
        if proxied:
            self._leave_out(["a form without its proxy (`lab live` deploys and verifies none)"], rows)
        return not proxied

    def _leave_out(self, missing: Sequence[str], rows: Sequence[str]) -> None:
        self.run.leave_out(missing)
        for row in rows if missing else ():
            self.note(ROW_LEFT_OUT, f"{row}: the contract lacks {', '.join(missing)}")

    def _require(self, function: str) -> None:
        if not self.has(function):
            raise MissingFunction(function)

    def due(self, chain: str, count: int, lead_s: int) -> int:
        """A timestamp so long after `count` operations of an account, which take blocks where one takes few of them."""
        return self._room.due(chain, count, lead_s)

    def call(self, chain: str, function: str, *args: Any, role: str = "operator") -> Pending:
        """Send a transaction that calls the contract, as a role. Look at `outcome` and `revert` of what it returns."""
        (pending,) = self.calls([(chain, function, args, role)])
        return pending

    def calls(self, calls: list[tuple[str, str, tuple[Any, ...], str]]) -> list[Pending]:
        """Several at once: (chain, function, args, role) each. Returns when all have ended."""
        return self.finish([self.begin(chain, function, *args, role=role) for chain, function, args, role in calls])

    def begin(self, chain: str, function: str, *args: Any, role: str = "operator") -> Pending:
        """Send a call without waiting for it; it is sent again when it gets lost. `finish` waits."""
        self._require(function)
        self._steps += 1
        self._room.expect_room(chain, [(function, args)], ahead=self.run.operations.ahead(chain, role))
        op_id = f"call#{self._steps}"
        pending = self.run.operations.start(op_id, chain, function, args, role, finished=lambda _: None)
        self.run.all_operations.append(pending)
        return pending

    def finish(self, pendings: list[Pending]) -> list[Pending]:
        """Wait until calls have ended. Raises NoRoom where a leg's time came while one waited for a block."""
        self.run.lab.scheduler.advance_until(
            lambda: all(pending.done for pending in pendings),
            deadline_ms=self.run.now_ms + WAIT_MS,
            step_ms=250,
            waiting_for="the calls to end",
        )
        self._room.expect_on_time(pendings)
        return pendings

    def buffer(self, leg: str, *, role: str = "operator") -> Pending:
        """Buffer a declared leg on its chain."""
        spec = self.run.item.leg(leg)
        return self.call(spec.chain, "buffer_transaction", *buffer_arguments(self.run, spec), role=role)

    def bulk(
        self, chain: str, calls: Sequence[tuple[str, Sequence[Any]]], *, role: str = "operator", gas: int = GAS
    ) -> list[Tx]:
        """Many calls (function, args) of one role, handed over together; the transactions once all are mined.

        Raises NoRoom where the contract takes so few in a block that one would come after its time.
        """
        target = self.run.lab.spec.target
        codec = target.codec
        for function, _ in calls:
            self._require(function)
        self._room.expect_room(chain, calls)
        beside = [(call, args) for name, args in calls for call in all_roles(name, codec.functions, codec.names)[1:]]
        data = [(target.address, codec.encode(function, args, any_width=True)) for function, args in [*calls, *beside]]
        return send_all(self.run, chain, role, data, gas, buffering=buffers(calls))[: len(calls)]

    def gas(self, chain: str, function: str, args: Sequence[Any], *, at_least: int, role: str = "operator") -> int:
        """A gas limit with room for calls such as this one, as the contract needs it now; at least what is given.

        Raises Unmeasured where the call would revert: there is nothing to size by, and no use in sending many of them.
        """
        self._require(function)
        target, data = self.run.lab.spec.target, self.run.lab.spec.target.codec.encode(function, args)
        try:
            room = gas_with_room(self.run.lab.chains[chain], role_account(role).address, target.address, data)
            return max(at_least, room)
        except RpcRefused as refused:
            raise Unmeasured(
                f"{chain}: {function} reverts: {target.codec.reasons.decoded(refused.data) or refused.reason}"
            ) from None

    def deploy(self, chain: str, path: Path, *args: Any, role: str = "owner") -> Deployed:
        """Put another contract on a chain, by a role."""
        return deploy(self.run, chain, path, args, role)

    def deploy_again(self, chain: str, role: str = "owner") -> Deployed:
        """Put the contract under test on a chain once more."""
        return deploy_again(self.run, chain, role)

    def call_other(self, contract: Deployed, function: str, *args: Any, role: str = "operator", gas: int = GAS) -> Tx:
        """Call a contract that this scenario deployed."""
        request = (contract.address, contract.codec.encode(function, args))
        (tx,) = send_all(self.run, contract.chain, role, [request], gas)
        return tx

    def read_other(self, contract: Deployed, function: str, *args: Any) -> Any:
        """What a view of such a contract returns now."""
        rpc = self.run.lab.chains[contract.chain].look()
        answer = rpc.eth_call(contract.address, contract.codec.encode(function, args))
        values = contract.codec.decode_result(function, answer)
        return values[0] if len(values) == 1 else values

    def read(self, chain: str, function: str, *args: Any) -> Any:
        """What a view returns now, over the lab's own connection."""
        self._require(function)
        return self.reader(chain).get(function, *args)

    def read_at(self, chain: str, address: str, function: str, *args: Any) -> Any:
        """The same, of another contract of the same interface."""
        reader = self.reader(chain)
        return Reader(reader.rpc, reader.codec, address, reader.numbering).get(function, *args)

    def reader(self, chain: str) -> Reader:
        """All reads of one chain as of now."""
        return self.run.lab.reader(chain)

    def states(self, legs: Iterable[str]) -> dict[str, str]:
        """The states of declared legs now, by leg."""
        return {leg.name: self.reader(leg.chain).state(leg.tx_id) for leg in map(self.run.item.leg, legs)}

    def until_executed(self, legs: Sequence[str], within_s: float) -> None:
        """Let time pass until declared legs are EXECUTED, at most so long; whether they are is an expectation."""
        start_s, within_ms = self.now_s, round(within_s * 1000)
        start_ms = self.run.now_ms
        if not self._all_executed(legs, start_ms + within_ms):
            # What comes too late by less than the machine is nobody's fault.
            lag_ms = late_ms(self.run.history(), start_ms, self.run.now_ms)
            self._all_executed(legs, start_ms + within_ms + min(within_ms, lag_ms))
        after = self.states(legs)
        shown = ", ".join(f"{leg} {state}" for leg, state in after.items())
        met, duration = within(self.run, start_s, within_s, self.now_s)
        executed = set(after.values()) == {"EXECUTED"}
        self.expect("every leg to be executed", f"{shown}; {duration}" if executed else shown, met=executed and met)

    def _all_executed(self, legs: Sequence[str], until_ms: int) -> bool:
        """Let time pass until they are, or `until_ms`; whether they are."""
        while not (executed := set(self.states(legs).values()) == {"EXECUTED"}) and self.run.now_ms < until_ms:
            self.run.lab.scheduler.advance_to(min(until_ms, self.run.now_ms + 1_000))
        return executed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.advance_to((self.run.now_ms + round(seconds * 1000)) / 1000)

    def advance_to(self, seconds: float) -> None:
        """Let time pass until this second since genesis. If it is over already, what follows comes late, on record.

        Raises NoRoom where that is since the contract takes few operations in a block.
        """
        due_ms, what = round(seconds * 1000), "what follows a wait"
        if due_ms >= self.run.now_ms:
            self.run.advance_to(due_ms, what)
            return
        self._room.expect_reached(due_ms)
        self.run.note_late(what, due_ms)

    def note(self, kind: str, text: str, chain: str | None = None) -> None:
        """Put a mark on the time line."""
        self.run.note(kind, text, chain)

    def inject(self, fault_id: str, kind: str, **parameters: Any) -> None:
        """Start a fault, with the keys of a `fault:` step. Raises UsageError for what such a step may not say."""
        if kind not in FAULTS:
            raise UsageError(f"{fault_id}: unknown fault '{kind}'{suggestion(kind, FAULTS)}")
        model, step = FAULTS[kind].spec, {"fault": kind, **parameters}
        try:
            fault = model.model_validate_json(json.dumps(step), strict=True)
        except ValidationError as error:
            problems = (describe(detail, step, model).message for detail in error.errors())
            raise UsageError(f"{fault_id}: {kind}: {'; '.join(problems)}") from None
        self.run.inject(fault_id, fault)

    def heal(self, fault_id: str) -> None:
        """End it."""
        self.run.heal(fault_id)
