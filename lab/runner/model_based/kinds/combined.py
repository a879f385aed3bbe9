"""Kinds about conditions that meet: moment and dependency, a caller and what it stands in, two windows in one end."""

from __future__ import annotations

from collections.abc import Sequence as Several

from lab.coordinator import role_account, rollup_address
from lab.coordinator.reads import ZERO_ID
from lab.runner.model_based.build import WINDOWS, Builder
from lab.runner.model_based.sequence import Block, Due

BY_ID = ("resolve_dependency", "mark_executed", "mark_failed", "expire_transaction")
STATES = ("BUFFERED", "late", "READY", "EXECUTED", "given up")
GONE_ON = STATES[2:]
RESOLVERS = ("operator", "operator2", "relayer", "owner")
EXECUTION_WINDOWS = (1, 10, 60, 3_600)
APART, PRICES = (300, 2**16 + 1, 2**32 + 1, 7), (10**12, 10**9, 1, 10**15)


def moments(make: Builder) -> None:
    """Every dependency at every moment: long before, just before, at the timestamp, in the last second, after it."""
    span = make.traits.window_s
    parents = _parents(make)
    due = make.now + 20
    edges = (due - 9, due - 1, due, due + span, due + span + 1)
    tried: list[tuple[int, str, str]] = []
    for place, parent in enumerate(parents):
        for step, moment in enumerate(edges):
            resolver = RESOLVERS[(place + step + make.number) % len(RESOLVERS)]
            tx_id = make.new_id()
            after = tx_id if parent == "itself" else parent
            pair = _with(make, make.address(resolver))
            tried.append((moment, resolver, make.buffer(Due(due), tx_id=tx_id, after=after, pair=pair)))
    if not make.traits.gap_blocks:
        at_once = [make.buffer(Due(make.now), after=ZERO_ID if parent == "itself" else parent) for parent in parents]
        for tx_id in at_once:
            make.resolve(tx_id)
    for moment in edges:
        make.until(moment)
        here = [(resolver, tx_id) for when, resolver, tx_id in tried if when == moment]
        for resolver, tx_id in make.rng.sample(here, len(here)):
            make.resolve(tx_id, sender=resolver)
            make.execute(tx_id, sender=make.rng.choice(RESOLVERS))


def generations(make: Builder) -> None:
    """A child whose parent and grandparent are in any two states that they can be in together."""
    span = make.traits.window_s
    elder = make.pick(STATES)
    soon, later = Due(make.now + 20), Due(make.now + 20 + span + 12)
    families: list[tuple[str, str, str, str]] = []
    for state in STATES if elder in GONE_ON else STATES[:2]:
        root, parent, child = (make.new_id(name) for name in (f"grandparent {elder}", f"parent {state}", "child"))
        # What stays BUFFERED is due with the child; what is late was due long before it.
        make.buffer(later if elder == "BUFFERED" else soon, tx_id=root)
        make.buffer(later if state == "BUFFERED" else soon, tx_id=parent, after=root)
        make.buffer(later, tx_id=child, after=parent)
        families.append((state, root, parent, child))
    make.until(int(soon) + 2)
    for state, root, parent, _ in families:
        stand = [(where, tx_id) for where, tx_id in ((elder, root), (state, parent)) if where in GONE_ON]
        for _, tx_id in stand:
            make.resolve(tx_id)
        for where, tx_id in stand:
            if where != "READY":
                make.call("mark_executed" if where == "EXECUTED" else "mark_failed", tx_id)
    make.until(int(soon) + span + 3)
    for state, root, parent, _ in families:
        for tx_id in (root,) * (elder == "late") + (parent,) * (state == "late"):
            make.resolve(tx_id)
    make.until(int(later))
    for _, _, _, child in make.rng.sample(families, len(families)):
        make.resolve(child, sender=make.rng.choice(RESOLVERS))
        make.execute(child)


def _parents(make: Builder) -> list[str]:
    """Ids in every state that a dependency may be in; "itself" stands for the child's own."""
    far = Due(make.now + 40 * make.traits.window_s)
    buffered, unknown = make.buffer(far, tx_id=make.new_id("BUFFERED")), make.new_id("unknown")
    late = make.buffer(Due(make.now + 1), tx_id=make.new_id("late"))
    ended = make.buffer(Due(make.now + 1), tx_id=make.new_id("ended"))
    make.wait(make.traits.window_s + 2)
    make.resolve(late)
    make.call("expire_transaction", ended)
    ready, executed, given_up = (make.ready(tx_id=make.new_id(name)) for name in ("READY", "EXECUTED", "given up"))
    make.execute(executed)
    make.call("mark_failed", given_up)
    for over in (late, ended, given_up, executed):
        make.buffer(Due(make.now + 9), tx_id=over)
    return [ZERO_ID, unknown, "itself", buffered, ready, executed, late, ended, given_up]


def _with(make: Builder, account: str) -> tuple[str, str]:
    """Two rollups, of which an account is one, half of the time."""
    other = rollup_address(make.rng.choice("ab"))
    return make.rng.choice(((account, other), (other, account), *[(other, rollup_address("c"))] * 2))


def named(make: Builder) -> None:
    """Whoever a transaction names, as origin, as target or in its id, has no right to it for that."""
    roles = ("user", "attacker", "newowner")
    for account in (*(role_account(role).address for role in roles), rollup_address("a")):
        other, neither = rollup_address("b"), (rollup_address("b"), rollup_address("c"))
        pairs = ((account, other), (other, account), neither, neither)
        ready = [
            make.ready(tx_id=tx_id, pair=pair) for tx_id, pair in zip(_ids_with(make, account), pairs, strict=True)
        ]
        due = Due(make.now + 4)
        named_again = zip(_ids_with(make, account), pairs, strict=True)
        waiting = [make.buffer(due, tx_id=tx_id, pair=pair, after=ready[0]) for tx_id, pair in named_again]
        make.wait(5)
        for tx_id in (*ready, *waiting):
            for function in make.rng.sample(BY_ID, len(BY_ID)):
                make.call(function, tx_id, sender=account)
        for pair in pairs:
            make.buffer(make.ahead(), pair=pair, sender=account)


def _ids_with(make: Builder, account: str) -> list[str]:
    """Two that say nothing of an account, one that begins with it and one that ends with it."""
    bare, rest = account.removeprefix("0x"), make.rng.randbytes(12).hex()
    return [make.new_id(), make.new_id(), make.new_id(tx_id=f"0x{bare}{rest}"), make.new_id(tx_id=f"0x{rest}{bare}")]


def deadlines(make: Builder) -> None:
    """What is READY can be executed until the end of both windows, as they are now; alone and in batches.

    What nobody resolved is over with its own window, however long the other one is.
    """
    if not make.has("set_execution_window"):
        return
    first, second = make.rng.sample(WINDOWS, 2)
    before, after = make.rng.sample(EXECUTION_WINDOWS, 2)
    # Ended with no deadline at all: so is what comes later.
    lapsed = make.buffer(Due(make.now + 1))
    make.wait(make.traits.window_s + 2)
    make.call("expire_transaction", lapsed)
    make.owner("set_coordination_window", first)
    make.owner("set_execution_window", make.pick((before, 0)))
    make.wait(1)
    due = make.now + 9
    endless = make.buffer(Due(due))
    ends = sorted({due + wide + long for wide in (first, second) for long in (before, after)})
    ids = {end: [make.buffer(Due(due)) for _ in range(4)] for end in ends}
    younger = {end: make.buffer(Due(due + 2)) for end in ends}
    # Executed as early as can be, each with another execution window; and never resolved at all.
    early, left = [make.buffer(Due(due)) for _ in EXECUTION_WINDOWS], [make.buffer(Due(due)) for _ in range(3)]
    make.until(due)
    for long, tx_id in zip(EXECUTION_WINDOWS, early, strict=True):
        make.owner("set_execution_window", long)
        make.resolve(tx_id)
        make.execute(tx_id)
    make.until(due + 2)
    for tx_id in (endless, *younger.values(), *(tx_id for several in ids.values() for tx_id in several)):
        make.resolve(tx_id)
    make.wait(1)
    make.owner("set_coordination_window", second)
    make.owner("set_execution_window", after)
    over = due + second
    for end, (alone, late, *both) in ids.items():
        if end <= make.now:
            continue
        if over < end:
            _never_resolved(make, over, left)
        make.until(end)
        make.execute(alone)
        make.wait(1)
        make.execute(late)
        for batch in _orders(make, [younger[end], *both]):
            make.call("execute_batch", batch)
    make.owner("set_execution_window", 0)
    make.execute(endless)


def _never_resolved(make: Builder, over: int, left: list[str]) -> None:
    """In the last second of their window, and after it; those that are ended are taken out of the list."""
    if not left or over < make.now:
        return
    make.until(over)
    for tx_id in left:
        make.call("expire_transaction", tx_id)
    make.wait(1)
    resolved, *others = left
    make.resolve(resolved)
    for tx_id in others:
        make.call("expire_transaction", tx_id)
    left.clear()


def _orders(make: Builder, ids: Several[str]) -> list[list[str]]:
    """The first one first, and anywhere."""
    return [list(ids), make.rng.sample(list(ids), len(ids)), list(ids[:1])]


def blocks(make: Builder) -> None:
    """It is the time that counts: not how many blocks there were, which a chain decides, nor what gas costs in them."""
    make.block = Block(make.pick(APART), make.pick(PRICES))
    span = make.traits.window_s
    due = make.now + 20
    edges = (due - 1, due, due + span, due + span + 1)
    parent = make.ready()
    tried = [(moment, make.buffer(Due(due), after=after)) for moment in edges for after in (ZERO_ID, parent)]
    for moment in edges:
        make.until(moment)
        for when, tx_id in tried:
            if when == moment:
                make.resolve(tx_id)
    make.wait(9)
    make.resolve(tried[0][1])
    for _, tx_id in tried:
        make.execute(tx_id)
    make.buffer(make.ahead(), tx_id=parent)
    make.execute(parent)
    make.execute(make.ready(after=parent))
