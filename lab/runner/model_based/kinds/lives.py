"""The kinds of sequences. Each walks through the product of its dimensions from seed to seed and draws the rest."""

from __future__ import annotations

from itertools import product

from lab.coordinator import role_account, rollup_address
from lab.coordinator.behaviour import WINDOW_MAX, WINDOW_MIN, ZERO_ADDRESS
from lab.coordinator.reads import ZERO_ID
from lab.runner.model_based.build import PAIRS, WINDOWS, Builder
from lab.runner.model_based.sequence import CONTRACT, Due

FAMILY = (
    *("root", "child", "grandchild", "great-grandchild", "sibling", "same pair", "unrelated", "orphan"),
    *("own parent", "one of two", "two of two", "of a near id"),
)
# Whose state, and which: those first that a mistaken look at a relative would take for the parent's.
TRIGGERS = (*product(FAMILY, ("READY", "EXECUTED")), *product(FAMILY[:2], ("late",)), *product(FAMILY, ("BUFFERED",)))
BY_ID = ("resolve_dependency", "mark_executed", "expire_transaction", "mark_failed")
# Who may resolve: all the same way.
MAY = ("operator", "operator2", "relayer", "owner")
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
        # Some children are due before their parents.
        early = Due(make.now + 9) if name == trigger and state == "late" else Due(due - make.rng.choice((0, 7)))
        make.buffer(early, tx_id=ids[name], after=parents.get(name, ZERO_ID), pair=pairs[name])
        # Some in one block, some in blocks before that of their parent.
        make.wait(make.rng.choice((0, 1)))
    make.until(int(due) + make.rng.choice((0, 1, 9)))
    if state != "BUFFERED":
        make.resolve(ids[trigger])
    if state == "EXECUTED":
        make.execute(ids[trigger])
    make.wait(make.rng.choice((0, 1)))
    for name in (*reversed(FAMILY), *FAMILY):
        if name != trigger or state == "BUFFERED":
            make.resolve(ids[name], sender=make.rng.choice(MAY))
    make.wait(1)
    for name in make.rng.sample(FAMILY, 4):
        make.execute(ids[name])
    # Whoever comes when the parent is READY, EXECUTED or late already; of the trigger between every pair of rollups.
    heirs = [make.buffer(Due(make.now + 3), after=ids[name]) for name in FAMILY]
    heirs += [make.buffer(Due(make.now + 3), after=ids[trigger], pair=pair) for pair in PAIRS]
    make.wait(3)
    for heir in heirs:
        make.resolve(heir)
        make.execute(heir)
    _given_up(make)


def _given_up(make: Builder) -> None:
    """What ends while it has children in every state: those that are further stay so, and no other one passes."""
    parent = make.ready(tx_id=make.new_id("given up"))
    due = Due(make.now + 4)
    executed, ready, waiting, later = (make.buffer(due, after=parent) for _ in range(4))
    grandchild = make.buffer(due, after=waiting)
    make.wait(5)
    for tx_id in (executed, ready):
        make.resolve(tx_id)
    make.execute(executed)
    make.call("mark_failed", parent)
    for tx_id in (waiting, grandchild):
        make.resolve(tx_id)
    make.execute(ready)
    heir = make.buffer(Due(make.now + 4), after=parent)
    make.wait(5)
    for tx_id in (later, waiting, heir):
        make.resolve(tx_id)
    for tx_id in (executed, ready, waiting, grandchild, later):
        make.execute(tx_id)


def window(make: Builder) -> None:
    """The window changes between buffering, resolution and execution; moments at the edges of each of them."""
    first, second, third = make.rng.sample(WINDOWS, 3)
    when = make.pick(("before due", "after due", "with the resolution"))
    # A setting that changes nothing is one, too.
    for span in (make.traits.window_s, first, first):
        make.owner("set_coordination_window", span)
    make.wait(1)
    kept = [make.ready() for _ in WINDOWS]
    due = make.now + 10
    moments = sorted({due, *(due + edge + beyond for edge in (first, second) for beyond in (0, 1))})
    ids = [make.buffer(Due(due)) for _ in moments]
    child = make.buffer(Due(due), after=ids[0])
    # What was tried in vain is not held to the window of that moment.
    tried = {due + second + beyond: make.buffer(Due(due)) for beyond in (0, 1)}
    for tx_id in tried.values():
        make.resolve(tx_id)
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
        if moment in tried:
            make.resolve(tried[moment])
    make.resolve(child)
    make.owner("set_coordination_window", third)
    make.resolve(late)
    for tx_id in (*ids, *tried.values()):
        make.execute(tx_id)
    make.wait(make.rng.choice((1, WINDOW_MAX + 1)))
    # What is READY stays so, however narrow the window becomes.
    for span, tx_id in zip(make.rng.sample(WINDOWS, len(WINDOWS)), kept, strict=True):
        make.owner("set_coordination_window", span)
        make.execute(tx_id)
    _windows_of_a_family(make)


def _windows_of_a_family(make: Builder) -> None:
    """Each is held to its own timestamp and window, whatever those of its parent are."""
    span = make.pick(WINDOWS[2:])
    make.owner("set_coordination_window", span)
    beside = make.rng.choice((1, 2, span // 2, span - 1))
    due = make.now + span + 9
    earlier, later = make.buffer(Due(due - beside)), make.buffer(Due(due + beside))
    of_earlier, of_later = ([make.buffer(Due(due), after=parent) for _ in range(4)] for parent in (earlier, later))
    make.until(due - beside)
    make.resolve(earlier)
    make.until(due - 1)
    make.resolve(of_earlier[0])
    make.until(due)
    make.resolve(of_earlier[1])
    make.until(due + beside)
    make.resolve(later)
    make.resolve(of_later[1])
    for moment, place in ((due + span, 2), (due + span + 1, 3)):
        make.until(moment)
        for children in (of_earlier, of_later):
            make.resolve(children[place])
    for tx_id in (*of_earlier, *of_later):
        make.execute(tx_id)


def stop(make: Builder) -> None:
    """Everything is tried in every state while the contract is stopped, and again when the stop is lifted."""
    if not make.has("pause", "unpause"):
        return
    make.call("pause", sender=make.rng.choice(("operator", "attacker")))
    executed, ready, blocked = (make.ready() for _ in range(3))
    heir = make.ready(after=ready)
    make.execute(executed)
    missed = make.buffer(Due(make.now + 3))
    due = make.now + make.traits.window_s + 20
    buffered, child = make.buffer(Due(due)), make.buffer(Due(due), after=ready)
    make.until(due + make.rng.choice((-1, 0, 5)))
    make.owner("pause")
    for _ in range(make.rng.choice((1, 2))):
        for tx_id in make.rng.sample((executed, ready, blocked, heir, buffered, child, missed), 7):
            for function in make.rng.sample(BY_ID, 4):
                for sender in ("operator", make.rng.choice(("owner", "attacker"))):
                    make.call(function, tx_id, sender=sender)
        for after in (ZERO_ID, ready):
            make.buffer(make.ahead(), after=after)
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
    for tx_id in (ready, blocked, heir, buffered, child):
        make.execute(tx_id)
    make.execute(make.ready(), sender="user")
    _stopped_again(make)


def _stopped_again(make: Builder) -> None:
    """A second stop is like the first; no stop changes what is in time and what is late, however long it was."""
    span = NARROW_S
    make.owner("set_coordination_window", span)
    length = make.pick((1, span, 2 * span, 10 * span))
    due = make.now + length + 20
    ready, overtaken, edge, late = make.ready(), *(make.buffer(Due(at)) for at in (make.now + 8, due, due))
    early, just_before = make.buffer(Due(due + length)), make.buffer(Due(due - length - 2))
    make.until(due - length - 1)
    make.owner("pause")
    make.wait(length)
    for tx_id in (ready, overtaken, early):
        for function in BY_ID:
            make.call(function, tx_id)
    make.buffer(make.ahead())
    make.owner("unpause")
    for tx_id in (early, just_before):
        make.resolve(tx_id)
    make.until(due + span)
    make.resolve(edge)
    make.wait(1)
    for tx_id in (late, overtaken):
        make.resolve(tx_id)
    for tx_id in (ready, edge, early, late, overtaken):
        make.execute(tx_id)


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
    lapsed = make.buffer(Due(make.now + 1))
    make.wait(span + 2)
    for sender in ("attacker", "user", "operator"):
        make.call("expire_transaction", lapsed, sender=sender)
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
    # A rollup may be anything but zero: a contract, or whoever calls.
    for rollup in (CONTRACT, role_account("operator").address, role_account("owner").address):
        make.buffer(Due(make.now + 9), pair=(rollup, rollup_address("b")))
        make.buffer(Due(make.now + 9), pair=(rollup_address("b"), rollup))
