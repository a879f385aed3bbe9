"""What the faults of a scenario file have in common."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from lab.model.record_parts.fault_effects import FaultEffects
from lab.model.step import AS_TUPLE, Name, StepBase
from lab.model.units import DurationMs
from lab.networks.profile import NetworkProfile

_COMMON = {"id", "at_ms", "needs", "because", "for_ms", "fault"}


class Fault(StepBase):
    """Starts a fault."""

    kind: ClassVar[str] = "fault"

    # Fields of this fault that are times which really pass, so that they must end within the run.
    passing: ClassVar[tuple[str, ...]] = ()
    # What it does to whom, see FaultEffects. A fault on requests takes the chain down only if it hits all of them.
    recorded_elsewhere: ClassVar[bool] = False
    takes_chain_down: ClassVar[bool] = False
    hangs_requests: ClassVar[bool] = False
    slows_all_chains: ClassVar[bool] = False
    holds_finality: ClassVar[bool] = False
    prices_out: ClassVar[bool] = False
    # Whether only a chain whose finality is a tag shows anything of it.
    needs_tag: ClassVar[bool] = False
    # What it does that only one fault at a time can do, for lint: `stops the node`.
    exclusive: ClassVar[str | None] = None

    fault: str

    def chain_name(self) -> str | None:
        """The chain it acts on; None for a fault of the relayer."""
        return getattr(self, "chain", None)

    def other_chains(self) -> tuple[str, ...]:
        """Further chains that it names."""
        return ()

    @property
    def ends_after_ms(self) -> int | None:
        """How long what is exclusive about it lasts, unless it is healed before; None: until it is healed."""
        given = (getattr(self, "restart_after_ms", None), getattr(self, "for_ms", None))
        return min((lasts_ms for lasts_ms in given if lasts_ms is not None), default=None)

    @property
    def is_total(self) -> bool:
        """Whether no request gets by."""
        return True

    @property
    def outlasts_ms(self) -> int:
        """How long after its end it still disturbs."""
        return 0

    def effects(self) -> FaultEffects:
        """What the run records of it beside its parameters."""
        chain = self.chain_name()
        return FaultEffects(
            chains=(chain, *self.other_chains()) if chain is not None else (),
            recorded_elsewhere=self.recorded_elsewhere,
            takes_chain_down=self.takes_chain_down and self.is_total,
            hangs_requests=self.hangs_requests,
            slows_all_chains=self.slows_all_chains,
            holds_finality=self.holds_finality,
            prices_out=self.prices_out,
            outlasts_ms=self.outlasts_ms,
        )

    @property
    def reorg_depth_blocks(self) -> int:
        """How many blocks it replaces: nodes must keep the state below them."""
        return 0

    def states_blocks(self, profile: NetworkProfile, timeout_ms: int) -> int:
        """The states of how many blocks nodes must keep for it."""
        return self.reorg_depth_blocks

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

    @property
    def is_total(self) -> bool:
        return not self.methods and self.share == 1
