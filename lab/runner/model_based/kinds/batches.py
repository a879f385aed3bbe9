"""The kind about batches: each item is held to what is its own, in its order, and one that is refused refuses all."""

from __future__ import annotations

from typing import Any

from lab.coordinator.behaviour import PAYLOAD_MAX, ZERO_ADDRESS
from lab.coordinator.reads import ZERO_ID
from lab.runner.model_based.build import PAIRS, Builder
from lab.runner.model_based.sequence import Due


def batches(make: Builder) -> None:
    """A batch does what its calls would do one after the other, and nothing where one of them would revert."""
    if not make.has("buffer_batch", "resolve_batch", "execute_batch"):
        return
    rng, due = make.rng, Due(make.now + 20)
    parent, child, orphan, late, twice = (make.new_id(name) for name in ("parent", "child", "orphan", "late", "twice"))
    make.buffer(Due(make.now + 3), tx_id=late)
    requests = [make.request(due, tx_id=parent), make.request(due, tx_id=child, after=parent)]
    make.call("buffer_batch", [*requests, make.request(due, tx_id=late)])
    make.call("buffer_batch", [make.request(due, tx_id=twice), make.request(due, tx_id=twice)])
    make.call("buffer_batch", rng.sample(requests, 2), sender="attacker")
    make.call("buffer_batch", rng.sample(requests, 2))
    make.call("buffer_batch", [make.request(due, tx_id=orphan, after=make.new_id("unknown"))])
    make.until(int(due) + rng.choice((0, 1)))
    make.call("resolve_batch", [parent, twice])
    make.call("resolve_batch", [parent, child], sender="attacker")
    make.call("resolve_batch", rng.choice(([child, parent], [parent, child], [orphan, parent])))
    make.call("resolve_batch", [child, orphan])
    make.call("execute_batch", [parent, orphan])
    make.call("execute_batch", [parent, parent])
    make.call("execute_batch", rng.choice(([child, parent], [parent], [parent, child])))
    over = make.ready()
    make.execute(over)
    others = [make.ready() for _ in range(3)]
    for function in ("resolve_batch", "execute_batch"):
        # One that is over is no item to pass over, wherever it stands.
        for place in (0, len(others), rng.randrange(1, len(others))):
            make.call(function, [*others[:place], over, *others[place:]])
    make.call("resolve_batch", [over])
    _one_refused(make)
    _item_by_item(make)
    if make.has("pause", "unpause"):
        make.owner("pause")
        for function, ids in (("resolve_batch", [orphan]), ("execute_batch", [child])):
            make.call(function, ids)
        make.call("buffer_batch", [make.request(Due(make.now + 9), tx_id=twice)])
        make.owner("unpause")
    make.until(int(due) + make.traits.window_s + 1)
    make.call("resolve_batch", [orphan])


def _one_refused(make: Builder) -> None:
    """Whatever is refused alone is refused among others, wherever it stands."""
    known, b = make.buffer(Due(make.now + 9)), PAIRS[0][1]
    wrong: tuple[dict[str, Any], ...] = (
        {"tx_id": ZERO_ID},
        {"tx_id": known},
        {"pair": (ZERO_ADDRESS, b)},
        {"pair": (b, ZERO_ADDRESS)},
        {"pair": (b, b)},
        {"due": Due(make.now - 1)},
        {"payload": "0x" + "5a" * (PAYLOAD_MAX + 1)},
    )
    for number, fields in enumerate(wrong, make.number):
        requests = [make.request(**{"due": Due(make.now + 9)} | what) for what in ({}, {}, fields)]
        place = number % len(requests)
        make.call("buffer_batch", [*requests[:place], requests[-1], *requests[place:-1]])


def _item_by_item(make: Builder) -> None:
    """Items that differ in everything: each is held to what is its own."""
    span, due = make.traits.window_s, make.now + make.traits.window_s + 9
    make.owner("unpause")  # a breaker counts what is late
    moments = (due, due + 1, due - span - 1, due - span, due + 7)
    pairs = make.rng.sample(PAIRS, len(PAIRS))
    parent = make.buffer(Due(make.now + 9))
    requests = [
        make.request(Due(at), after=make.rng.choice((ZERO_ID, parent)), pair=pairs[place % len(pairs)])
        for place, at in enumerate(make.rng.sample(moments, len(moments)))
    ]
    make.call("buffer_batch", requests)
    ids = [str(request[0]) for request in requests]
    make.until(due - span)
    make.call("resolve_batch", [parent])
    make.until(due)
    # What becomes of what is late is for the contract to say.
    twice = str(make.rng.choice([request[0] for request in requests if request[5] + span >= make.now]))
    make.call("resolve_batch", [*ids, twice])
    make.call("resolve_batch", make.rng.sample(ids, len(ids)))
    make.wait(1)
    for tx_id, request in zip(ids, requests, strict=True):
        if request[5] + span >= make.now:
            make.call("resolve_batch", [tx_id, tx_id])
    make.call("resolve_batch", make.rng.sample(ids, 2))
    make.call("execute_batch", [twice, twice])
    for tx_id in ids:
        make.call("execute_batch", [tx_id])
