"""Faults of the relayer, as a scenario file writes them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from lab.model.units import DurationMs
from lab.scenario.common import Name, Role
from lab.scenario.fault_base import Fault, LastingFault


class RelayerKill(LastingFault):
    """The relayer is killed without a chance to clean up."""

    example: ClassVar[str] = "fault: relayer_kill\nrestart_after: 10s"

    fault: Literal["relayer_kill"]
    point: Name | None = Field(default=None, description="kill at this commit point of the relayer; omitted: at once")
    restart_after_ms: DurationMs | None = Field(
        default=None, alias="restart_after", description="start again after this time; omitted: when it is healed"
    )


class RelayerPause(LastingFault):
    """The relayer stands still, in the middle of whatever it does, and goes on when it is healed."""

    example: ClassVar[str] = "fault: relayer_pause\nfor: 30s"

    fault: Literal["relayer_pause"]


class SecondRelayer(LastingFault):
    """A second relayer runs beside the first, with the same key and a store of its own."""

    example: ClassVar[str] = "fault: second_relayer\nfor: 2m"

    fault: Literal["second_relayer"]


class StaleStore(LastingFault):
    """The relayer's store is kept aside now; later the relayer is killed, gets it back, and starts on it."""

    example: ClassVar[str] = "fault: stale_store\nrestore_after: 40s"

    fault: Literal["stale_store"]
    restore_after_ms: DurationMs | None = Field(
        default=None, alias="restore_after", description="when the old store comes back; omitted: when it is healed"
    )


class KeyRotation(Fault):
    """The relayer is stopped, and goes on with another account's key on the same store. It cannot be healed."""

    example: ClassVar[str] = "fault: key_rotation\nrole: operator2"

    fault: Literal["key_rotation"]
    role: Role = Field(default="operator2", description="whose key it uses from then on")
