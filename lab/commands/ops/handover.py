"""`lab ops rotate` and `lab ops maintenance`."""

from __future__ import annotations

import re
from dataclasses import replace

from lab.commands.ops.actions import Choice, executor_of, opened, owner_of, run, run_with, show_all
from lab.errors import UsageError
from lab.ops.procedures import maintenance
from lab.ops.procedures.operators import checked_address
from lab.ops.procedures.rotation import AcceptOwner, CancelOwner, Drain, ProposeOwner, rotate_operator

SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)")
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def seconds_of(text: str) -> float:
    """`90s`, `30m`, `2h`. Raises UsageError."""
    match = SPAN.fullmatch(text)
    if match is None:
        raise UsageError(f"expected a time such as 90s, 30m or 2h, got {text[:40]!r}")
    return float(match.group(1)) * UNITS[match.group(2)]


def rotate_account(choice: Choice, old: str, new: str, drain: Drain) -> int:
    """An operator, or the relayer's account: added, drained, removed."""
    leaving, coming, there = checked_address(old), checked_address(new), opened(choice)
    if leaving == coming:
        raise UsageError(f"expected another account than {leaving} to take over")
    with executor_of(choice, there, owner_of(there, choice)) as executor:
        reports = rotate_operator(
            there.operation, leaving, coming, executor, drain=drain, only=choice.only, ask=choice.ask
        )
    return show_all(choice, there, reports)


def rotate_owner(choice: Choice, address: str | None, *, accept: bool, cancel: bool) -> int:
    """One of three: propose an address, accept as that address, cancel what is pending."""
    if cancel and (accept or address is not None):
        raise UsageError("expected --cancel alone, or --to with an address to propose or to accept as")
    if cancel:
        return run(choice, lambda there: CancelOwner(there.operation))
    if address is None:
        raise UsageError("expected --to with the address of the new owner, or --cancel")
    new = checked_address(address)
    if accept:
        there = opened(choice)
        return run_with(replace(choice, sender=new), there, AcceptOwner(there.operation, new), new)
    return run(choice, lambda there: ProposeOwner(there.operation, new))


def begin_maintenance(choice: Choice, span: str, reason: str, alertmanager: str | None) -> int:
    """Banner, silence, stop."""
    for_s, there = seconds_of(span), opened(choice)
    with executor_of(choice, there, owner_of(there, choice)) as executor:
        report = maintenance.begin(
            there.operation,
            executor,
            for_s=for_s,
            reason=reason,
            banner=there.beside,
            alertmanager=alertmanager,
            only=choice.only,
            ask=choice.ask,
        )
    return show_all(choice, there, [report])


def end_maintenance(choice: Choice) -> int:
    """The stop is lifted where this maintenance stopped; then banner and silence end."""
    if choice.only:
        raise UsageError("expected no --only: a maintenance ends on all chains on which it stopped the contract")
    there = opened(choice)
    with executor_of(choice, there, owner_of(there, choice)) as executor:
        report = maintenance.end(there.operation, executor, banner=there.beside, ask=choice.ask)
    return show_all(choice, there, [report])
