"""Puts a contract on real networks and sets it up there: each network in a thread of its own, each step journaled."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from lab.deploy.compiled import hash_hex
from lab.errors import DeployFailure, LabError
from lab.live.declaration.deployment_file import Target
from lab.live.execution.transactions import Sender, Waiting
from lab.live.journaling.undertaking import Undertaking
from lab.live.planning.steps import DEPLOY, Step, accounts_of, differences, read_standing, steps_after_creation
from lab.live.signers import Signed, Signer, Unsigned
from lab.live.signers.transaction import data_of
from lab.rpc import Rpc

# A file that asks for more rounds than this never comes to rest: somebody else changes the contract.
ROUNDS_MAX = 3


@dataclass(slots=True)
class Outcome:
    """How it went on one network. `problem` None: the contract stands there as declared, but for `open_ends`."""

    network: str
    address: str | None = None
    done: list[str] = field(default_factory=list)
    open_ends: list[str] = field(default_factory=list)
    problem: LabError | None = None


class _OneAtATime:
    """A signer that several threads share: a device or a person signs one thing at a time."""

    def __init__(self, signer: Signer) -> None:
        self._signer, self._lock = signer, threading.Lock()
        self.address, self.described = signer.address, signer.described

    def sign(self, transaction: Unsigned) -> Signed:
        """See `Signer`."""
        with self._lock:
            return self._signer.sign(transaction)


def deploy_all(
    work: Undertaking, targets: Sequence[Target], signer: Signer, waiting: Waiting | None = None
) -> list[Outcome]:
    """One outcome for each network, in order; trouble on one does not hold the others up."""
    shared, patience = _OneAtATime(signer), waiting or Waiting()
    with ThreadPoolExecutor(max_workers=len(targets)) as pool:
        return list(pool.map(lambda target: _attempt(work, target, shared, patience), targets))


def _attempt(work: Undertaking, target: Target, signer: Signer, waiting: Waiting) -> Outcome:
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
    _check_code(work, rpc, target, address, int(created.receipt["blockNumber"], 16))
    connection.transport.agreeing(int(created.receipt["blockNumber"], 16))
    for step in _unfinished(work, target):
        sender.carry_out(step, address)
        outcome.done.append(step.name)
    accounts = tuple(accounts_of(target, work.deployer))
    for _ in range(ROUNDS_MAX):
        standing = read_standing(rpc, work.codec, address, iter(accounts), "latest")
        steps = steps_after_creation(work.codec, work.deployment, target, work.deployer, standing)
        if not steps:
            break
        if standing.owner != work.deployer:
            raise DeployFailure(
                f"{target.name}: expected the deployer to own {address} until all is set up, its owner is "
                f"{standing.owner}; left to do by the owner: {', '.join(step.name for step in steps)}"
            )
        for step in steps:
            sender.carry_out(_distinct(work, target, step), address)
            outcome.done.append(step.name)
    else:
        raise DeployFailure(
            f"{target.name}: expected {address} to be set up, something undoes "
            f"what was done; left: {', '.join(step.name for step in steps)}"
        )
    outcome.open_ends = differences(work.deployment, target, work.deployer, standing)
    work.notify(f"{target.name}: set up at {address}")


def _unfinished(work: Undertaking, target: Target) -> list[Step]:
    """Steps that an earlier command signed and did not see final, in their order."""
    signed = {entry.step: entry for entry in work.journal.of(target.name) if entry.event == "signed"}
    return [
        Step(name, data_of(entry.raw))
        for name, entry in signed.items()
        if name != DEPLOY and work.journal.last(target.name, name, "final") is None
    ]


def _distinct(work: Undertaking, target: Target, step: Step) -> Step:
    """A step that was carried out before and is needed again, since somebody undid it, is another one."""
    entries = work.journal.of(target.name)
    times = sum(entry.event == "final" and entry.step.split(" #")[0] == step.name for entry in entries)
    return step if times == 0 else Step(f"{step.name} #{times + 1}", step.data)


def _check_code(work: Undertaking, rpc: Rpc, target: Target, address: str, block: int) -> None:
    """The code that stands there is what the creation code returns. Raises DeployFailure."""
    there = str(rpc.call("eth_getCode", address, "latest"))
    wanted = str(rpc.call("eth_call", {"from": work.deployer, "data": work.contract.bytecode}, "latest"))
    if there != wanted:
        raise DeployFailure(
            f"{target.name}: expected the contract's code at {address} (block {block}), there is other code: "
            f"{hash_hex(there)[:16]}, wanted {hash_hex(wanted)[:16]}"
        )
