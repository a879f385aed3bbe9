"""The kind about accounts: operators who come and go, the owner among them, and the hand-over of ownership."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from lab.coordinator import role_account
from lab.coordinator.behaviour import ZERO_ADDRESS
from lab.coordinator.reads import ZERO_ID
from lab.runner.model_based.build import WINDOWS, Builder
from lab.runner.model_based.sequence import Due

# Whose history is looked at, in turn.
ACCOUNTS = 6


def accounts(make: Builder) -> None:
    """Operators come and go, the owner among them; after each change all functions are tried by those concerned."""
    near = make.near(role_account("operator").address, make.number % 20)
    low, high = "0x" + "00" * 19 + "17", "0x17" + "00" * 19
    who = make.pick(("owner", "operator", "user", near, low, high))
    address = who if who.startswith("0x") else role_account(who).address
    changes = ("remove_operator", "add_operator", make.rng.choice(("add_operator", "remove_operator")))
    history = changes if make.rng.random() < 0.6 else changes[1:]
    make.labels[address] = who if not who.startswith("0x") or who == near else f"{who[:4]}…{who[-2:]}"
    _probe(make, address)
    for function in history:
        # Its own ones from before the change: whoever buffered them has no right to them for that.
        waiting, left, ready = (make.buffer(Due(make.now + 4), sender=address) for _ in range(3))
        make.wait(5)
        make.resolve(ready, sender=address)
        make.call(function, address, sender=make.rng.choice(("attacker", "operator2")))
        make.owner(function, address)
        make.wait(1)
        # A setting changes nothing of who may do what.
        for span in WINDOWS:
            make.owner("set_coordination_window", span)
        make.resolve(waiting, sender=address)
        make.execute(ready, sender=address)
        make.resolve(left, sender="relayer")
        make.execute(left, sender="relayer")
        _probe(make, address)
    for other in ("owner", "operator2", *_neighbours(make)):
        _probe(make, other)
    _comings_and_goings(make)
    if make.has("propose_owner", "accept_ownership") and make.rng.random() < 0.5:
        _hand_over(make)


def _comings_and_goings(make: Builder) -> None:
    """Every order of additions and removals, each for an account of its own: only the last one counts."""
    ready = [make.ready() for _ in range(3)]
    orders = list(product(("add_operator", "remove_operator"), repeat=3))
    for number, order in enumerate(orders, 1):
        account = f"0x{number:02x}{make.rng.randbytes(19).hex()}"
        make.labels[account] = f"account {number}"
        for function in order:
            make.owner(function, account)
        make.buffer(make.ahead(), sender=account)
        make.execute(make.rng.choice(ready), sender=account)
    for role in ("owner", "operator2"):
        # Who is an operator changes nothing of when it is too late.
        late = make.buffer(Due(make.now + 1))
        make.owner("remove_operator", role_account(role).address)
        make.wait(WINDOWS[-1] + 2)
        make.resolve(late, sender="relayer")
        make.owner("add_operator", role_account(role).address)
    make.owner("add_operator", ZERO_ADDRESS)
    _probe(make, "attacker")
    make.owner("remove_operator", ZERO_ADDRESS)


def _neighbours(make: Builder) -> list[str]:
    """Accounts that differ from an operator and from the owner in one byte; a few seeds take all positions."""
    accounts = {role: role_account(role).address for role in ("operator", "owner")}
    make.labels |= {address: role for role, address in accounts.items()}
    positions = range(make.number % ACCOUNTS, 20, ACCOUNTS)
    return [make.near(address, position) for position in positions for address in accounts.values()]


def _probe(make: Builder, sender: str) -> None:
    """All documented functions by one account, on transactions of another one."""
    ready = make.buffer(Due(make.now + 4), sender="relayer")
    either = (ZERO_ID, ready)
    waiting, heir = (make.buffer(Due(make.now + 4), after=make.rng.choice(either), sender="relayer") for _ in range(2))
    make.wait(5)
    for tx_id in (ready, heir):
        make.resolve(tx_id, sender="relayer")
    make.buffer(make.ahead(), after=make.rng.choice(either), sender=sender)
    make.resolve(waiting, sender=sender)
    for tx_id in (ready, heir):
        make.execute(tx_id, sender=sender)
    make.call("set_coordination_window", make.rng.choice(WINDOWS), sender=sender)
    for account in (role_account("newowner").address, *(() if sender == "owner" else (make.address(sender),))):
        for role in ("operator", *make.traits.second_roles):
            make.call(f"add_{role}", account, sender=sender)
            make.call(f"remove_{role}", account, sender=sender)


def _hand_over(make: Builder) -> None:
    """Nothing that comes between proposal and acceptance ends the proposal, and neither lifts a stop."""
    heir = role_account("newowner").address
    _end_each(make, ("operator2",))
    # Whether the heir is an operator already: it stays what it is.
    changes = ("add_operator", "remove_operator")
    make.owner(changes[make.number % 2], heir)
    make.owner("propose_owner", heir)
    _probe(make, "newowner")
    make.owner(changes[1 - make.number % 2], heir)
    stopped = make.has("pause", "unpause") and make.rng.random() < 0.5
    if stopped:
        make.owner("pause")
    for function in ("pause", "unpause"):
        make.call(function, sender="newowner")
    make.call("accept_ownership", sender="attacker")
    make.call("accept_ownership", sender="newowner")
    _probe(make, "owner")
    if stopped:
        make.call("unpause", sender="owner")
        make.call("unpause", sender="newowner")
    _probe(make, "newowner")
    make.call("remove_operator", role_account("owner").address, sender="newowner")
    _probe(make, "owner")
    _under_another_owner(make)


def _under_another_owner(make: Builder) -> None:
    """Operators stay what they are, whoever made them that: all of their functions, by one of each owner's."""
    make.call("add_operator", role_account("user").address, sender="newowner")
    for sender in ("operator2", "user"):
        _probe(make, sender)
    _end_each(make, ("operator2", "user"))


def _end_each(make: Builder, senders: Sequence[str]) -> None:
    """Each of them ends one that is late, and one that is READY."""
    late = [make.buffer(Due(make.now + 1)) for _ in senders]
    ready = [make.ready() for _ in senders]
    make.wait(WINDOWS[-1] + 2)
    for sender, over, held in zip(senders, late, ready, strict=True):
        make.call("expire_transaction", over, sender=sender)
        make.call("mark_failed", held, sender=sender)
