"""How each fault is drawn. To let the swarm use a fault: a function in one of the modules below, one line here.

`LEFT_OUT` says why a fault that the scenarios know is not drawn.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from lab.explore.swarm import draws_of_chains as chains
from lab.explore.swarm import draws_of_relayers as relayers
from lab.explore.swarm import draws_of_requests as requests
from lab.explore.swarm.surroundings import DrawnFault, Surroundings

Draw = Callable[[random.Random, Surroundings], DrawnFault | None]

FAULT_DRAWS: dict[str, Draw] = {
    "rpc_error": requests.rpc_error,
    "rpc_latency": requests.rpc_latency,
    "lost_reply": requests.lost_reply,
    "node_pause": chains.node_pause,
    "node_kill": chains.node_kill,
    "reorg": chains.reorg,
    "base_fee_spike": chains.base_fee_spike,
    "gas_limit_cut": chains.gas_limit_cut,
    "relayer_kill": relayers.relayer_kill,
    "partition": requests.partition,
    "rpc_reset": requests.rpc_reset,
    "rpc_malformed": requests.rpc_malformed,
    "duplicate_delivery": requests.duplicate_delivery,
    "stale_head": requests.stale_head,
    "inconsistent_replicas": requests.inconsistent_replicas,
    "missing_logs": requests.missing_logs,
    "swapped_nodes": requests.swapped_nodes,
    "pool_full": requests.pool_full,
    "stuck_nonce": requests.stuck_nonce,
    "slow_start": chains.slow_start,
    "state_lost": chains.state_lost,
    "halt": chains.halt,
    "finality_stall": chains.finality_stall,
    "missed_slots": chains.missed_slots,
    "timestamp_skew": chains.timestamp_skew,
    "pool_drop": chains.pool_drop,
    "competing_load": chains.competing_load,
    "relayer_pause": relayers.relayer_pause,
    "stale_store": relayers.stale_store,
    "second_relayer": relayers.second_relayer,
}

LEFT_OUT: dict[str, str] = {
    "equal_timestamps": "only on a chain with several blocks a second, where most timestamps are equal anyway",
    "log_range_limit": "bites only after a long absence of the relayer",
    "wrong_chain_id": "bites only when the relayer starts, or after a reorg",
    "huge_response": "costs memory and time, and is to the relayer what rpc_malformed is",
    "key_rotation": "cannot be healed, and the checks know one account as the relayer's",
}
