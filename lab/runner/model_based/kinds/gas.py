"""The kind about what calls take: after many operations of one sort the same calls take about the same gas.

Judged by `measured.by_gas`: what is used for the first time costs more, and what was ever done does not add up.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.coordinator.behaviour import BREAKER_PERIOD_S
from lab.coordinator.reads import ZERO_ID
from lab.runner.model_based.build import PAIRS, Builder
from lab.runner.model_based.sequence import Due

# Compared after so many operations: the first has what is used for the first time. From then on they double, so that
# what the compared calls themselves add, which are as many each time, is told from what the operations add.
COUNTS = (1, 8, 16, 32, 64, 128)
FEW = 8


def gas(make: Builder) -> None:
    """One sort of operation time and again; in between, the same calls for transactions of their own."""
    grow, done, parent = make.pick(GROWTH), 0, make.ready(tx_id=_id(make))
    for count in COUNTS:
        parent = grow(make, count - done, parent)
        done = count
        _probe(make, count, parent)


def _probe(make: Builder, count: int, parent: str) -> None:
    """A transaction and its child, all the way; one that is late, and one that is given up."""
    # So that no breaker trips by what is late.
    make.wait(BREAKER_PERIOD_S + 1)
    make.mark = count
    due = Due(make.now + 9)
    root, *others = (_plain(make, due, parent) for _ in range(3))
    child = _plain(make, due, root)
    make.until(int(due))
    make.wait(1)
    for tx_id in (root, child, *others[:1]):
        make.resolve(tx_id)
    make.wait(1)
    for tx_id in (root, child):
        make.execute(tx_id)
    make.wait(1)
    make.call("mark_failed", others[0])
    make.wait(make.traits.window_s + 1)
    make.call("expire_transaction", others[1])
    make.mark = 0
    make.wait(1)


def _id(make: Builder) -> str:
    """One without a byte of zero, which would cost less."""
    return make.new_id(tx_id="0x" + bytes(make.rng.randint(1, 255) for _ in range(32)).hex())


def _plain(make: Builder, due: Due, after: str = ZERO_ID, *, sender: str = "operator") -> str:
    return make.buffer(due, tx_id=_id(make), after=after, pair=PAIRS[0], payload="0x5a", sender=sender)


def _whole_lives(make: Builder, times: int, parent: str) -> str:
    due = Due(make.now + times + 4)
    ids = [_plain(make, due) for _ in range(times)]
    make.until(int(due))
    for tx_id in ids:
        make.resolve(tx_id)
        make.execute(tx_id)
    return parent


def _waiting(make: Builder, times: int, parent: str) -> str:
    """Nobody resolves them."""
    for _ in range(times):
        _plain(make, make.ahead())
    return parent


def _late(make: Builder, times: int, parent: str) -> str:
    for start in range(0, times, FEW):
        ids = [_plain(make, Due(make.now + FEW)) for _ in range(min(FEW, times - start))]
        make.wait(FEW + make.traits.window_s + 1)
        for tx_id in ids:
            make.resolve(tx_id)
        make.wait(BREAKER_PERIOD_S + 1)
    return parent


def _children(make: Builder, times: int, parent: str) -> str:
    due = Due(make.now + times + 4)
    ids = [_plain(make, due, parent) for _ in range(times)]
    make.until(int(due))
    for tx_id in ids:
        make.resolve(tx_id)
    return parent


def _chain(make: Builder, times: int, parent: str) -> str:
    """Each depends on the one before; what is compared depends on the last."""
    due, ids = Due(make.now + times + 4), [parent]
    for _ in range(times):
        ids.append(_plain(make, due, ids[-1]))
    make.until(int(due))
    for tx_id in ids[1:]:
        make.resolve(tx_id)
    return ids[-1]


def _operators(make: Builder, times: int, parent: str) -> str:
    """They stay; where a contract has declared how many it takes, they come and go."""
    for _ in range(times):
        account = f"0x{make.rng.randbytes(20).hex()}"
        make.owner("add_operator", account)
        if make.traits.bounded:
            make.owner("remove_operator", account)
    return parent


def _comings_and_goings(make: Builder, times: int, parent: str) -> str:
    account = f"0x{make.rng.randbytes(20).hex()}"
    for _ in range(times):
        make.owner("add_operator", account)
        make.owner("remove_operator", account)
    return parent


def _settings(make: Builder, times: int, parent: str) -> str:
    for number in range(times):
        make.owner("set_coordination_window", 60 + number)
        if make.has("pause", "unpause"):
            make.owner("pause")
            make.owner("unpause")
    make.owner("set_coordination_window", make.traits.window_s)
    return parent


def _in_vain(make: Builder, times: int, parent: str) -> str:
    """Resolved too early, one of them time and again."""
    tx_id = _plain(make, make.ahead())
    for _ in range(times):
        make.resolve(tx_id)
    return parent


GROWTH: tuple[Callable[[Builder, int, str], str], ...] = (
    _whole_lives,
    _waiting,
    _late,
    _children,
    _chain,
    _operators,
    _comings_and_goings,
    _settings,
    _in_vain,
)
