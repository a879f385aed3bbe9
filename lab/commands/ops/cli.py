"""Names, options and help of `lab ops`; what its commands do is in the modules beside it, loaded when called.

Exit codes: 0 every chain is as it should be, 1 one differs, 2 usage, 3 one is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.commands.ops.options import Looking, Sending
from lab.commands.options import command_of
from lab.commands.parameters import to_folder

ops = typer.Typer(
    no_args_is_help=True,
    help="Operate a deployment, live or of `lab up`: plan, simulate, send, wait for final blocks, read again. "
    "Exit code 0: as it should be, 1: differs, 3: unknown.",
)
operators = typer.Typer(no_args_is_help=True, help="Operators of every chain against the declared list.")
rotate = typer.Typer(no_args_is_help=True, help="Replace a relayer, an operator or the owner.")
maintenance = typer.Typer(no_args_is_help=True, help="Announce maintenance, silence alerts, stop; and end it again.")
for name, group in (("operators", operators), ("rotate", rotate), ("maintenance", maintenance)):
    ops.add_typer(group, name=name)

Address = Annotated[str, typer.Argument(help="An account's address.")]
File = Annotated[Path, typer.Argument(help="The backup file.")]


@dataclass(frozen=True)
class _Address:
    address: Address


@dataclass(frozen=True)
class OfAddress(Sending, _Address):
    """One account."""


def _list(options: Looking) -> None:
    """List the operators as of the final block, with every difference from the declared list."""
    from lab.commands.ops.procedures import list_operators

    raise typer.Exit(list_operators(options.choice))


def _add(options: OfAddress) -> None:
    """Make an account an operator."""
    from lab.commands.ops.procedures import add_operator

    raise typer.Exit(add_operator(options.choice, options.address))


def _remove(options: OfAddress) -> None:
    """Remove an operator; the last one is refused."""
    from lab.commands.ops.procedures import remove_operator

    raise typer.Exit(remove_operator(options.choice, options.address))


def _sync(options: Sending) -> None:
    """Bring the operators in line with the declared list: additions first, then removals."""
    from lab.commands.ops.procedures import sync_operators

    raise typer.Exit(sync_operators(options.choice))


def _pause(options: Sending) -> None:
    """Stop the contracts, on all chains at once; prints the seconds that each took."""
    from lab.commands.ops.procedures import pause

    raise typer.Exit(pause(options.choice))


def _unpause(options: Sending) -> None:
    """Lift the stop."""
    from lab.commands.ops.procedures import unpause

    raise typer.Exit(unpause(options.choice))


def _revoke(options: OfAddress) -> None:
    """Remove a compromised operator, even the last one."""
    from lab.commands.ops.procedures import revoke

    raise typer.Exit(revoke(options.choice, options.address))


def _drift(options: Looking) -> None:
    """Compare every chain with what is declared, as of the final block; for cron."""
    from lab.commands.ops.procedures import drift

    raise typer.Exit(drift(options.choice))


@dataclass(frozen=True)
class HealthOptions(Looking):
    """What counts as healthy."""

    balance_min_eth: Annotated[
        float, typer.Option(min=0, max=1e12, help="Least balance of each operator, in tokens.")
    ] = 0.0


def _health(options: HealthOptions) -> None:
    """Check nodes, code, owner, operators, balances and settings."""
    from lab.commands.ops.procedures import health

    raise typer.Exit(health(options.choice, round(options.balance_min_eth * 10**18)))


@dataclass(frozen=True)
class BackupOptions(Looking):
    """Where to."""

    to: Annotated[Path, typer.Option("--to", callback=to_folder, help="Folder of the files, one for each chain.")] = (
        Path("backups")
    )


def _backup(options: BackupOptions) -> None:
    """Save the state of every contract as of its final block; a second backup reads only what is new."""
    from lab.commands.ops.state import backup

    raise typer.Exit(backup(options.choice, options.to))


@dataclass(frozen=True)
class _File:
    file: File


Operator = Annotated[
    str | None, typer.Option("--operator", help="Operator that buffers. Default: the first declared one with a key.")
]
LeaveLost = Annotated[
    bool, typer.Option("--leave-lost", help="Report what can no longer become as saved, and restore the others.")
]
DrainFor = Annotated[str, typer.Option("--drain-for", help="How long to wait until all is drained: 90s, 30m, 2h.")]


@dataclass(frozen=True)
class RestoreOptions(Sending, _File):
    """By whom, and what of transactions that can no longer become what they were."""

    operator: Operator = None
    leave_lost: LeaveLost = False


def _restore(options: RestoreOptions) -> None:
    """Bring the contract of one chain (--only) to a saved state; it has to be empty. Shows the cost first."""
    from lab.commands.ops.state import restore

    raise typer.Exit(restore(options.choice, options.file, options.operator, leave_lost=options.leave_lost))


@dataclass(frozen=True)
class _To:
    to: Annotated[str, typer.Argument(help="The new contract's address.")]


@dataclass(frozen=True)
class MigrateOptions(Sending, _To):
    """By whom, and how long the old one may take to drain."""

    operator: Operator = None
    drain_for: DrainFor = "1h"


def _migrate(options: MigrateOptions) -> None:
    """Retire the contract of one chain (--only), and move what is open to a new one. Shows the cost first."""
    from lab.commands.ops.handover import seconds_of
    from lab.commands.ops.state import migrate

    raise typer.Exit(migrate(options.choice, options.to, options.operator, seconds_of(options.drain_for)))


@dataclass(frozen=True)
class _Pair:
    old: Annotated[str, typer.Argument(help="Account to replace.")]
    new: Annotated[str, typer.Argument(help="Account that takes over.")]


@dataclass(frozen=True)
class RotateOptions(Sending, _Pair):
    """How long is waited for what."""

    quiet: Annotated[str, typer.Option("--quiet", help="Drained: nothing sent for so long.")] = "60s"
    drain_for: DrainFor = "1h"


def _rotate(options: RotateOptions) -> None:
    """Add the new account, wait until the old one sends nothing any more, remove it. Start the new one meanwhile."""
    from lab.commands.ops.handover import rotate_account, seconds_of
    from lab.ops.procedures.rotation import Drain

    drain = Drain(seconds_of(options.quiet), seconds_of(options.drain_for))
    raise typer.Exit(rotate_account(options.choice, options.old, options.new, drain))


@dataclass(frozen=True)
class OwnerOptions(Sending):
    """One of the two steps, or back."""

    to: Annotated[str | None, typer.Option("--to", help="The new owner's address.")] = None
    accept: Annotated[bool, typer.Option("--accept", help="Second step, sent by the new owner.")] = False
    cancel: Annotated[bool, typer.Option("--cancel", help="Nobody shall be pending any more.")] = False


def _owner(options: OwnerOptions) -> None:
    """Propose a new owner, accept as the new owner, or cancel. Exit code 1 while somebody has yet to accept."""
    from lab.commands.ops.handover import rotate_owner

    raise typer.Exit(rotate_owner(options.choice, options.to, accept=options.accept, cancel=options.cancel))


@dataclass(frozen=True)
class MaintenanceOptions(Sending):
    """For how long, and why."""

    span: Annotated[str, typer.Option("--for", help="90s, 30m, 2h: banner and silence end then by themselves.")] = "2h"
    reason: Annotated[str, typer.Option(help="Why, for those who are on call.")] = "planned maintenance"
    alertmanager: Annotated[str | None, typer.Option(help="http://HOST:PORT of Alertmanager, for a silence.")] = None


def _begin(options: MaintenanceOptions) -> None:
    """Announce maintenance, silence alerts, stop the contracts."""
    from lab.commands.ops.handover import begin_maintenance

    raise typer.Exit(begin_maintenance(options.choice, options.span, options.reason, options.alertmanager))


def _end(options: Sending) -> None:
    """Lift the stop where this maintenance stopped, and end banner and silence."""
    from lab.commands.ops.handover import end_maintenance

    raise typer.Exit(end_maintenance(options.choice))


_COMMANDS: tuple[tuple[typer.Typer, str, Any, Any], ...] = (
    (operators, "list", Looking, _list),
    (operators, "add", OfAddress, _add),
    (operators, "remove", OfAddress, _remove),
    (operators, "sync", Sending, _sync),
    (ops, "pause", Sending, _pause),
    (ops, "unpause", Sending, _unpause),
    (ops, "revoke", OfAddress, _revoke),
    (ops, "drift", Looking, _drift),
    (ops, "health", HealthOptions, _health),
    (ops, "backup", BackupOptions, _backup),
    (ops, "restore", RestoreOptions, _restore),
    (ops, "migrate", MigrateOptions, _migrate),
    (rotate, "relayer", RotateOptions, _rotate),
    (rotate, "operator", RotateOptions, _rotate),
    (rotate, "owner", OwnerOptions, _owner),
    (maintenance, "begin", MaintenanceOptions, _begin),
    (maintenance, "end", Sending, _end),
)
for group, command, record, action in _COMMANDS:
    group.command(command)(command_of(record, action))
