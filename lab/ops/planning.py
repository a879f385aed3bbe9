"""The plan of a procedure on one chain: what is to be done in the present state, simulated, and what forbids it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lab.errors import LabError, printable
from lab.live.planning.identity import is_local, unfit_accounts
from lab.ops.chain import OperatedChain
from lab.ops.executors import Call, Executor
from lab.ops.operation import Operation
from lab.ops.simulation import first_revert
from lab.ops.state import ChainState, read_final, read_state

CallRequest = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Desired:
    """What a procedure wants in a state: calls by documented names, or nothing where all is as it should be.

    `problems` forbid it, `notes` are to be shown; `left` is what differs and is not for this sender to change. What is
    `urgent` goes before what others have still to sign.
    """

    calls: tuple[CallRequest, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    urgent: bool = False


class Procedure(Protocol):
    """One procedure. It is a function of the state: once it wants nothing, it is done."""

    @property
    def name(self) -> str:
        """As commands and records call it."""

    def accounts(self, chain: OperatedChain) -> tuple[str, ...]:
        """Whose roles it has to know there. May read the chain. Raises a LabError."""

    def wants(self, chain: OperatedChain, state: ChainState) -> Desired:
        """What is to be done there."""

    def sender(self, chain: OperatedChain, state: ChainState) -> str:
        """Who has to send it, in lower case: the owner, usually."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done on one chain. `seen` are the facts that it rests upon, at the newest block."""

    chain: str
    final: ChainState | None = None
    seen: dict[str, Any] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()
    notes: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    unread: str | None = None

    @property
    def sendable(self) -> bool:
        """Whether there is something to send, and nothing in the way."""
        return bool(self.calls) and not self.problems and self.unread is None


def plan_lines(plan: Plan) -> list[str]:
    """The plan for people: from which final block, each call with its data, what is left, noted, or in the way."""
    lines = [f"{plan.chain}{'' if plan.final is None else f' (final block {plan.final.block})'}"]
    for call in plan.calls:
        lines += [f"  to do    {call.text}", f"           to {call.to}, data {call.data}"]
    if not plan.calls and plan.unread is None and not plan.problems:
        lines.append("  nothing to do")
    said = {"left": plan.left, "note": plan.notes, "PROBLEM": [*plan.problems, *([plan.unread] if plan.unread else [])]}
    return [*lines, *(f"  {label:<8} {printable(line)}" for label, texts in said.items() for line in texts)]


def make_plan(operation: Operation, procedure: Procedure, executor: Executor, chain: OperatedChain) -> Plan:
    """Raises nothing: a chain that cannot be read is a plan that says so in `unread`."""
    try:
        return _planned(operation, procedure, executor, chain)
    except LabError as error:
        return Plan(chain.name, unread=str(error))


def _planned(operation: Operation, procedure: Procedure, executor: Executor, chain: OperatedChain) -> Plan:
    accounts = procedure.accounts(chain)
    final = read_final(chain, accounts, operation.timing)
    latest = read_state(chain, accounts, chain.rpc.block_number())
    desired, desired_final = procedure.wants(chain, latest), procedure.wants(chain, final)
    notes = list(desired.notes)
    if desired_final.calls and desired_final.calls != desired.calls:
        notes.append(
            f"block {latest.block} differs from the final block {final.block}: a change is on its way and not final yet"
        )
    calls = calls_of(chain, desired.calls, urgent=desired.urgent)
    problems = list(desired.problems)
    if calls and not problems:
        problems += _sender_problems(procedure.sender(chain, latest), executor, chain)
    unfit = unfit_accounts(_given_a_role(desired.calls))
    if unfit and not is_local(chain.rpc, chain.target):
        problems += unfit
    if calls and not problems and (revert := first_revert(chain.rpc, executor.sender(chain), calls)) is not None:
        problems.append("simulated, {} reverts: {}".format(*revert))
    return Plan(chain.name, final, latest.facts, calls, tuple(notes), desired.left, tuple(problems))


def _given_a_role(requests: Sequence[CallRequest]) -> dict[str, str]:
    """The accounts that calls give one, by what they get."""
    return {
        f"{function}, call {number}": str(args[0]).lower()
        for number, (function, args) in enumerate(requests, 1)
        if function == "propose_owner" or function.startswith("add_")
    }


def _sender_problems(required: str, executor: Executor, chain: OperatedChain) -> list[str]:
    sender = executor.sender(chain)
    if sender == required:
        return []
    return [
        f"expected {required} to send this, {sender} would: sign with its account "
        f"(--executor signer --from {required}), or let others do it (--executor calldata)"
    ]


def calls_of(
    chain: OperatedChain, requests: Sequence[CallRequest], to: str | None = None, *, urgent: bool = False
) -> tuple[Call, ...]:
    """The calls as the contract takes them, to itself or to another of the same interface."""
    return tuple(
        Call(chain.name, chain.chain_id, to or chain.contract, function, args, data, urgent=urgent)
        for function, args, data in ((*request, chain.codec.encode(*request)) for request in requests)
    )


def stale(operation: Operation, procedure: Procedure, chain: OperatedChain, plan: Plan) -> str | None:
    """Why a plan does not hold any more: somebody else changed what it rests upon. Raises a LabError."""
    now = read_state(chain, procedure.accounts(chain), chain.rpc.block_number()).facts
    before, after = dict(_flat(plan.seen)), dict(_flat(now))
    changed = [name for name, value in after.items() if value != before.get(name)]
    if not changed:
        return None
    shown = ", ".join(f"{name} was {_word(before.get(name))}, is {_word(after[name])}" for name in changed)
    return f"the plan went stale before it was sent ({shown}): nothing was sent here, run the command again"


def _flat(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each role and each setting by itself."""
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from ((f"{name} {key}", inner) for key, inner in value.items())
        else:
            yield name, value


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
