"""Steps that send transactions. They begin an operation and, once it has ended, judge its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from lab.coordinator import rollup_address
from lab.coordinator.reads import ZERO_ID
from lab.deploy.layers import binds, demanded
from lab.model.record_parts.about import About
from lab.runner.conditions import resolve_argument
from lab.runner.operations import Pending
from lab.runner.requirements.optional import ADMIN_FUNCTIONS
from lab.runner.run import Run
from lab.runner.steps.lateness import in_time
from lab.scenario.expectations import EventOutcome, RevertOutcome
from lab.scenario.item import LegSpec, Step
from lab.scenario.steps import AdminStep, BufferStep, CallStep, ExecuteStep, ResolveStep


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
    subject, target = pending.subject, run.lab.spec.target
    seen, about = "", None
    if isinstance(expect, RevertOutcome):
        met, expected = pending.reverted(expect.revert, target), f'revert with "{expect.revert}"'
        about = About(function=pending.function, refusals=((expect.revert,), ()))
    elif isinstance(expect, EventOutcome) and demanded(target, expect.event):
        logs = pending.tx.logs if pending.tx is not None else ()
        bound = expect.reason if expect.reason is not None and binds(target, expect.reason) else None
        met = any(log.event == expect.event and bound in (None, log.args.get("reason")) for log in logs)
        seen = ", " + (", ".join(f"{log.event}({log.args.get('reason', '')})" for log in logs) or "no event")
        expected = f"emit {expect.event}({expect.reason})" if expect.reason else f"emit {expect.event}"
    else:
        wanted = "ok" if isinstance(expect, EventOutcome) else expect
        met, expected = pending.outcome == ("ok" if wanted == "ok" else "fail"), f"be {wanted}"
    held, actual = in_time(run, pending, met=met)
    run.expectation(step, f"{subject} to {expected}", actual + seen, met=held, suffix=suffix, about=about)
