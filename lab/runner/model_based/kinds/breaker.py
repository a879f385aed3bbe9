"""The kind about a breaker that has tripped: who lifts its stop begins anew.

Judged by `measured.by_stops`: when it trips is for the contract to say, and whether it has a breaker at all.
"""

from __future__ import annotations

from lab.runner.model_based.build import Builder
from lab.runner.model_based.measured import AFTER, BEFORE, LIFTED
from lab.runner.model_based.sequence import Due

# More than the documented threshold, in case that nobody can set another one.
FAILURES = 30
THRESHOLDS = (None, 3, 2, 5)
HOW = ("resolve_dependency", "mark_failed", "expire_transaction", "resolve_dependency")
# How long the stop lasts: always less than a period.
STOPPED_S = (1, 60, 600, 5)


def breaker(make: Builder) -> None:
    """As many failures as it takes, and as many again once the stop is lifted."""
    if not (make.has("unpause") or make.has("reset_breaker")):
        return
    threshold = make.pick(THRESHOLDS) if make.has("set_breaker_threshold") else None
    if threshold is not None:
        make.owner("set_breaker_threshold", threshold)
        make.wait(1)
    times = FAILURES if threshold is None else threshold + 1
    function = make.pick(HOW)
    if not make.has(function) or make.traits.per_block < len(HOW):
        function = HOW[0]
    due = Due(make.now + 2 * times + 4)
    ids = [make.buffer(due, payload="0x") for _ in range(2 * times)]
    make.until(int(due))
    if function == "mark_failed":
        for tx_id in ids:
            make.resolve(tx_id)
    else:
        make.wait(make.traits.window_s + 1)
    _fail(make, function, ids[:times], BEFORE)
    make.wait(make.pick(STOPPED_S))
    for lifting in ("unpause", "reset_breaker"):
        make.owner(lifting)
    make.wait(1)
    _probe(make, LIFTED)
    _fail(make, function, ids[times:], AFTER)


def _fail(make: Builder, function: str, ids: list[str], mark: int) -> None:
    make.wait(1)
    make.mark = mark
    for tx_id in ids:
        make.call(function, tx_id)
    make.wait(1)
    _probe(make, mark)


def _probe(make: Builder, mark: int) -> None:
    """Whether it goes on."""
    make.mark = mark
    make.buffer(Due(make.now + 9))
    make.mark = 0
