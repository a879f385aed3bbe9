"""The registry of faults. A fault is one file: its spec, what it does, what it disturbs, and how the swarm draws it."""

from __future__ import annotations

from lab.faults.blocks import (
    base_fee_spike,
    equal_timestamps,
    gas_limit_cut,
    halt,
    missed_slots,
    reorg,
    timestamp_skew,
)
from lab.faults.context import ActiveFault, FaultContext
from lab.faults.kind import FaultKind
from lab.faults.nodes import node_kill, node_pause, slow_start, state_lost
from lab.faults.pool import competing_load, pool_drop, pool_full, stuck_nonce
from lab.faults.relayers import key_rotation, relayer_kill, relayer_pause, second_relayer, stale_store
from lab.faults.replicas import (
    finality_stall,
    inconsistent_replicas,
    log_range_limit,
    missing_logs,
    stale_head,
    swapped_nodes,
)
from lab.faults.requests import (
    duplicate_delivery,
    huge_response,
    lost_reply,
    partition,
    rpc_error,
    rpc_latency,
    rpc_malformed,
    rpc_reset,
    wrong_chain_id,
)
from lab.faults.spec import Fault, LastingFault

# In the order of the reference.
_MODULES = (
    *(rpc_error, rpc_latency, lost_reply, partition, rpc_reset, rpc_malformed, duplicate_delivery),
    *(stale_head, inconsistent_replicas, missing_logs, log_range_limit, wrong_chain_id, huge_response, swapped_nodes),
    *(node_pause, node_kill, slow_start, state_lost),
    *(halt, finality_stall, missed_slots, timestamp_skew, equal_timestamps, reorg, base_fee_spike, gas_limit_cut),
    *(pool_drop, pool_full, competing_load, stuck_nonce),
    *(relayer_kill, relayer_pause, second_relayer, stale_store, key_rotation),
)

FAULTS: dict[str, FaultKind] = {module.KIND.name: module.KIND for module in _MODULES}

__all__ = ["FAULTS", "ActiveFault", "Fault", "FaultContext", "FaultKind", "LastingFault"]
