"""What the commands of `lab ops` do: open the deployment, choose the executor, carry the procedure out, print."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.commands.live.terminal import ask_password, interruptible, notify
from lab.commands.ops.printing import ask_to_send, show
from lab.errors import NotDeployed, UsageError
from lab.ops.executors import CalldataExecutor, Executor
from lab.ops.inspection import Look, inspect_chains
from lab.ops.opening import Opened, open_operation
from lab.ops.planning import Procedure
from lab.ops.procedure import Ask, carry_out
from lab.ops.procedures.operators import checked_address
from lab.ops.report import Report

DEPLOYMENT, SESSION = Path("deployment.yaml"), Path("up/session.json")
SIGNER, CALLDATA, SAFE = "signer", "calldata", "safe"


@dataclass(frozen=True, slots=True)
class Choice:
    """What every command is told: the deployment, what is declared, which chains, who sends, how it is shown."""

    deployment: Path | None = None
    declared: Path | None = None
    only: tuple[str, ...] = ()
    every: bool = False
    executor: str = SIGNER
    sender: str | None = None
    yes: bool = False
    as_json: bool = False
    results: Path = Path("results")

    @property
    def path(self) -> Path:
        """The file that says where the contracts are. Raises UsageError where there is none to be seen."""
        if self.deployment is not None:
            return self.deployment
        for path in (DEPLOYMENT, self.results / SESSION):
            if path.exists():
                return path
        raise UsageError(
            f"expected {DEPLOYMENT} or {self.results / SESSION} (`lab up`) here: name a file by --deployment"
        )

    @property
    def ask(self) -> Ask | None:
        """None: everything is sent without a question."""
        return None if self.yes else ask_to_send


def opened(choice: Choice, *, empty: bool = False) -> Opened:
    """Raises UsageError for an unfit file, NotDeployed where there is no contract, unless it may be `empty`."""
    there = open_operation(
        choice.path,
        results=choice.results,
        notify=notify,
        ask=ask_password,
        declared=choice.declared,
        only=choice.only,
    )
    if not empty and not there.operation.chains:
        raise NotDeployed("\n".join(there.operation.absent.values()))
    return there


@contextmanager
def executor_of(choice: Choice, there: Opened, sender: str) -> Iterator[Executor]:
    """The executor that was chosen, for an account. Raises UsageError."""
    if choice.executor == CALLDATA:
        operation = there.operation
        folder = operation.folder / "calldata"
        created_ms = round(operation.timing.unix() * 1000)
        yield CalldataExecutor(sender, folder, lambda text: print(text, file=sys.stderr), created_ms=created_ms)
    elif choice.executor == SIGNER:
        with there.executor(sender) as executor, interruptible(executor.journal):
            yield executor
    elif choice.executor == SAFE:
        with there.safe_executor() as safe_executor:
            yield safe_executor
    else:
        raise UsageError(f"expected --executor {SIGNER}, {SAFE} or {CALLDATA}, got {choice.executor!r}")


def run(choice: Choice, make: Callable[[Opened], Procedure], *, all_or_some: bool = False) -> int:
    """A procedure of the owner, by its sender on the first chain that answers; the exit code."""
    there = opened(choice)
    return run_with(choice, there, make(there), owner_of(there, choice), all_or_some=all_or_some)


def run_with(choice: Choice, there: Opened, procedure: Procedure, sender: str, *, all_or_some: bool = False) -> int:
    """A procedure by an account."""
    if all_or_some and not choice.only and not choice.every:
        names = ", ".join(chain.name for chain in there.operation.chains)
        raise UsageError(f"expected --all, or --only with one of {names}")
    with executor_of(choice, there, sender) as executor:
        report = carry_out(there.operation, procedure, executor, only=choice.only, ask=choice.ask)
    return show([report], there.operation, as_json=choice.as_json)


def owner_of(there: Opened, choice: Choice) -> str:
    """Who sends what is the owner's: `--from`, else the declared owner. No chain is asked. Raises UsageError."""
    if choice.sender is not None:
        return checked_address(choice.sender)
    declared = {chain.name: there.operation.declared[chain.name].owner for chain in there.operation.select(choice.only)}
    if len(set(declared.values())) > 1:
        shown = ", ".join(f"{name} {owner}" for name, owner in declared.items())
        raise UsageError(f"expected one owner on all chains, declared are {shown}: go chain by chain with --only")
    return next(iter(declared.values()))


def look(choice: Choice, name: str, make: Callable[[Opened], Callable[..., Look]]) -> int:
    """A procedure that only looks."""
    there = opened(choice, empty=True)
    report = inspect_chains(there.operation, name, make(there), choice.only)
    return show([report], there.operation, as_json=choice.as_json)


def show_all(choice: Choice, there: Opened, reports: Sequence[Report]) -> int:
    """For commands of several steps."""
    return show(reports, there.operation, as_json=choice.as_json)
