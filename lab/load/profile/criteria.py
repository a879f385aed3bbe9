"""What a load run must reach. The defaults are the release checklist's own figures."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lab.load.profile.shapes import Part
from lab.model.chain.prices import Level
from lab.model.units import DurationMs


class Criteria(Part):
    """A threshold of None leaves the criterion out."""

    throughput_tps_min: float | None = Field(default=1000, gt=0, description="succeeded; a flow once, when executed")
    throughput_over_ms: Annotated[DurationMs, Field(ge=1_000)] = Field(
        default=60_000, alias="throughput_over", description="a shorter run cannot meet the criterion"
    )
    failure_share_max: float | None = Field(default=0.01, gt=0, lt=1, description="upper bound at 95% confidence")
    cross_chain_ms_max: Annotated[DurationMs, Field(gt=0)] | None = Field(default=30_000, alias="cross_chain_max")
    cross_chain_percentile: float = Field(default=95, gt=0, le=100)
    flow_growth_max: float | None = Field(
        default=1.5, gt=1, description="median latency of flows in the last fifth against the first"
    )
    cost_usd_max: float | None = Field(default=1.0, gt=0, description="average of a buffer_transaction")
    cost_scenario: Level = Field(default="typical", description="the gas price scenario that decides")
    uptime_share_min: float | None = Field(default=0.99, gt=0, le=1, description="of each node and of the relayer")
    inclusion_ms_max: Annotated[DurationMs, Field(gt=0)] | None = Field(
        default=None, alias="inclusion_max", description="from the intended time to the observed block"
    )
    inclusion_percentile: float = Field(default=95, gt=0, le=100)
    lateness_p99_ms_max: Annotated[DurationMs, Field(gt=0)] = Field(
        default=50, alias="lateness_p99_max", description="a generator that is later makes the run INVALID"
    )
    dropped_share_max: float = Field(default=0.001, ge=0, lt=1, description="more makes the run INVALID")


# By which rows of the checklist are judged, whatever a profile asks for.
CHECKLIST = Criteria()
