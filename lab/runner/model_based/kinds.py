"""The kinds of sequences. Each walks through the product of its dimensions from seed to seed and draws the rest."""

from __future__ import annotations

from itertools import product

from lab.coordinator import role_account, rollup_address
from lab.coordinator.behaviour import TIMESTAMP_SURE, WINDOW_MAX, WINDOW_MIN, ZERO_ADDRESS
from lab.coordinator.reads import ZERO_ID
from lab.runner.model_based.build import PAIRS, Builder, Due

FAMILY = (
    *("root", "child", "grandchild", "great-grandchild", "sibling", "same pair", "unrelated", "orphan"),
    *("own parent", "one of two", "two of two", "of a near id"),
)
# Whose state, and which: those first that a mistaken look at a relative would take for the parent's.
TRIGGERS = (*product(FAMILY, ("READY", "EXECUTED")), *product(FAMILY[:2], ("late",)), *product(FAMILY, ("BUFFERED",)))
BY_ID = ("resolve_dependency", "mark_executed", "expire_transaction", "mark_failed")
WINDOWS = (5, 6, 29, 31, 60, 299, 300)
NARROW_S = 60


def dependency(make: Builder) -> None:
    """One of a family is brought to a state, then all others are resolved, children before their parents and again."""
    trigger, state = make.pick(TRIGGERS)
    ids = {name: make.new_id(name) for name in FAMILY}
    parents = {
        "child": ids["root"],
        "grandchild": ids["child"],
        "great-grandchild": ids["grandchild"],
        "sibling": ids["root"],
        "orphan": make.new_id("unknown"),
        "own parent": ids["own parent"],
        "one of two": ids["two of two"],
        "two of two": ids["one of two"],
        "of a near id": make.near(ids["root"], make.rng.randrange(32)),
    }
    due = Due(make.now + 60)
    pairs = {name: make.rng.choice(PAIRS) for name in FAMILY}
    pairs["same pair"] = pairs["grandchild"]
    order = make.rng.sample(FAMILY, len(FAMILY))
    for name in order:
        early = Due(make.now + 9) if name == trigger and state == "late" else due
        make.buffer(early, tx_id=ids[name], after=parents.get(name, ZERO_ID), pair=pairs[name])
    make.until(int(due) + make.rng.choice((0, 1, 9)))
    if state != "BUFFERED":
        make.resolve(ids[trigger])
    if state == "EXECUTED":
        make.execute(ids[trigger])
    make.wait(make.rng.choice((0, 1)))
    for name in (*reversed(FAMILY), *FAMILY):
        if name != trigger or state == "BUFFERED":
            make.resolve(ids[name])
    make.wait(1)
    for name in make.rng.sample(FAMILY, 4):
        make.execute(ids[name])


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
        make.call(function, address, sender=make.rng.choice(("attacker", "operator2")))
        make.owner(function, address)
        make.wait(1)
        _probe(make, address)
    for other in ("owner", near, "operator2"):
        _probe(make, other)
    if make.has("propose_owner", "accept_ownership") and make.rng.random() < 0.5:
        _hand_over(make)


def _probe(make: Builder, sender: str) -> None:
    """All documented functions by one account, on transactions of another one."""
    waiting, ready = (make.buffer(Due(make.now + 4), sender="relayer") for _ in range(2))
    make.wait(5)
    make.resolve(ready, sender="relayer")
    make.buffer(Due(make.now + 50), sender=sender)
    make.resolve(waiting, sender=sender)
    make.execute(ready, sender=sender)
    make.call("set_coordination_window", make.rng.choice(WINDOWS), sender=sender)
    make.call("add_operator", role_account("newowner").address, sender=sender)
    make.call("remove_operator", role_account("newowner").address, sender=sender)


def _hand_over(make: Builder) -> None:
    heir = role_account("newowner").address
    make.owner("propose_owner", heir)
    _probe(make, "newowner")
    make.call("accept_ownership", sender="attacker")
    make.call("accept_ownership", sender="newowner")
    _probe(make, "owner")
    _probe(make, "newowner")
    make.call("remove_operator", role_account("owner").address, sender="newowner")
    _probe(make, "owner")


def window(make: Builder) -> None:
    """The window changes between buffering, resolution and execution; moments at the edges of each of them."""
    first, second, third = make.rng.sample(WINDOWS, 3)
    when = make.pick(("before due", "after due", "with the resolution"))
    make.owner("set_coordination_window", first)
    make.wait(1)
    due = make.now + 10
    moments = sorted({due, *(due + edge + beyond for edge in (first, second) for beyond in (0, 1))})
    ids = [make.buffer(Due(due)) for _ in moments]
    child = make.buffer(Due(due), after=ids[0])
    if when == "before due":
        make.until(due - 3)
    elif when == "after due":
        make.until(due + 1)
    else:
        make.until(moments[1])
        make.resolve(ids[1])
    make.owner("set_coordination_window", second)
    for refused in (WINDOW_MIN - 1, WINDOW_MAX + 1, 2 ** make.rng.choice((8, 16, 32, 64, 128, 255)) + second):
        make.owner("set_coordination_window", refused)
    make.call("set_coordination_window", third, sender=make.rng.choice(("operator", "attacker")))
    late = make.buffer(Due(make.now + 40))
    for tx_id, moment in zip(ids, moments, strict=True):
        make.until(moment)
        make.resolve(tx_id)
    make.resolve(child)
    make.owner("set_coordination_window", third)
    make.resolve(late)
    for tx_id in ids:
        make.execute(tx_id)


def stop(make: Builder) -> None:
    """Everything is tried in every state while the contract is stopped, and again when the stop is lifted."""
    if not make.has("pause", "unpause"):
        return
    make.call("pause", sender=make.rng.choice(("operator", "attacker")))
    executed, ready, blocked = (make.ready() for _ in range(3))
    make.execute(executed)
    due = make.now + 20
    buffered, child = make.buffer(Due(due)), make.buffer(Due(due), after=ready)
    make.until(due + make.rng.choice((-1, 0, 5)))
    make.owner("pause")
    for _ in range(make.rng.choice((1, 2))):
        for tx_id in make.rng.sample((executed, ready, blocked, buffered, child), 5):
            for function in make.rng.sample(BY_ID, 4):
                make.call(function, tx_id, sender=make.rng.choice(("operator", "owner", "attacker")))
        make.buffer(Due(make.now + 9))
        user = role_account("user").address
        make.owner("set_coordination_window", NARROW_S)
        make.owner("add_operator", user)
        make.buffer(Due(make.now + 9), sender="user")
        make.execute(blocked, sender="user")
        make.owner("remove_operator", role_account("operator2").address)
        make.call("unpause", sender=make.rng.choice(("operator", "attacker")))
        make.wait(2)
    make.owner("unpause")
    make.wait(1)
    for tx_id in (buffered, child):
        make.resolve(tx_id)
    for tx_id in (ready, blocked, buffered, child):
        make.execute(tx_id)
    make.execute(make.ready(), sender="user")


def identifiers(make: Builder) -> None:
    """Ids that differ in one byte, ids and addresses of which one byte is not zero: never taken for one another."""
    positions = [8 * (make.number % 4) + step for step in range(8)]
    base = make.new_id("base")
    variants = [make.near(base, position) for position in positions]
    due = Due(make.now + 20)
    first = make.rng.sample(variants, 4)
    rest = [variant for variant in variants if variant not in first]
    make.buffer(due, tx_id=base)
    for variant in first:
        make.buffer(due, tx_id=variant)
    for position in positions:
        only = "0x" + "00" * position + f"{make.rng.randint(1, 255):02x}" + "00" * (31 - position)
        make.buffer(due, tx_id=make.new_id(f"only byte {position} set", only))
        place = position % 20
        lone = "0x" + "00" * place + "01" + "00" * (19 - place)
        make.labels[lone] = f"only byte {place} set"
        make.buffer(due, pair=(lone, make.near(lone, (place + make.rng.randint(1, 19)) % 20)))
        rollup = rollup_address("a")
        make.buffer(due, pair=make.rng.choice(((rollup, make.near(rollup, place)), (make.near(rollup, place), rollup))))
    make.until(int(due))
    for variant in rest:
        make.resolve(variant)
    make.resolve(base)
    children = [make.buffer(Due(make.now + 4), after=variant) for variant in variants]
    make.wait(5)
    for variant, child in zip(variants, children, strict=True):
        make.execute(variant)
        make.resolve(child)
    make.execute(base)
    for variant in rest:
        make.buffer(Due(make.now + 9), tx_id=variant)


def numbers(make: Builder) -> None:
    """Timestamps around every power of two: stored as given, and resolved as documented."""
    exponents = list(range(31, 257))[make.number % 6 :: 6]
    far = [2**exponent + make.rng.choice((-1, 0, 1)) for exponent in exponents]
    far += [2**256 - step for step in (1, make.traits.window_s, make.traits.window_s + 1)]
    if make.traits.horizon_s is not None:
        return
    values = [value for value in far if TIMESTAMP_SURE < value < 2**256]
    for value in [*make.rng.sample(values, 8), *far[-3:]]:
        tx_id = make.buffer(value)
        make.wait(3)
        make.resolve(tx_id)
        make.execute(tx_id)
    make.call("set_coordination_window", 2 ** make.rng.choice(exponents[:-1]) + 30, sender="owner")


def payload(make: Builder) -> None:
    """Payloads of every class of length, with zeros at either end and in the middle."""
    limit = make.traits.payload_max
    lengths = [words * 32 + beside for words in range(17) for beside in (-1, 0, 1)][1:-1]
    drawn = [length for length in lengths if length <= limit][make.number % 4 :: 4]
    for length in (*drawn, make.rng.randint(0, limit), limit):
        body = bytearray(make.rng.randbytes(length))
        start = make.rng.randint(0, length)
        end = make.rng.choice((length, min(length, start + 32), min(length, start + 1)))
        body[start:end] = bytes(end - start)
        make.buffer(Due(make.now + 100), payload="0x" + body.hex())
    for length in (513, make.rng.choice((544, 1024))):
        make.buffer(Due(make.now + 100), payload="0x" + "5a" * length)


def life(make: Builder) -> None:
    """Every state with every function, before, at, within, at the end of and after the window, and far later."""
    span = make.traits.window_s
    due = make.now + 30
    names = ("never resolved", "ready", "executed", "child", "late", "unknown")
    ids = {name: make.new_id(name) for name in names}
    for name in names[:-1]:
        make.buffer(Due(due), tx_id=ids[name], after=ids["ready"] if name == "child" else ZERO_ID)
    make.until(due - 1)
    make.resolve(ids["ready"])
    make.execute(ids["ready"])
    make.until(due + make.rng.choice((0, span)))
    for name in ("child", "ready", "executed"):
        make.resolve(ids[name])
    make.execute(ids["executed"])
    _every_function(make, ids, due)
    for name in ("ready", "child"):
        make.execute(ids[name], sender=make.rng.choice(("operator", "owner")))
    failed = make.ready()
    for tx_id in (failed, failed, ids["executed"]):
        make.call("mark_failed", tx_id, sender=make.rng.choice(("operator", "attacker")))
        make.execute(tx_id)
    _refused_buffers(make)


def _every_function(make: Builder, ids: dict[str, str], due: int) -> None:
    span = make.traits.window_s
    moments = [due + span, due + span + 1, due + 3 * span, due + 90_000]
    for moment in moments[make.number % 2 :]:
        make.until(moment)
        for name in make.rng.sample(tuple(ids), len(ids)):
            if name == "never resolved" and moment != moments[-1]:
                continue
            for function in make.rng.sample(BY_ID[:2] if name in ("ready", "child") else BY_ID[:3], 2):
                make.call(function, ids[name], sender=make.rng.choice(("operator", "relayer")))
            if name != "unknown":
                make.buffer(Due(make.now + 7), tx_id=ids[name])


def _refused_buffers(make: Builder) -> None:
    for wrong in (ZERO_ADDRESS, rollup_address("b")):
        make.buffer(Due(make.now + 9), pair=(wrong, rollup_address("b")))
        make.buffer(Due(make.now + 9), pair=(rollup_address("b"), wrong))
    make.buffer(Due(make.now + 9), tx_id=make.new_id("no id", ZERO_ID))
    make.buffer(Due(make.now - 1))
    make.buffer(Due(make.now))
