"""What a user's relayer is declared to do: how often it looks, what it waits for, what it asks."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from lab.model.units import duration_ms

STEPS_MAX = 100
CONFIRMATIONS_MAX = 1000


class DeclaredRelayer(BaseModel):
    """The section `relayer` of lab.yaml. What is left out is as the scenario asks, as the reference has it."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    poll: str | None = Field(default=None, description="how often it looks at the chains, such as 5s")
    steps: int | None = Field(
        default=None, ge=1, le=STEPS_MAX, description="transactions that each wait for a poll and a block, until READY"
    )
    confirmations: int | None = Field(
        default=None, ge=0, le=CONFIRMATIONS_MAX, description="blocks that it waits for beyond a parent's finality"
    )
    requests_per_minute: int | None = Field(
        default=None, ge=1, description="JSON-RPC calls that it makes at most in a minute, to each chain"
    )
    failover: bool = Field(
        default=False, description="it goes on with a chain's other endpoints (`fallback_rpc_urls`) where one fails"
    )

    @field_validator("poll")
    @classmethod
    def _poll(cls, given: str | None) -> str | None:
        if given is not None and duration_ms(given) <= 0:
            raise ValueError(f"expected a time above 0, such as 5s, got {given}")
        return given

    @property
    def poll_ms(self) -> int | None:
        return None if self.poll is None else duration_ms(self.poll)
