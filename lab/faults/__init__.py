"""Faults: one file each. To add one: its parameters in `lab/scenario/faults.py`, its behaviour here, one line below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.faults.base import ActiveFault, Surroundings
from lab.faults.base_fee_spike import BaseFeeSpikeFault
from lab.faults.gas_limit_cut import GasLimitCutFault
from lab.faults.lost_reply import LostReplyFault
from lab.faults.node_kill import NodeKillFault
from lab.faults.node_pause import NodePauseFault
from lab.faults.relayer_kill import RelayerKillFault
from lab.faults.reorg import ReorgFault
from lab.faults.rpc_error import RpcErrorFault
from lab.faults.rpc_latency import RpcLatencyFault

# Each takes (surroundings, fault_id, spec); the spec's type is the model of the same name in `lab.scenario.faults`.
FAULTS: dict[str, Callable[[Surroundings, str, Any], ActiveFault]] = {
    "rpc_error": RpcErrorFault,
    "rpc_latency": RpcLatencyFault,
    "lost_reply": LostReplyFault,
    "node_pause": NodePauseFault,
    "node_kill": NodeKillFault,
    "reorg": ReorgFault,
    "base_fee_spike": BaseFeeSpikeFault,
    "gas_limit_cut": GasLimitCutFault,
    "relayer_kill": RelayerKillFault,
}

__all__ = ["FAULTS", "ActiveFault", "Surroundings"]
