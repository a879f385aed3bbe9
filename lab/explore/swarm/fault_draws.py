"""How each fault is drawn. To let the swarm use a fault: one function here, one line in the table at the end.

A fault that the scenarios know and this table does not is left out, and `LEFT_OUT` says why.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from lab.explore.swarm.surroundings import (
    DrawnChain,
    DrawnFault,
    DrawnLeg,
    Surroundings,
    lasting_ms,
    moment_ms,
    seconds,
)

Draw = Callable[[random.Random, Surroundings], DrawnFault | None]
METHODS = ("eth_getLogs", "eth_call", "eth_getBlockByNumber", "eth_sendRawTransaction", "eth_getTransactionReceipt")
POINTS = ("after_scan", "after_intent", "before_send", "after_send", "after_receipt", "before_checkpoint")
# After a node or the relayer is back, it gets some time before the next fault of its kind.
REST_MS = 5_000


def _at(dice: random.Random, around: Surroundings) -> tuple[DrawnLeg, DrawnChain, int]:
    leg, chain = around.busy_leg(dice)
    return leg, chain, moment_ms(dice, leg)


def _on_requests(fault: str, dice: random.Random, around: Surroundings, **more: Any) -> DrawnFault:
    """A fault of requests: some methods or all, a share of them, for a while. They overlap with anything."""
    _, chain, begin_ms = _at(dice, around)
    lasts_ms = lasting_ms(dice)
    step: dict[str, Any] = {"at": seconds(begin_ms), "fault": fault, "chain": chain.name}
    if dice.random() < 0.5:
        step["methods"] = sorted(dice.sample(METHODS, dice.randint(1, 2)))
    step |= {"share": dice.choice((0.2, 0.5, 1.0)), **more, "for": seconds(lasts_ms)}
    return DrawnFault(step, begin_ms, begin_ms + lasts_ms)


def _on_chain(fault: str, dice: random.Random, around: Surroundings, *, low_s: int = 3, high_s: int = 45,
              early: bool = False, node: bool = True, **more: Any) -> DrawnFault:  # fmt: skip
    """A fault of a chain for a while.

    `early`: it is there before the leg's time comes. `node`: no other fault may be at the same node meanwhile.
    """
    leg, chain = around.busy_leg(dice)
    begin_ms = moment_ms(dice, leg, after_s=-1 if early else 20)
    lasts_ms = lasting_ms(dice, low_s, high_s)
    step = {"at": seconds(begin_ms), "fault": fault, "chain": chain.name, **more, "for": seconds(lasts_ms)}
    resource = f"node:{chain.name}" if node else None
    return DrawnFault(step, begin_ms, begin_ms + lasts_ms + REST_MS, resource)


def rpc_error(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Rate limits, ranges refused, gateways that give up."""
    more: dict[str, Any] = {"code": dice.choice((-32005, -32602, -32000))}
    if dice.random() < 0.4:
        more["http_status"] = dice.choice((429, 502, 503))
    return _on_requests("rpc_error", dice, around, **more)


def rpc_latency(dice: random.Random, around: Surroundings) -> DrawnFault:
    """From a slow endpoint to one that is past the client's patience now and then."""
    delay_ms = dice.choice((200, 800, 2_000, 4_000))
    jitter_ms = dice.choice((0, delay_ms // 2))
    return _on_requests("rpc_latency", dice, around, delay=seconds(delay_ms), jitter=seconds(jitter_ms))


def lost_reply(dice: random.Random, around: Surroundings) -> DrawnFault:
    """The relayer does not learn that its transactions arrived."""
    return _on_chain("lost_reply", dice, around, low_s=30, high_s=80, early=True, node=False, count=dice.randint(1, 3))


def node_pause(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Shorter and longer than the relayer's patience."""
    return _on_chain("node_pause", dice, around)


def node_kill(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Down for a while; the pool is lost."""
    _, chain, begin_ms = _at(dice, around)
    down_ms = lasting_ms(dice)
    step = {"at": seconds(begin_ms), "fault": "node_kill", "chain": chain.name, "restart_after": seconds(down_ms)}
    return DrawnFault(step, begin_ms, begin_ms + down_ms + REST_MS, f"node:{chain.name}")


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
    return _on_chain("base_fee_spike", dice, around, low_s=10, factor=dice.choice((2, 5, 20, 100)))


def gas_limit_cut(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Room for one or two of the contract's smaller calls a block."""
    return _on_chain(
        "gas_limit_cut",
        dice,
        around,
        low_s=30,
        high_s=60,
        early=True,
        gas_limit=dice.choice((100_000, 150_000, 300_000)),
    )


def relayer_kill(dice: random.Random, around: Surroundings) -> DrawnFault:
    """At once or at a commit point; one a case, since a point may be reached late."""
    _, _, begin_ms = _at(dice, around)
    step: dict[str, Any] = {"at": seconds(begin_ms), "fault": "relayer_kill"}
    if dice.random() < 0.7:
        step["point"] = dice.choice(POINTS)
    step["restart_after"] = seconds(lasting_ms(dice, 1, 40))
    return DrawnFault(step, begin_ms, begin_ms, "relayer", alone=True)


FAULT_DRAWS: dict[str, Draw] = {
    "rpc_error": rpc_error,
    "rpc_latency": rpc_latency,
    "lost_reply": lost_reply,
    "node_pause": node_pause,
    "node_kill": node_kill,
    "reorg": reorg,
    "base_fee_spike": base_fee_spike,
    "gas_limit_cut": gas_limit_cut,
    "relayer_kill": relayer_kill,
}
