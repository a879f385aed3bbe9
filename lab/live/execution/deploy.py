"""Puts a contract on real networks and sets it up there: each network in a thread of its own, each step journaled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from lab.errors import DeployFailure, LabError
from lab.live.declaration.deployment_file import Target
from lab.live.declaration.owner import ZERO
from lab.live.execution.transactions import Sender
from lab.live.execution.waiting import Waiting
from lab.live.journaling.side_by_side import side_by_side
from lab.live.journaling.undertaking import Undertaking
from lab.live.planning.steps import (
    DEPLOY,
    Step,
    code_difference,
    differences,
    initializers,
    read_standing,
    steps_after_creation,
)
from lab.live.signers import Signer
from lab.live.signers.serial import SerialSigner
from lab.live.signers.transaction import data_of
from lab.model.record_parts.about import About
from lab.rpc import Rpc

# A file that asks for more rounds than this never comes to rest: somebody else changes the contract.
ROUNDS_MAX = 3
# The getters of what these calls set.
_SETS = {
    "add_operator": "authorized_operators",
    "remove_operator": "authorized_operators",
    "set_coordination_window": "coordination_window",
}


@dataclass(slots=True)
class Outcome:
    """How it went on one network. `problem` None: the contract stands there as declared, but for `open_ends`."""

    network: str
    address: str | None = None
    done: list[str] = field(default_factory=list)
    open_ends: list[str] = field(default_factory=list)
    problem: LabError | None = None
    about: About | None = None


def deploy_all(
    work: Undertaking, targets: Sequence[Target], signer: Signer, waiting: Waiting | None = None
) -> list[Outcome]:
    """One outcome for each network, in order; trouble on one does not hold the others up."""
    shared, patience = SerialSigner(signer), waiting or Waiting()
    return side_by_side([partial(deploy_one, work, target, shared, patience) for target in targets])


def deploy_one(work: Undertaking, target: Target, signer: Signer, waiting: Waiting) -> Outcome:
    """To one network; trouble is in the outcome."""
    outcome = Outcome(target.name)
    try:
        _deploy(work, target, signer, waiting, outcome)
    except LabError as error:
        outcome.problem = error
    return outcome


def _deploy(work: Undertaking, target: Target, signer: Signer, waiting: Waiting, outcome: Outcome) -> None:
    connection = work.connect(target)
    rpc = connection.rpc
    sender = Sender(work, target, rpc, signer, waiting)
    created = sender.carry_out(Step(DEPLOY), None)
    address = outcome.address = created.entry.address or ""
    outcome.done.append(DEPLOY)
    _check_code(work, rpc, target, address, sender.caught_up())
    connection.transport.agreeing(int(created.receipt["blockNumber"], 16))
    for step in _unfinished(work, target, sender):
        sender.carry_out(step, address)
        outcome.done.append(step.name)
    for _ in range(ROUNDS_MAX):
        standing = read_standing(work, target, rpc, address, block=sender.caught_up())
        steps = steps_after_creation(work.codec, work.deployment, target, work.deployer, standing)
        if not steps:
            break
        if standing.owner != work.deployer and not (standing.owner == ZERO and initializers(work.codec, work.deployer)):
            raise DeployFailure(
                f"{target.name}: expected the deployer to own {address} until all is set up, its owner is "
                f"{standing.owner}; left to do by the owner: {', '.join(step.name for step in steps)}"
            )
        for step in steps:
            sender.carry_out(_distinct(work, target, step), address)
            outcome.done.append(step.name)
    else:
        undone = work.codec.decode_call(steps[0].data or "")
        outcome.about = About(field=_SETS.get(undone.function, "") if undone else "")
        raise DeployFailure(
            f"{target.name}: expected {address} to be set up, something undoes "
            f"what was done; left: {', '.join(step.name for step in steps)}"
        )
    outcome.open_ends = differences(work.deployment, target, work.deployer, standing)
    work.notify(f"{target.name}: set up at {address}")


def _unfinished(work: Undertaking, target: Target, sender: Sender) -> list[Step]:
    """Steps that an earlier command signed and did not see final, in their order.

    One whose final block is gone, by a reorg deeper than the finality in force, is sent again like any other.
    """
    names = dict.fromkeys(entry.step for entry in work.journal.of(target.name) if entry.step != DEPLOY)
    signed = {name: attempts for name in names if (attempts := work.journal.under_way(target.name, name))}
    return [
        Step(name, data_of(attempts[-1].raw))
        for name, attempts in signed.items()
        if (final := work.journal.last(target.name, name, "final")) is None or not sender.stays(final)
    ]


def _distinct(work: Undertaking, target: Target, step: Step) -> Step:
    """A step that was carried out before and is needed again, since somebody undid it, is another one."""
    entries = work.journal.of(target.name)
    times = sum(entry.event == "final" and entry.step.split(" #")[0] == step.name for entry in entries)
    return step if times == 0 else Step(f"{step.name} #{times + 1}", step.data)


def _check_code(work: Undertaking, rpc: Rpc, target: Target, address: str, block: int) -> None:
    """The code that stands there is what the creation code returns. Raises DeployFailure."""
    if other := code_difference(rpc, work.contract.bytecode, work.deployer, address, block=block):
        raise DeployFailure(f"{target.name}: {other} (block {block})")
