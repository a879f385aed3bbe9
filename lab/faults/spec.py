"""What the faults of a scenario file have in common."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from lab.model.step import AS_TUPLE, Name, StepBase
from lab.model.units import DurationMs

_COMMON = {"id", "at_ms", "because", "for_ms", "fault"}


class Fault(StepBase):
    """Starts a fault."""

    kind: ClassVar[str] = "fault"

    # Fields of this fault that are times which really pass, so that they must end within the run.
    passing: ClassVar[tuple[str, ...]] = ()

    fault: str

    def chain_name(self) -> str | None:
        """The chain it acts on; None for a fault of the relayer."""
        return getattr(self, "chain", None)

    def other_chains(self) -> tuple[str, ...]:
        """Further chains that it names."""
        return ()

    @property
    def reorg_depth_blocks(self) -> int:
        """How many blocks it replaces: nodes must keep the state below them."""
        return 0

    def unsupported(self, *, own_relayer: bool) -> str | None:
        """Why it cannot be carried out under the real clock, there with a relayer of the user's own; None if it can."""
        return None

    def params(self) -> dict[str, Any]:
        """The fault's own parameters, without the keys of a step and without those that were left out."""
        return self.model_dump(mode="json", exclude=_COMMON, exclude_none=True)


class LastingFault(Fault):
    """A fault that lasts until it is healed."""

    for_ms: DurationMs | None = Field(
        default=None, alias="for", description="heals itself after this time; omitted: by heal, or at the end"
    )


class OnChain(LastingFault):
    """A lasting fault of one chain."""

    chain: Name = Field(description="the chain it acts on")


class OnRequests(OnChain):
    """A lasting fault of the RPC requests that the system under test sends to one chain."""

    methods: Annotated[tuple[str, ...], Field(min_length=1), AS_TUPLE] | None = Field(
        default=None, description="RPC methods it hits; omitted: all"
    )
    share: float = Field(default=1.0, gt=0, le=1, description="the share of those requests that it hits")
