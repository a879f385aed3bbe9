"""Faults: one file each. To add one: its parameters in `lab/scenario`, its behaviour here, one line below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.faults.base import ActiveFault, Surroundings
from lab.faults.base_fee_spike import BaseFeeSpikeFault
from lab.faults.competing_load import CompetingLoadFault
from lab.faults.duplicate_delivery import DuplicateDeliveryFault
from lab.faults.equal_timestamps import EqualTimestampsFault
from lab.faults.finality_stall import FinalityStallFault
from lab.faults.gas_limit_cut import GasLimitCutFault
from lab.faults.halt import HaltFault
from lab.faults.huge_response import HugeResponseFault
from lab.faults.inconsistent_replicas import InconsistentReplicasFault
from lab.faults.key_rotation import KeyRotationFault
from lab.faults.log_range_limit import LogRangeLimitFault
from lab.faults.lost_reply import LostReplyFault
from lab.faults.missed_slots import MissedSlotsFault
from lab.faults.missing_logs import MissingLogsFault
from lab.faults.node_kill import NodeKillFault
from lab.faults.node_pause import NodePauseFault
from lab.faults.partition import PartitionFault
from lab.faults.pool_drop import PoolDropFault
from lab.faults.pool_full import PoolFullFault
from lab.faults.relayer_kill import RelayerKillFault
from lab.faults.relayer_pause import RelayerPauseFault
from lab.faults.reorg import ReorgFault
from lab.faults.rpc_error import RpcErrorFault
from lab.faults.rpc_latency import RpcLatencyFault
from lab.faults.rpc_malformed import RpcMalformedFault
from lab.faults.rpc_reset import RpcResetFault
from lab.faults.second_relayer import SecondRelayerFault
from lab.faults.slow_start import SlowStartFault
from lab.faults.stale_head import StaleHeadFault
from lab.faults.stale_store import StaleStoreFault
from lab.faults.state_lost import StateLostFault
from lab.faults.stuck_nonce import StuckNonceFault
from lab.faults.swapped_nodes import SwappedNodesFault
from lab.faults.timestamp_skew import TimestampSkewFault
from lab.faults.wrong_chain_id import WrongChainIdFault

# Each takes (surroundings, fault_id, spec); the spec's type is the model of the same name in `lab.scenario.faults`.
FAULTS: dict[str, Callable[[Surroundings, str, Any], ActiveFault]] = {
    "rpc_error": RpcErrorFault,
    "rpc_latency": RpcLatencyFault,
    "lost_reply": LostReplyFault,
    "partition": PartitionFault,
    "rpc_reset": RpcResetFault,
    "rpc_malformed": RpcMalformedFault,
    "duplicate_delivery": DuplicateDeliveryFault,
    "stale_head": StaleHeadFault,
    "inconsistent_replicas": InconsistentReplicasFault,
    "missing_logs": MissingLogsFault,
    "log_range_limit": LogRangeLimitFault,
    "wrong_chain_id": WrongChainIdFault,
    "huge_response": HugeResponseFault,
    "swapped_nodes": SwappedNodesFault,
    "node_pause": NodePauseFault,
    "node_kill": NodeKillFault,
    "slow_start": SlowStartFault,
    "state_lost": StateLostFault,
    "halt": HaltFault,
    "finality_stall": FinalityStallFault,
    "missed_slots": MissedSlotsFault,
    "timestamp_skew": TimestampSkewFault,
    "equal_timestamps": EqualTimestampsFault,
    "reorg": ReorgFault,
    "base_fee_spike": BaseFeeSpikeFault,
    "gas_limit_cut": GasLimitCutFault,
    "pool_drop": PoolDropFault,
    "pool_full": PoolFullFault,
    "competing_load": CompetingLoadFault,
    "stuck_nonce": StuckNonceFault,
    "relayer_kill": RelayerKillFault,
    "relayer_pause": RelayerPauseFault,
    "second_relayer": SecondRelayerFault,
    "stale_store": StaleStoreFault,
    "key_rotation": KeyRotationFault,
}

__all__ = ["FAULTS", "ActiveFault", "Surroundings"]
