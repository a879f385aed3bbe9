"""What the faults of the relayer share."""

from __future__ import annotations

from lab.errors import UsageError
from lab.faults.base import RelayerControl, Surroundings


def relayer_of(surroundings: Surroundings, fault_id: str, kind: str) -> RelayerControl:
    """The running relayer. Raises UsageError where none runs."""
    if surroundings.relayer is None:
        raise UsageError(f"{fault_id}: {kind} needs a relayer, and this scenario runs none (relayer: none)")
    return surroundings.relayer
