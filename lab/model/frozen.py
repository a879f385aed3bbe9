"""The base of the lab's records: nothing in them changes, and unknown fields are an error.

Models are built when they are first used: a command uses few of those that it loads.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A record that is the same for whoever holds it."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


class Record(Frozen):
    """A line of a history. `seq` counts lines from 0, `t_ms` is milliseconds of the run's clock since its genesis."""

    seq: int = -1
    t_ms: int
