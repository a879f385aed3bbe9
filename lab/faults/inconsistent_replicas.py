"""The relayer's endpoint spreads its requests over replicas, some of which are behind."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.faults.stale_head import StaleHeadFault
from lab.scenario.faults import InconsistentReplicas


class InconsistentReplicasFault(StaleHeadFault):
    """Each request meets a lagging one with the chance `share`, one that is up to date otherwise."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: InconsistentReplicas) -> None:
        super().__init__(surroundings, fault_id, spec)
        self._share = spec.share
