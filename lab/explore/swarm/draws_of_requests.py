"""How faults between the relayer and its endpoints are drawn."""

from __future__ import annotations

import random
from typing import Any

from lab.explore.swarm.aims import on_chain, on_requests
from lab.explore.swarm.surroundings import DrawnFault, Surroundings, seconds


def rpc_error(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Rate limits, ranges refused, gateways that give up."""
    more: dict[str, Any] = {"code": dice.choice((-32005, -32602, -32000))}
    if dice.random() < 0.4:
        more["http_status"] = dice.choice((429, 502, 503))
    return on_requests("rpc_error", dice, around, **more)


def rpc_latency(dice: random.Random, around: Surroundings) -> DrawnFault:
    """From a slow endpoint to one that is past the client's patience now and then."""
    delay_ms = dice.choice((200, 800, 2_000, 4_000))
    jitter_ms = dice.choice((0, delay_ms // 2))
    return on_requests("rpc_latency", dice, around, delay=seconds(delay_ms), jitter=seconds(jitter_ms))


def lost_reply(dice: random.Random, around: Surroundings) -> DrawnFault:
    """The relayer does not learn that its transactions arrived."""
    return on_chain("lost_reply", dice, around, low_s=30, high_s=80, early=True, node=False, count=dice.randint(1, 3))


def partition(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Longer and shorter than a window's patience."""
    return on_chain("partition", dice, around, node=False)


def rpc_reset(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Before or after the node saw the request."""
    return on_requests("rpc_reset", dice, around, forwarded=dice.random() < 0.7)


def rpc_malformed(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Half an answer, or a gateway's page."""
    return on_requests("rpc_malformed", dice, around, body=dice.choice(("truncated", "html")))


def duplicate_delivery(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Sends are doubled, for long enough to meet some."""
    return on_chain("duplicate_delivery", dice, around, low_s=30, high_s=80, early=True, node=False)


def stale_head(dice: random.Random, around: Surroundings) -> DrawnFault:
    """One block behind, or many."""
    return on_chain("stale_head", dice, around, node=False, blocks=dice.choice((1, 2, 5, 20)))


def inconsistent_replicas(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Requests that meet one time or the other."""
    more: dict[str, Any] = {"blocks": dice.choice((1, 2, 5, 20)), "share": dice.choice((0.1, 0.5))}
    return on_chain("inconsistent_replicas", dice, around, node=False, **more)


def missing_logs(dice: random.Random, around: Surroundings) -> DrawnFault:
    """Some or all logs are left out."""
    share = dice.choice((0.3, 0.7, 1.0))
    return on_chain("missing_logs", dice, around, low_s=20, high_s=60, early=True, node=False, share=share)


def swapped_nodes(dice: random.Random, around: Surroundings) -> DrawnFault | None:
    """With another chain, where there is one."""
    fault = on_chain("swapped_nodes", dice, around, node=False)
    other = around.other(dice, fault.step["chain"])
    if other is None:
        return None
    return DrawnFault({**fault.step, "other": other}, fault.begin_ms, fault.end_ms, "routes")


def pool_full(dice: random.Random, around: Surroundings) -> DrawnFault:
    """No room for the relayer."""
    return on_chain("pool_full", dice, around, low_s=10, high_s=50, early=True, node=False)


def stuck_nonce(dice: random.Random, around: Surroundings) -> DrawnFault:
    """There before the relayer sends its first."""
    return on_chain("stuck_nonce", dice, around, low_s=30, high_s=80, early=True, node=False)
