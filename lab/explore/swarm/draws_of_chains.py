"""How faults of nodes, chains, fees and pools are drawn."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from lab.explore.swarm.aims import REST_MS, at_a_leg, on_chain
from lab.explore.swarm.surroundings import DrawnFault, Surroundings, lasting_ms, moment_ms, seconds


def node_pause(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Shorter and longer than the relayer's patience."""
    return on_chain("node_pause", dice, around)


def node_kill(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Down for a while; the pool is lost."""
    _, chain, begin_ms = at_a_leg(dice, around)
    down_ms = lasting_ms(dice)
    step = {"at": seconds(begin_ms), "fault": "node_kill", "chain": chain.name, "restart_after": seconds(down_ms)}
    return DrawnFault(step, begin_ms, begin_ms + down_ms + REST_MS, f"node:{chain.name}")


def slow_start(dice: random.Random, around: Surroundings) -> DrawnFault:
    """A kill, and some time in which the new node refuses."""
    return _restarted("slow_start", "refuses", dice, around)


def state_lost(dice: random.Random, around: Surroundings) -> DrawnFault:
    """A kill, and some time in which the new node has only the beginning of the chain."""
    return _restarted("state_lost", "resync", dice, around)


def _restarted(fault: str, afterwards: str, dice: random.Random, around: Surroundings) -> DrawnFault:
    _, chain, begin_ms = at_a_leg(dice, around)
    down_ms, unwell_ms = lasting_ms(dice, 1, 20), lasting_ms(dice)
    step = {"at": seconds(begin_ms), "fault": fault, "chain": chain.name, "restart_after": seconds(down_ms),
            afterwards: seconds(unwell_ms)}  # fmt: skip
    return DrawnFault(step, begin_ms, begin_ms + down_ms + unwell_ms + REST_MS, f"node:{chain.name}")


def halt(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Answers without blocks."""
    return on_chain("halt", dice, around)


def finality_stall(dice: random.Random, around: Surroundings) -> DrawnFault | None:
    """Where a leg waits on a chain whose finality is a tag; for less and for more than a window."""
    tagged = {chain.name for chain in around.chains if chain.tagged}
    legs = tuple(leg for leg in around.legs if leg.chain in tagged)
    if not legs:
        return None
    # One a chain: two would end each other.
    drawn = on_chain("finality_stall", dice, replace(around, legs=legs), low_s=10, high_s=2 * around.window_s)
    return replace(drawn, resource=f"finality:{drawn.step['chain']}")


def missed_slots(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Few or most of them."""
    return on_chain("missed_slots", dice, around, low_s=20, high_s=60, early=True, share=dice.choice((0.2, 0.5, 0.8)))


def timestamp_skew(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Ahead or behind."""
    more: dict[str, Any] = {"seconds": dice.choice((-20, -5, 3, 10, 25))}
    return on_chain("timestamp_skew", dice, around, low_s=20, high_s=60, early=True, **more)


def reorg(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Aimed at a buffering, a resolution or an execution; mostly within the finality that the chain declares."""
    leg, chain = around.busy_leg(dice)
    block_ms = chain.block_time_ms
    target_ms = dice.choice((round(leg.buffered_s * 1000), leg.at_s * 1000, leg.at_s * 1000 + 3 * block_ms))
    begin_ms = target_ms + round(dice.uniform(1, 4) * block_ms / 100) * 100 + dice.choice((0, 2_000, 5_000))
    if chain.mines_empty_blocks:
        begin_ms = max(begin_ms, 4 * block_ms)
        reach = min((begin_ms - target_ms) // block_ms + 2, begin_ms // block_ms - 2, 60)
        depth = reach if chain.depth is None or dice.random() < 0.1 else min(reach, chain.depth)
    else:
        # It has a block for each few transactions, and the one of the set-up stays.
        depth = 1
    step = {"at": seconds(begin_ms), "fault": "reorg", "chain": chain.name, "depth": max(1, depth),
            "orphans": dice.choice(("dropped", "requeued"))}  # fmt: skip
    return DrawnFault(step, begin_ms, begin_ms + REST_MS, f"node:{chain.name}")


def base_fee_spike(dice: random.Random, around: Surroundings) -> DrawnFault:
    """A multiple of the fee that the network asks."""
    return on_chain("base_fee_spike", dice, around, low_s=10, factor=dice.choice((2, 5, 20, 100)))


def gas_limit_cut(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Room for one or two of the contract's smaller calls a block."""
    return on_chain(
        "gas_limit_cut",
        dice,
        around,
        low_s=30,
        high_s=60,
        early=True,
        gas_limit=dice.choice((100_000, 150_000, 300_000)),
    )


def pool_drop(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Again and again."""
    return on_chain("pool_drop", dice, around, low_s=20, high_s=60, early=True, every=dice.choice(("700ms", "3s")))


def competing_load(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Up to a block and a half of somebody else's gas."""
    leg, chain = around.busy_leg(dice)
    begin_ms, lasts_ms = moment_ms(dice, leg, after_s=-1), lasting_ms(dice, 10, 40)
    tps = round(20_000 / chain.block_time_ms * dice.choice((0.3, 1, 2)), 2)
    step = {"at": seconds(begin_ms), "fault": "competing_load", "chain": chain.name, "tps": min(tps, 40),
            "gas": 2_000_000, "for": seconds(lasts_ms)}  # fmt: skip
    return DrawnFault(step, begin_ms, begin_ms + lasts_ms + REST_MS, f"node:{chain.name}")
