"""What a run showed of the contract, and the fewest runs that show all that the library shows.

Many scenarios are about relayers, nodes and fees: to the contract they are the same calls again. A mutant that survives
every run which shows something of its own is not tried on the others. What a scenario in Python compares need not be in
the history, so those are always tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lab.model.history import History
from lab.model.records import Operation

Behaviours = frozenset[str]


def behaviours(history: History) -> Behaviours:
    """Each function with the role that called it and how it ended, each event with its reason."""
    roles = {address.lower(): role for role, address in history.header.roles.items()}
    shown: set[str] = set()
    for chain in history.header.chains:
        for _, tx in history.transactions(chain):
            sender = roles.get(tx.sender.lower(), "somebody")
            for call in tx.calls:
                shown.add(f"{call.function} by {sender}: {'ok' if call.ok and tx.status else call.revert}")
            shown.update(f"{log.event} {log.args.get('reason', '')}" for log in tx.logs)
    shown.update(f"{operation.function}: {operation.outcome} {operation.revert}" for operation in history.of(Operation))
    return frozenset(shown)


def covering(shown: Mapping[str, Behaviours], always: Iterable[str] = ()) -> tuple[str, ...]:
    """The names of runs that together show everything, each adding something; `always` are in whatever they show."""
    chosen = list(always)
    left = set().union(*shown.values()).difference(*(shown[name] for name in chosen)) if shown else set()
    while left:
        best = max(shown, key=lambda name: (len(shown[name] & left), name))
        chosen.append(best)
        left -= shown[best]
    return tuple(chosen)
