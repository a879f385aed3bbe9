"""Steps that send transactions. They begin an operation and, once it has ended, judge its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from lab.checks.lateness import excuse
from lab.coordinator import rollup_address
from lab.coordinator.reads import ZERO_ID
from lab.deploy.layers import binds, demanded
from lab.model.records import LATE_OPERATION
from lab.runner.conditions import resolve_argument
from lab.runner.operations import Pending
from lab.runner.requirements.optional import ADMIN_FUNCTIONS
from lab.runner.run import Run
from lab.scenario.expectations import EventOutcome, RevertOutcome
from lab.scenario.item import LegSpec, Step
from lab.scenario.steps import AdminStep, BufferStep, CallStep, ExecuteStep, ResolveStep

# An operation is mined this many blocks after it was sent, at the latest.
BLOCKS = 2


def buffer(run: Run, step: Step) -> None:
    """`buffer_transaction` for a leg, or every leg of a flow."""
    legs = run.item.legs_of(cast("BufferStep", step.action).buffer)
    for leg in legs:
        begin(run, step, leg.chain, "buffer_transaction", buffer_arguments(run, leg), leg=leg.name, many=len(legs) > 1)


def resolve(run: Run, step: Step) -> None:
    """`resolve_dependency` for a leg."""
    leg = run.item.leg(cast("ResolveStep", step.action).resolve)
    begin(run, step, leg.chain, "resolve_dependency", [leg.tx_id], leg=leg.name)


def execute(run: Run, step: Step) -> None:
    """`mark_executed` for a leg."""
    leg = run.item.leg(cast("ExecuteStep", step.action).execute)
    begin(run, step, leg.chain, "mark_executed", [leg.tx_id], leg=leg.name)


def call(run: Run, step: Step) -> None:
    """Any function, as any role."""
    spec = cast("CallStep", step.action).call
    begin(run, step, spec.chain, spec.function, [resolve_argument(run.item, argument) for argument in spec.args])


def admin(run: Run, step: Step) -> None:
    """An administrative function, by the owner unless said otherwise."""
    spec = cast("AdminStep", step.action).admin
    arguments = [] if spec.value is None else [resolve_argument(run.item, spec.value)]
    begin(run, step, spec.chain, ADMIN_FUNCTIONS.get(spec.action, spec.action), arguments)


def buffer_arguments(run: Run, leg: LegSpec) -> list[Any]:
    """The arguments of `buffer_transaction` for a leg."""
    parent = run.item.leg(leg.after).tx_id if leg.after else ZERO_ID
    origin = rollup_address(leg.chain)
    target = rollup_address(leg.target_chain or "elsewhere")
    return [leg.tx_id, origin, target, "0x" + leg.payload.hex(), parent, run.lab.genesis_time + leg.at_ms // 1000]


def begin(
    run: Run, step: Step, chain: str, function: str, args: Sequence[Any], *, leg: str | None = None, many: bool = False
) -> None:
    """Start the operation; its outcome is judged when it has one."""
    suffix = f"/{leg}" if many else ""
    if not run.lab.spec.target.codec.has(function):
        expected, actual = f"{chain}: {function} to be called", f"the contract has no function {function}"
        run.expectation(step, expected, actual, met=False, suffix=suffix)
        return

    def finished(pending: Pending) -> None:
        if pending.outcome != "info":
            judge(run, step, pending, suffix)

    role = step.as_role or "operator"
    pending = run.operations.start(step.id + suffix, chain, function, args, role, leg=leg, finished=finished)
    run.waiting.append(pending)
    run.all_operations.append(pending)


def judge(run: Run, step: Step, pending: Pending, suffix: str) -> None:
    """Compare an operation's outcome with what the step expects of it."""
    expect = step.expect or "ok"
    subject, actual, target = pending.subject, pending.actual, run.lab.spec.target
    if isinstance(expect, EventOutcome) and not demanded(target, expect.event):
        expect = "ok"
    if isinstance(expect, RevertOutcome):
        expected, met = f'to revert with "{expect.revert}"', pending.reverted(expect.revert, target)
    elif isinstance(expect, EventOutcome):
        logs = pending.tx.logs if pending.tx is not None else ()
        bound = expect.reason if expect.reason is not None and binds(target, expect.reason) else None
        met = any(log.event == expect.event and bound in (None, log.args.get("reason")) for log in logs)
        seen = ", ".join(f"{log.event}({log.args.get('reason', '')})" for log in logs) or "no event"
        expected = f"to emit {expect.event}({expect.reason})" if expect.reason else f"to emit {expect.event}"
        actual = f"{actual}, {seen}"
    else:
        expected, met = f"to be {expect}", pending.outcome == ("ok" if expect == "ok" else "fail")
    why = None if met else _late(run, step, pending)
    if why is not None:
        actual = f"{actual}; it ended late: {why}"
        # What follows it in the scenario rests on it.
        run.note(LATE_OPERATION, f"{subject} ended late: {why}", pending.chain)
    run.expectation(step, f"{subject} {expected}", actual, met=None if why is not None else met, suffix=suffix)


def _late(run: Run, step: Step, pending: Pending) -> str | None:
    """Why nobody can be blamed for an operation that is not as expected: the machine brought it too late."""
    if step.at_ms is None:
        return None
    due_ms = step.at_ms + BLOCKS * run.lab.chains[pending.chain].profile.block_time_ms
    return excuse(run.recorder.history(), 0, due_ms, run.now_ms)
