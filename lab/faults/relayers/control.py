"""What the faults of the relayer share."""

from __future__ import annotations

from lab.errors import UsageError
from lab.faults.context import FaultContext, RelayerControl


def relayer_of(context: FaultContext, fault_id: str, kind: str) -> RelayerControl:
    """The running relayer. Raises UsageError where none runs."""
    if context.relayer is None:
        raise UsageError(f"{fault_id}: {kind} needs a relayer, and this scenario runs none (relayer: none)")
    return context.relayer
