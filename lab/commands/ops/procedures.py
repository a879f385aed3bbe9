"""The commands of `lab ops` that are one procedure or one look."""

from __future__ import annotations

from functools import partial

from lab.commands.ops.actions import Choice, look, opened, owner_of, run, run_with
from lab.ops.inspection import look_at_health, look_at_operators, look_for_drift
from lab.ops.procedures.operators import AddOperator, RemoveOperator, SyncOperators, checked_address
from lab.ops.procedures.pausing import Pause, Unpause


def list_operators(choice: Choice) -> int:
    """The exit code, here and below."""
    return look(choice, "operators list", lambda there: partial(look_at_operators, there.operation))


def add_operator(choice: Choice, address: str) -> int:
    """Raises UsageError for what is no address."""
    procedure = AddOperator(checked_address(address))
    return run(choice, lambda there: procedure)


def remove_operator(choice: Choice, address: str) -> int:
    """Raises UsageError for what is no address."""
    account = checked_address(address)
    return run(choice, lambda there: RemoveOperator(account, there.operation.declared))


def sync_operators(choice: Choice) -> int:
    """Against the declared list."""
    return run(choice, lambda there: SyncOperators(there.operation))


def pause(choice: Choice) -> int:
    """Wants --all or --only: nobody stops everything by mistake."""
    return run(choice, lambda there: Pause(), all_or_some=True)


def unpause(choice: Choice) -> int:
    """Wants --all or --only."""
    return run(choice, lambda there: Unpause(), all_or_some=True)


def revoke(choice: Choice, address: str) -> int:
    """Wants --all or --only. Raises UsageError for what is no address."""
    account, there = checked_address(address), opened(choice)
    procedure = RemoveOperator(account, there.operation.declared, last=True, name="revoke")
    return run_with(choice, there, procedure, owner_of(there, choice), all_or_some=True)


def drift(choice: Choice) -> int:
    """Owner, operators, settings."""
    return look(choice, "drift", lambda there: partial(look_for_drift, there.operation))


def health(choice: Choice, balance_min_wei: int) -> int:
    """Balances are those of the declared operators."""
    return look(
        choice, "health", lambda there: partial(look_at_health, there.operation, balance_min_wei=balance_min_wei)
    )
