"""Kinds without a plan of their own: random walks, and what comes after many operations."""

from __future__ import annotations

from collections.abc import Callable

from lab.coordinator import role_account
from lab.coordinator.behaviour import BREAKER_PERIOD_S
from lab.coordinator.reads import ZERO_ID
from lab.runner.model_based.build import PAIRS, Builder
from lab.runner.model_based.sequence import Due

STEPS_S = (0, 0, 1, 1, 4, 9, 29, 30, 31)
LENGTHS = (30, 100, 10, 1000)
WALK_STEPS = 24
# More than a byte counts; `FEW` failures trip no breaker.
TIMES, TIMES_OF_BYTE, TIMES_OF_ALL, FEW = 70, 260, 300, 8


def walk(make: Builder) -> None:
    """Anything after anything, by anybody, mostly by those who may."""
    rng = make.rng
    ids = [make.new_id() for _ in range(5)]
    user = role_account("user").address
    functions = ["buffer_transaction"] * 5 + ["resolve_dependency"] * 7 + ["mark_executed"] * 4
    functions += [
        "set_coordination_window",
        "add_operator",
        "remove_operator",
        "expire_transaction",
        "pause",
        "mark_failed",
    ]
    stopped = False
    for _ in range(WALK_STEPS):
        make.wait(rng.choice(STEPS_S))
        function = "unpause" if stopped and rng.random() < 0.5 else rng.choice(functions)
        stopped = function == "pause" or (stopped and function != "unpause")
        sender = rng.choice(("operator", "operator", "operator2", "owner", "user"))
        if function == "buffer_transaction":
            due = Due(make.now + rng.choice((0, 1, 5, 30, -1)))
            make.buffer(due, tx_id=rng.choice(ids), after=rng.choice((ZERO_ID, *ids)), sender=sender)
        elif function in ("add_operator", "remove_operator"):
            make.owner(function, rng.choice((user, role_account("owner").address, role_account("operator2").address)))
        elif function == "set_coordination_window":
            make.owner(function, rng.choice((5, 30, 31, 300)))
        elif function in ("pause", "unpause"):
            make.owner(function)
        else:
            make.call(function, rng.choice(ids), sender=sender)


def history(make: Builder) -> None:
    """Many transactions and settings, or one thing time and again; then everything is as at the beginning."""
    if make.number % SEEDS_OF_HISTORY >= len(LENGTHS):
        _again(make, REPEATED[make.number % SEEDS_OF_HISTORY - len(LENGTHS)])
        return
    rng, length = make.rng, make.pick(LENGTHS)
    user, parent = role_account("user").address, make.ready()
    ids = [make.new_id() for _ in range(length)]
    due = Due(make.now + length + 30)
    # Settings first: what many transactions do to one is seen at the end.
    for number in range(length // 10):
        make.owner(("add_operator", "remove_operator")[number % 2], user)
        make.owner("set_coordination_window", 300 - number % 200)
    make.owner("remove_operator", user)
    make.owner("set_coordination_window", make.traits.window_s)
    for number, tx_id in enumerate(ids):
        # So that what comes with a round number has a parent to lose.
        make.buffer(due, tx_id=tx_id, after=parent if number % 3 else ZERO_ID, payload="0x5a")
    make.until(int(due))
    chosen = rng.sample(ids, min(length, 20 + length // 4))
    for tx_id in (*chosen, ids[0], ids[-1]):
        make.resolve(tx_id)
    for tx_id in (*chosen[: len(chosen) // 2], ids[-1]):
        make.execute(tx_id)
    _as_at_the_beginning(make, ids)


def _as_at_the_beginning(make: Builder, ids: list[str]) -> None:
    """A family, the edges of the window, a known id again, an account without a role."""
    make.sparse = len(make.steps)
    due, span = Due(make.now + 20), make.traits.window_s
    root, edge, late = (make.buffer(due) for _ in range(3))
    child = make.buffer(due, after=root)
    for tx_id in (ids[0], ids[-1]):
        make.buffer(due, tx_id=tx_id)
    make.buffer(due, sender="user")
    make.until(int(due))
    for tx_id in (child, root, child):
        make.resolve(tx_id)
    make.resolve(edge, sender="user")
    make.until(int(due) + span)
    make.resolve(edge)
    make.wait(1)
    make.resolve(late)
    for tx_id in (root, child, edge, late):
        make.execute(tx_id)


def _again(make: Builder, repeat: Callable[[Builder, str], None]) -> None:
    """One thing for one transaction, account or setting `TIMES` times, or `TIMES_OF_ALL` times for all together."""
    parent = make.ready()
    repeat(make, parent)
    _as_at_the_beginning(make, [parent])


def _tried_early(make: Builder, parent: str) -> None:
    """Resolved before its time, and with a dependency that is not there yet: neither uses anything up."""
    due = Due(make.now + TIMES_OF_ALL)
    early, orphan = make.buffer(due), make.new_id("orphan")
    for _ in range(TIMES_OF_BYTE):
        make.resolve(early)
    for _ in range(TIMES):
        make.execute(early)
    make.buffer(Due(make.now + 1), tx_id=orphan, after=make.new_id("unknown"))
    make.wait(1)
    for _ in range(TIMES_OF_BYTE):
        make.resolve(orphan)
    make.until(int(due))
    make.resolve(early)
    make.execute(early)


def _too_late(make: Builder, parent: str) -> None:
    """What nobody resolved in time: one after the other, and then one that is in time.

    Few within an hour: a contract may have a breaker of its own, which nobody knows of.
    """
    ids = [make.buffer(Due(make.now + TIMES), payload="0x") for _ in range(TIMES_OF_BYTE)]
    make.wait(TIMES + make.traits.window_s + 1)
    for number, tx_id in enumerate(ids, 1):
        make.resolve(tx_id)
        if number % FEW == 0:
            make.wait(BREAKER_PERIOD_S + 1)
    make.execute(parent)


def _chain(make: Builder, parent: str) -> None:
    """Each depends on the one before, and all are resolved and executed in their order."""
    due, ids = Due(make.now + TIMES), [parent]
    for _ in range(TIMES):
        ids.append(make.buffer(due, after=ids[-1], payload="0x"))
    make.until(int(due))
    for tx_id in ids[1:]:
        make.resolve(tx_id)
    for tx_id in ids:
        make.execute(tx_id)


def _children(make: Builder, parent: str) -> None:
    """Many of one parent, by one operator, between one pair of rollups."""
    due, pair = Due(make.now + TIMES), make.rng.choice(PAIRS)
    ids = [make.buffer(due, after=parent, pair=pair, payload="0x5a") for _ in range(TIMES)]
    make.until(int(due))
    for tx_id in ids:
        make.resolve(tx_id)
        make.execute(tx_id)


def _settings(make: Builder, parent: str) -> None:
    """Windows, and operators who come and go: the last word counts."""
    user, tx_id = role_account("user").address, make.buffer(Due(make.now + TIMES_OF_ALL))
    for number in range(TIMES_OF_BYTE):
        make.owner("set_coordination_window", 5 + number)
        make.owner(("add_operator", "remove_operator")[number % 2], user)
        if number < TIMES:
            make.owner("add_operator", f"0x{number + 1:040x}")
    make.owner("set_coordination_window", 7)
    for account in (f"0x{1:040x}", f"0x{TIMES:040x}"):
        make.buffer(Due(make.now + 3), sender=account)
    make.wait(TIMES_OF_ALL)
    make.resolve(tx_id)
    make.execute(parent)
    make.owner("set_coordination_window", make.traits.window_s)


def _refused(make: Builder, parent: str) -> None:
    """Refused calls of all kinds, by an attacker and by an operator, leave nothing behind."""
    for _ in range(TIMES):
        make.buffer(Due(make.now + 9), tx_id=parent)
        make.buffer(Due(make.now + 9), sender="attacker")
        make.resolve(parent)
        make.execute(parent, sender="attacker")
        make.call("set_coordination_window", 4, sender="owner")
    make.execute(parent)


def _all_the_way(make: Builder, parent: str) -> None:
    """Whole lives, one after the other."""
    make.owner("set_coordination_window", 300)
    make.execute(parent)
    due = Due(make.now + TIMES_OF_ALL)
    ids = [make.buffer(due, payload="0x") for _ in range(TIMES_OF_ALL)]
    make.until(int(due))
    for tx_id in ids:
        make.resolve(tx_id)
        make.execute(tx_id)
    make.owner("set_coordination_window", make.traits.window_s)


REPEATED = (_tried_early, _too_late, _chain, _children, _settings, _refused, _all_the_way)
SEEDS_OF_HISTORY = len(LENGTHS) + len(REPEATED)
