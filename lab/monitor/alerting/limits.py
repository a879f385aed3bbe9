"""The limits of a deployment, and those that differ from chain to chain as expressions: for rules and panels alike."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, field_validator

from lab.monitor.metrics import DELAY_SECONDS, PREFIX

STALLED_BLOCKS = 5


class Thresholds(BaseModel):
    """The limits. `speed` divides every duration: for a test that shall see an alert without waiting for it."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    failed_share_max: float = Field(default=0.01, gt=0, le=1)
    cross_chain_s_max: float = Field(default=30, gt=0, description="on top of what finality and blocks take")
    oldest_intent_s_max: float = Field(default=60, gt=0)
    base_fee_factor_max: float = Field(default=5, gt=1, description="times the network's typical base fee")
    stalled_s_max: float = Field(default=60, gt=0, description="without a block, on top of five block times")
    cost_usd_max: float = Field(default=1, gt=0, description="of a transaction's whole life on a chain")
    transactions_per_s: float = Field(default=1000, gt=0, description="that the system is to carry")
    speed: float = Field(default=1, gt=0, le=1000)

    @field_validator("cross_chain_s_max")
    @classmethod
    def _counted(cls, seconds: float) -> float:
        """How many legs were slower is known at the bounds of their histogram, and between two of them unknown."""
        if seconds not in DELAY_SECONDS:
            bounds = ", ".join(f"{bound:g}" for bound in DELAY_SECONDS)
            raise ValueError(f"expected one of {bounds} s, the bounds by which slow legs are counted")
        return seconds


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds as Prometheus writes them, faster by `speed`."""

    speed: float

    def __call__(self, seconds: float) -> str:
        """The text of a duration."""
        return f"{max(1, round(seconds * 1000 / self.speed))}ms" if self.speed != 1 else f"{seconds:g}s"


def stalled_s(limits: Thresholds, labels: str = "") -> str:
    """How old the newest block may be, by chain: five block times and the limit."""
    return f"{STALLED_BLOCKS} * {PREFIX}chain_block_time_seconds{labels} + {limits.stalled_s_max / limits.speed:g}"


def allowed_s(limits: Thresholds, labels: str = "") -> str:
    """How long a leg may wait, by pair: finality of the origin, three blocks of the target, and the limit."""
    return f"{PREFIX}cross_chain_allowance_seconds{labels} + {limits.cross_chain_s_max:g}"
