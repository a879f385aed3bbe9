"""Mines the chains of `lab up` when their slots come on the wall clock.

Unlike in a run, transactions reach the nodes past the lab: so every slot is mined when it is due, and the pool of a
chain that mines no empty blocks is looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from lab.chains.chain import Chain
from lab.errors import LabError
from lab.session.lab import Lab

# How long a signal, or the supervisor's report, waits at most for a slow chain's next slot.
TICK_MS = 200
# After a suspend the slots gone by are missed, not mined all at once.
LAG_MAX_MS = 15_000


def mine_on_wall_time(
    lab: Lab,
    stopping: Callable[[], bool],
    problem: Callable[[str, str | None], None],
    each_tick: Callable[[tuple[str, ...]], None],
) -> None:
    """Mine until `stopping()`. A chain that fails is reported and tried again at its next slot, unless its node died.

    `each_tick` is given the names of the chains whose nodes have died.
    """
    scheduler = lab.scheduler
    scheduler.restart_wall()
    wall_zero = time.monotonic() - scheduler.now_ms / 1000
    live = dict(lab.chains)
    dead: list[str] = []
    while not stopping():
        lag_ms = round((time.monotonic() - wall_zero) * 1000) - scheduler.now_ms
        if lag_ms > LAG_MAX_MS:
            scheduler.advance_to(scheduler.now_ms + lag_ms)
            for chain in live.values():
                _miss_slots(chain, scheduler.now_ms)
        next_ms = min((chain.producer.next_slot_ms() for chain in live.values()), default=scheduler.now_ms + TICK_MS)
        scheduler.advance_to(max(scheduler.now_ms, min(next_ms, scheduler.now_ms + TICK_MS)))
        for name, chain in list(live.items()):
            try:
                _mine_due(chain, scheduler.now_ms)
                problem(name, None)
            except LabError as error:
                problem(name, str(error))
                if not chain.node.alive():
                    del live[name]
                    dead.append(name)
        each_tick(tuple(dead))


def _mine_due(chain: Chain, now_ms: int) -> None:
    producer = chain.producer
    if now_ms < producer.next_slot_ms():
        return
    if producer.profile.mines_empty_blocks:
        producer.pool_may_hold = True
    else:
        # A transaction behind a nonce gap alone makes no block.
        producer.pool_may_hold = int(producer.rpc.call("txpool_status")["pending"], 16) > 0
    chain.look()


def _miss_slots(chain: Chain, now_ms: int) -> None:
    producer = chain.producer
    producer.stopped = True
    producer.catch_up(now_ms)
    producer.stopped = False
    producer.pin()
