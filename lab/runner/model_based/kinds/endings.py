"""A kind about endings but for execution: how each is done is for the contract to say, but the same for every id."""

from __future__ import annotations

from lab.coordinator.documented import FUNCTIONS
from lab.runner.model_based.build import PAIRS, Builder
from lab.runner.model_based.sequence import Due

SHORT_S, LONG_S = 5, 300
BREAKER = [name for name, function in FUNCTIONS.items() if function.part == "breaker"]
PAYLOAD = "0x"


def endings(make: Builder) -> None:
    """What is late is ended, what is READY is given up; ids with a byte at an end of its range stand between others."""
    if not (make.has("expire_transaction") or make.has("mark_failed")):
        return
    pair = make.rng.choice(PAIRS)
    # A breaker counts endings: where nothing lifts its stop, nothing more could be tried.
    lifted = make.has("unpause") or not any(make.has(name) for name in BREAKER)
    for late, function in ((True, "expire_transaction"), (False, "mark_failed")):
        if lifted and make.has(function):
            _one_after_the_other(make, function, pair, late=late)
    _by_the_window_in_force(make)


def _one_after_the_other(make: Builder, function: str, pair: tuple[str, str], *, late: bool) -> None:
    """Every other id has a byte at an end of its range, and all else is the same."""
    base = make.new_id("base", "0x" + bytes(make.rng.randint(1, 254) for _ in range(32)).hex())
    positions = [8 * (make.number % 4) + step for step in range(8)]
    ids = [base]
    for position in positions:
        for end in (0, 255):
            ids += [make.with_byte(base, position, end), make.new_id()]
    due = Due(make.now + len(ids) + 4)
    for tx_id in ids:
        make.buffer(due, tx_id=tx_id, pair=pair, payload=PAYLOAD)
    make.until(int(due))
    if late:
        make.wait(make.traits.window_s + len(ids))
    else:
        for tx_id in ids:
            make.resolve(tx_id)
        make.wait(1)
    for tx_id in ids:
        make.call(function, tx_id, sender="attacker")
    make.wait(1)
    for place, tx_id in enumerate(ids):
        make.call(function, tx_id)
        if place % 2 == 0 and make.has("unpause"):
            make.owner("unpause")


def _by_the_window_in_force(make: Builder) -> None:
    """The window grows after the buffering, or before the end: nothing ends that is not late yet."""
    make.owner("set_coordination_window", SHORT_S)
    make.wait(1)
    due = Due(make.now + 9)
    early, late = (make.buffer(due, payload=PAYLOAD) for _ in range(2))
    make.until(due + 1)
    make.owner("set_coordination_window", LONG_S)
    make.until(due + SHORT_S + 1)
    make.call("expire_transaction", early)
    make.resolve(early)
    make.execute(early)
    make.until(due + LONG_S + 1)
    make.call("expire_transaction", late)
